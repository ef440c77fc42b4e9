"""Who may work on a store: one process, or the workers of one."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from autotts_core.errors import StoreError

_WORKERS_END = 10.0
"""Seconds in which the workers of a process that was killed end, too."""


@contextmanager
def alone(out: Path) -> Iterator[Path]:
    """The directory of what is under way; `StoreError` where another process is at work there."""
    directory = out.with_name(f".{out.name}.collecting")
    out.parent.mkdir(parents=True, exist_ok=True)
    lock = out.with_name(f".{out.name}.lock")
    with lock.open("w") as file:
        if not _locked(file, fcntl.LOCK_EX):
            raise StoreError(f"{out}: another process is collecting it.")
        try:
            if directory.exists():
                _await_workers(directory, out)
            yield directory
        finally:
            lock.unlink()


@contextmanager
def at_work(directory: Path) -> Iterator[None]:
    """In a worker: while this lasts, no other process begins to collect in `directory`."""
    with _workers_lock(directory).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _await_workers(directory: Path, out: Path) -> None:
    until = time.monotonic() + _WORKERS_END
    with _workers_lock(directory).open("w") as file:
        while not _locked(file, fcntl.LOCK_EX):
            if time.monotonic() > until:
                raise StoreError(
                    f"{out}: workers of a process that has ended are still collecting it. "
                    "End them first."
                )
            time.sleep(0.05)


def _workers_lock(directory: Path) -> Path:
    return directory / ".workers.lock"


def _locked(file: IO[str], operation: int) -> bool:
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
