"""What all tests of the core share."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled controllers of a test session are kept apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOTTS_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared_traces() -> Path:
    """The directory of published traces and reference results beside this repository."""
    data = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not data.is_dir():
        pytest.skip(f"the published traces are not here: there is no directory {data}")
    return data
