"""What all tests of the core share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled controllers of a test session are kept apart from the user's.

    All processes of the session share them, so that none compiles what another has.
    """
    base = tmp_path_factory.getbasetemp()
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOTTS_CACHE_DIR", str(cache))
        yield


@pytest.fixture(scope="session")
def shared_traces() -> Path:
    """The directory of published traces and reference results beside this repository."""
    data = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not data.is_dir():
        pytest.skip(f"the published traces are not here: there is no directory {data}")
    return data
