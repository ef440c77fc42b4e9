"""A killed evaluation leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

ENDLESS = """
def schedule(beta):
    return {"rounds": 1_000_000_000}


def policy(episode, p):
    episode.read()
    for r in range(p.rounds):
        episode.answer(0)
    return 0
"""


def children(parent: int) -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(status.parent.name))
    return found


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    branch = BranchTrace(["a"], 900, "a")
    store = toy_store(tmp_path, *[[branch] * 2] * 4)
    controller = tmp_path / "endless.py"
    controller.write_text(ENDLESS)
    command = [sys.executable, "-m", "autotts_core", "evaluate", "--traces", str(store.path)]
    command += ["--controller", str(controller), "--interpreted", "--workers", "2", "--seeds", "2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        workers: set[int] = set()
        deadline = time.monotonic() + 60
        while len(workers) < 3 and time.monotonic() < deadline:  # two, and multiprocessing's own
            workers = children(process.pid)
            time.sleep(0.1)
        time.sleep(1)
        workers = children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
    assert len(workers) >= 2
    deadline = time.monotonic() + 20
    while any(map(running, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = {worker for worker in workers if running(worker)}
    for worker in left:
        os.kill(worker, signal.SIGKILL)
    assert not left
