"""Who may collect: nobody begins while workers of another process are at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotts_core.collecting import locks
from autotts_core.collecting.locks import alone, at_work
from autotts_core.errors import StoreError


def test_workers_that_outlive_their_process_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "toy" / "sums"
    with alone(out) as directory:
        directory.mkdir()
    monkeypatch.setattr(locks, "_WORKERS_END", 0.1)
    refused = pytest.raises(StoreError, match=r"toy/sums: workers of a process that has ended")
    with at_work(directory), at_work(directory), refused, alone(out):
        pass
    with alone(out):
        # Workers of this process begin while it lasts.
        with at_work(directory), at_work(directory):
            pass
        with pytest.raises(StoreError, match="another process is collecting it"), alone(out):
            pass
