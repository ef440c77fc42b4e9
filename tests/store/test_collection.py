"""Stores for a run are made once, whole or not at all, whoever else makes them.

Run as a program, this file is a process that collects: see `collecting`.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import ClassVar

import pytest

from autotts_core.collection import collect_store, store_folder
from autotts_core.component import Options
from autotts_core.errors import StoreError
from autotts_core.store import ReplayStore, check_store, find_stores, write_store
from autotts_core.trace_backend import StoreRequest, TraceSource
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet

REQUEST = StoreRequest("tiny", "toy", branches=3, interval_tokens=500, seed=0)
FILES = 5


class ToyOptions(Options):
    questions: int = 2
    folder: Path | None = None


class Toy(TraceSource):
    """Right answers to simple questions; counts how often it is asked."""

    name: ClassVar[str] = "toy"
    summary: ClassVar[str] = "For tests"
    Options: ClassVar[type[Options]] = ToyOptions
    options: ToyOptions
    asked = 0

    def check(self, request: StoreRequest) -> None:
        pass

    def traces(self, request: StoreRequest) -> TraceSet:
        self.asked += 1
        branch = BranchTrace(["1", str(request.seed)], 1200, str(request.seed))
        return TraceSet(
            model=request.model,
            benchmark=request.benchmark,
            interval_tokens=request.interval_tokens,
            accounting="published",
            source="made for a test",
            questions=[
                QuestionTrace(str(n), f"{request.name} {n}?", "1", [branch] * request.branches)
                for n in range(self.options.questions)
            ],
        )


def collecting(way: str, root: Path) -> None:
    """Collect in a process of its own, in one of three ways."""
    with tempfile.TemporaryDirectory() as elsewhere:
        # So that no import delays what follows.
        collect_store(Toy(), REQUEST, Path(elsewhere))
    print("ready", flush=True)
    if way == "many":
        for seed in count():
            collect_store(Toy(), replace(REQUEST, seed=seed), root)
    elif way == "together":
        sys.stdin.readline()
        print(collect_store(Toy(), REQUEST, root), flush=True)
    else:
        fsync, calls = os.fsync, []

        def hanging(descriptor: int) -> None:
            fsync(descriptor)
            calls.append(descriptor)
            if len(calls) == int(way):
                print("in the middle", flush=True)
                time.sleep(60)

        os.fsync = hanging  # type: ignore[assignment]
        collect_store(Toy(), REQUEST, root)


@contextmanager
def collector(way: str, root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is about to collect; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, __file__, way, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def stores_below(root: Path) -> list[Path]:
    try:
        return find_stores([root])
    except StoreError:
        return []


def contents(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.iterdir()}


# ---- where --------------------------------------------------------------------------------


def test_folder_is_named_by_the_settings_without_any_work(tmp_path: Path) -> None:
    backend, root = Toy(), tmp_path / "stores"
    path = store_folder(backend, REQUEST, root)
    assert path.parts[-2:] == ("tiny", "toy")
    assert path.parents[2] == root
    name, _, digest = path.parents[1].name.rpartition("-")
    assert name == "toy"
    assert len(digest) == 12
    assert int(digest, 16) >= 0
    assert store_folder(Toy.configure({"questions": 2}), REQUEST, root) == path
    assert backend.asked == 0
    assert not root.exists()


def test_other_settings_lie_elsewhere_other_names_beside(tmp_path: Path) -> None:
    class Other(Toy):
        name: ClassVar[str] = "other"

    def settings(backend: TraceSource, **changes: int) -> str:
        request = replace(REQUEST, **changes)  # type: ignore[arg-type]
        return store_folder(backend, request, tmp_path).parents[1].name

    here = settings(Toy())
    others = [
        settings(Toy.configure({"questions": 3})),
        settings(Toy.configure({"folder": "somewhere"})),
        settings(Toy(), branches=4),
        settings(Toy(), interval_tokens=250),
        settings(Toy(), seed=1),
    ]
    assert len({here, *others}) == 6
    assert settings(Other()).rpartition("-")[2] != here.rpartition("-")[2]
    beside = replace(REQUEST, model="Qwen/Qwen3-4B", benchmark="math/algebra")
    assert store_folder(Toy(), beside, tmp_path) == (
        tmp_path / here / "Qwen" / "Qwen3-4B" / "math" / "algebra"
    )


@pytest.mark.parametrize("name", ["../up", "/root", "a//b", "", ".hidden"])
def test_names_cannot_lead_out_of_the_directory(tmp_path: Path, name: str) -> None:
    for request in (replace(REQUEST, model=name), replace(REQUEST, benchmark=name)):
        for act in (store_folder, collect_store):
            with pytest.raises(StoreError, match="must begin with a letter, a digit or _"):
                act(Toy(), request, tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---- making and reusing -------------------------------------------------------------------


def test_makes_a_store_once(tmp_path: Path) -> None:
    backend, root = Toy(), tmp_path / "stores"
    request = replace(REQUEST, model="Qwen/Qwen3-4B")
    path = collect_store(backend, request, root)
    assert path == store_folder(backend, request, root)
    assert check_store(path) == []
    assert find_stores([root]) == [path]
    store = ReplayStore.open(path)
    assert (store.name, store.manifest.counts.branches) == ("Qwen/Qwen3-4B/toy", 6)
    stamps = {each: each.stat().st_mtime_ns for each in root.rglob("*")}
    assert collect_store(backend, request, root) == path
    assert backend.asked == 1
    assert {each: each.stat().st_mtime_ns for each in root.rglob("*")} == stamps


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (replace(REQUEST, model="other"), "model other, benchmark toy"),
        (replace(REQUEST, benchmark="other"), "model tiny, benchmark other"),
        (replace(REQUEST, interval_tokens=250), ".*, interval_tokens 250 with branches 3"),
        (replace(REQUEST, branches=2), ".*, interval_tokens 500 with branches 2"),
    ],
)
def test_traces_that_nobody_asked_for_are_refused(
    tmp_path: Path, given: StoreRequest, message: str
) -> None:
    class Mistaken(Toy):
        def traces(self, request: StoreRequest) -> TraceSet:
            return super().traces(given)

    with pytest.raises(StoreError, match=f"'toy' was asked for .*, and gave {message}"):
        collect_store(Mistaken(), REQUEST, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [{"benchmark": "other"}, {"branches": 2}])
def test_another_store_in_the_place_is_refused(tmp_path: Path, change: dict[str, int]) -> None:
    path = store_folder(Toy(), REQUEST, tmp_path)
    write_store(path, Toy().traces(replace(REQUEST, **change)))  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"toy: holds model tiny, .* belongs\. Remove it"):
        collect_store(Toy(), REQUEST, tmp_path)


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    path = store_folder(Toy(), REQUEST, tmp_path)
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"tiny/toy: exists already"):
        collect_store(Toy(), REQUEST, tmp_path)
    (path / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match=r"toy/manifest\.json: not readable as JSON"):
        collect_store(Toy(), REQUEST, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write here"):
        collect_store(Toy(), REQUEST, tmp_path / "file")


def test_traces_that_cannot_be_had_leave_nothing(tmp_path: Path) -> None:
    class Broken(Toy):
        def traces(self, request: StoreRequest) -> TraceSet:
            raise StoreError("no network")

    with pytest.raises(StoreError, match="no network"):
        collect_store(Broken(), REQUEST, tmp_path)
    with pytest.raises(StoreError, match="has no questions"):
        collect_store(Toy.configure({"questions": 0}), REQUEST, tmp_path)
    assert list(tmp_path.iterdir()) == []


# ---- others at the same time --------------------------------------------------------------


def test_store_that_another_made_meanwhile_is_reused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store_folder(Toy(), REQUEST, tmp_path)

    class Slow(Toy):
        def traces(self, request: StoreRequest) -> TraceSet:
            write_store(path, super().traces(request))
            return super().traces(request)

    assert collect_store(Slow(), REQUEST, tmp_path) == path
    # And one that appears after the last look, just before the rename.
    request = replace(REQUEST, seed=1)
    late, rename = store_folder(Toy(), request, tmp_path), Path.rename

    def overtaken(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        write_store(late, Toy().traces(request))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", overtaken)
    assert collect_store(Toy(), request, tmp_path) == late
    assert find_stores([tmp_path]) == sorted([path, late])
    assert not [each for each in tmp_path.rglob("*") if each.name.startswith(".")]


def test_processes_at_once_agree_on_one_store(tmp_path: Path) -> None:
    alone = collect_store(Toy(), REQUEST, tmp_path / "alone")
    root = tmp_path / "root"
    with collector("together", root) as one, collector("together", root) as two:
        for process in (one, two):
            assert process.stdin is not None
            process.stdin.write("now\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[0] for process in (one, two)]
        assert (one.returncode, two.returncode) == (0, 0)
    path = store_folder(Toy(), REQUEST, root)
    assert said == [f"{path}\n"] * 2
    assert contents(path) == contents(alone)
    assert not [each for each in root.rglob("*") if each.name.startswith(".")]


@pytest.mark.parametrize("calls", range(1, FILES + 1))
def test_killed_while_writing(tmp_path: Path, calls: int) -> None:
    with collector(str(calls), tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
    path = store_folder(Toy(), REQUEST, tmp_path)
    assert not path.exists()
    assert collect_store(Toy(), REQUEST, tmp_path) == path
    assert check_store(path) == []


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path) -> None:
    moments = random.Random(0)
    for _ in range(4):
        before = len(stores_below(tmp_path))
        with collector("many", tmp_path) as process:
            time.sleep(moments.uniform(0, 0.3))
            process.send_signal(signal.SIGKILL)
        stores = stores_below(tmp_path)
        assert len(stores) >= before
        assert [problem for path in stores for problem in check_store(path)] == []
    made = len(stores)
    assert made
    # What the killed ones left is what an unbroken one makes, and it is gone on from there.
    for seed in range(made):
        request = replace(REQUEST, seed=seed)
        path = collect_store(Toy(), request, tmp_path)
        assert contents(path) == contents(collect_store(Toy(), request, tmp_path / "unbroken"))


if __name__ == "__main__":
    collecting(sys.argv[1], Path(sys.argv[2]))
