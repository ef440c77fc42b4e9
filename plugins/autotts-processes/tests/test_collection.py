"""Collection by several processes: the store that one makes, whoever dies on the way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from autotts_processes.executor import Processes
from autotts_sim.engine import SimulatedEngine

from autotts_core.collecting.collecting import Report, collect
from autotts_core.collecting.collection import Collection
from autotts_core.collecting.collector import Tally
from autotts_core.collecting.sharded import collect_sharded
from autotts_core.engine_branch import BranchSettings
from autotts_core.errors import EngineError
from autotts_core.plugins import registry
from autotts_core.store import check_store


def collection(max_tokens: int = 3000) -> Collection:
    options = {"questions": 3, "form": "completion"}
    benchmark = registry().get("benchmark", "arithmetic").configure(options)
    settings = BranchSettings(interval_tokens=100, max_tokens=max_tokens)
    return Collection("toy", benchmark, 6, settings, at_once=4)


def sharded(out: Path, of: Collection, report: Report, **options: Any) -> Tally:
    engine, executor = SimulatedEngine.configure(options), Processes.configure({"processes": 2})
    return collect_sharded(of, engine, executor, out, report)[1]


def contents(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.iterdir()}


def workers_of(parent: int) -> list[int]:
    """The processes of the executor that `parent` has started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            of = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if of == parent and b"autotts_processes.worker" in command:
            found.append(int(process.name))
    return found


def runs(pid: int) -> bool:
    """Whether it is there, and does not only wait to be buried."""
    try:
        # That of a process which has ended is empty.
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def lines_of(directory: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in directory.glob("*.jsonl"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tally]:
    """What one engine in this process collects."""
    out = tmp_path_factory.mktemp("whole") / "toy" / "arithmetic"
    engine = SimulatedEngine.configure({})
    return out, asyncio.run(collect(collection(), engine, out, lambda tally: None))[1]


def test_two_make_the_store_that_one_makes(whole: tuple[Path, Tally], tmp_path: Path) -> None:
    told: list[Tally] = []
    out = tmp_path / "toy" / "arithmetic"
    tally = sharded(out, collection(), told.append)
    assert check_store(out) == []
    assert contents(out) == contents(whole[0])
    assert [path.name for path in out.parent.iterdir()] == ["arithmetic"]
    expected = whole[1]
    assert (tally.branches, tally.wanted, tally.questions) == (18, 18, 3)
    assert (tally.tokens, tally.probe_tokens) == (expected.tokens, expected.probe_tokens)
    assert tally.prompt_tokens == expected.prompt_tokens
    assert 0 < tally.cached_tokens < tally.prompt_tokens
    assert told[-1] == tally


def test_an_engines_error_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"context of 1,000,000 tokens is too short.*Cut branc"):
        sharded(tmp_path / "store", collection(max_tokens=1_000_000), lambda tally: None)
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
def test_a_worker_that_is_killed_is_done_again(whole: tuple[Path, Tally], tmp_path: Path) -> None:
    killed: list[int] = []
    seen: list[int] = []

    def kill(tally: Tally) -> None:
        seen.append(tally.branches)
        workers = workers_of(os.getpid())
        if tally.branches > 1 and not killed and workers:
            killed.append(workers[0])
            os.kill(workers[0], signal.SIGKILL)

    out = tmp_path / "toy" / "arithmetic"
    tally = sharded(out, collection(), kill, seconds_per_token=0.002)
    assert killed
    assert contents(out) == contents(whole[0])
    # Each branch counts once, whoever made it: none was kept twice.
    assert (tally.branches, tally.tokens) == (18, whole[1].tokens)
    assert seen == sorted(seen)


COMMAND = [
    sys.executable, "-m", "autotts_core", "collect", "toy", "arithmetic",
    "--backend", "simulated-engine", "--option", "seconds_per_token=0.002",
    "--benchmark-option", "questions=3", "--benchmark-option", "form=completion",
    "--branches", "6", "--interval", "100", "--max-tokens", "3000", "--at-once", "4",
    "--executor", "processes", "--executor-option", "processes=2", "--out", ".", "--json",
]  # fmt: skip


@pytest.mark.slow
def test_the_parent_is_killed_and_the_same_command_goes_on(
    whole: tuple[Path, Tally], tmp_path: Path
) -> None:
    directory = tmp_path / "toy" / ".arithmetic.collecting"
    with subprocess.Popen(COMMAND, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while lines_of(directory) < 3 and time.monotonic() < until:
            time.sleep(0.05)
        workers = workers_of(process.pid)
        assert workers
        process.kill()
    # At once: it waits until the workers of the one before have gone.
    done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not any(map(runs, workers))
    facts = json.loads(done.stdout)
    assert facts["branches"] == 18
    assert facts["tokens"] < whole[1].tokens
    assert contents(tmp_path / "toy" / "arithmetic") == contents(whole[0])


def test_options_of_no_executor_are_refused(tmp_path: Path) -> None:
    command = [each for each in COMMAND if each not in ("--executor", "processes")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--executor-option is for an --executor" in done.stderr
