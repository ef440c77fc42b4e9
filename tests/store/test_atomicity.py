"""Whatever happens while stores are written, there are all of them or none."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autotts_core.errors import StoreError
from autotts_core.store import check_store, find_stores, write_store, write_stores
from autotts_core.traces import BranchTrace, TraceSet

FILES = 5


def fail_after(monkeypatch: pytest.MonkeyPatch, calls: int, error: BaseException) -> None:
    """Make the writing of the file after `calls` files fail."""
    fsync, left = os.fsync, iter(range(calls))

    def failing(descriptor: int) -> None:
        if next(left, None) is None:
            raise error
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("calls", range(FILES))
def test_failure_leaves_nothing(
    tmp_path: Path,
    traces: TraceSet,
    monkeypatch: pytest.MonkeyPatch,
    calls: int,
    error: BaseException,
) -> None:
    fail_after(monkeypatch, calls, error)
    expected = StoreError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_store(tmp_path / "deep" / "down" / "store", traces)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_failure_at_a_later_store_leaves_none(
    tmp_path: Path,
    traces: TraceSet,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    several = [replace(traces, model=name) for name in "abc"]
    fail_after(monkeypatch, 2 * FILES + 1, error)
    with pytest.raises((StoreError, KeyboardInterrupt)):
        write_stores(tmp_path / "out", several)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    stores = write_stores(tmp_path / "out", several)
    assert stores == [tmp_path / "out" / name / "toy" for name in "abc"]
    assert find_stores([tmp_path]) == stores
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b", "c"]


def test_failing_importer_leaves_nothing(tmp_path: Path, traces: TraceSet) -> None:
    def imported() -> Iterator[TraceSet]:
        yield traces
        raise StoreError("the second file is damaged")

    with pytest.raises(StoreError, match="the second file is damaged"):
        write_stores(tmp_path / "out", imported())
    assert list(tmp_path.iterdir()) == []


def test_failing_rename_undoes_the_others(
    tmp_path: Path, traces: TraceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if target == tmp_path / "out" / "b" / "toy":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(StoreError, match="toy: cannot be created: Input/output error"):
        write_stores(tmp_path / "out", [replace(traces, model=name) for name in "abc"])
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys, time
from pathlib import Path
from autotts_core.store import write_stores
from autotts_core.traces import TraceSet
from autotts_core.traces import BranchTrace, QuestionTrace

question = QuestionTrace("a", "?", "1", [BranchTrace(["1"], 10, "1")])
fsync, calls = os.fsync, []

def hanging(descriptor):
    fsync(descriptor)
    calls.append(descriptor)
    if len(calls) == 7:
        print("in the middle", flush=True)
        time.sleep(60)

os.fsync = hanging
write_stores(
    Path(sys.argv[1]),
    (TraceSet(name, "toy", 500, "published", name, [question]) for name in "ab"),
)
"""


def test_killed_import_leaves_no_store_and_can_be_repeated(
    tmp_path: Path, traces: TraceSet
) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(out)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
    assert not (out / "a").exists()
    with pytest.raises(StoreError, match="no replay store here"):
        find_stores([out])
    stores = write_stores(out, [replace(traces, model=name) for name in "ab"])
    assert find_stores([out]) == stores
    assert [check_store(path) for path in stores] == [[], []]


def test_existing_target_is_refused_and_kept(tmp_path: Path, store: Path, traces: TraceSet) -> None:
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    with pytest.raises(StoreError, match=r"toy: exists already\. A frozen store never changes"):
        write_store(store, traces)
    with pytest.raises(StoreError, match=r"toy: exists already"):
        write_stores(tmp_path / "stores", [replace(traces, model="other"), traces])
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["tiny"]


def test_parent_that_is_a_file(tmp_path: Path, traces: TraceSet) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file: cannot write here"):
        write_store(tmp_path / "file" / "store", traces)


def test_two_sources_of_one_pair(tmp_path: Path, traces: TraceSet) -> None:
    with pytest.raises(StoreError, match=r"tiny/toy: both tiny/toy\.json and elsewhere hold this"):
        write_stores(tmp_path / "out", [traces, replace(traces, source="elsewhere")])
    assert list(tmp_path.iterdir()) == []


def with_branch(traces: TraceSet, branch: BranchTrace) -> TraceSet:
    question = traces.questions[0]
    return replace(traces, questions=[replace(question, branches=[*question.branches[:2], branch])])


@pytest.mark.parametrize(
    ("branch", "message"),
    [
        (BranchTrace(["1"], 9, "1", [-1.0]), "question 0, branch 2: 1 signals for 1 probes"),
        (BranchTrace(["1"], 9, "1", None, [1.0]), "branch 2: 1 confidences for 1 probes"),
        (
            BranchTrace(["1"], 9, "1", None, [1.0, -2.0]),
            "branch 2: final_confidence -2",
        ),
        (BranchTrace(["1"], 9, "1", [-1.0, 0.5]), "question 0, branch 2: final_signal 0.5"),
        (BranchTrace(["1"], 9, "1", [float("nan"), -1.0]), "question 0, branch 2: signal nan"),
        (BranchTrace([], -1, "1"), "question 0, branch 2: -1 tokens; must be 0 or more"),
        (BranchTrace(["1", "1"], 9, "1"), "question 0, branch 2: 2 probes, but 9 tokens at 500"),
        (
            BranchTrace(["1"] * 32_767, 500 * 32_767, "1"),
            "branch 2: 32,767 intervals; must be fewer than 32,767",
        ),
        (BranchTrace([], 2**31, "1"), "'tokens' of branches.parquet: .*2147483648"),
        (BranchTrace(["\ud800"], 9, "1"), r"question 0: '\\ud800' holds half of a surrogate pair"),
    ],
)
def test_impossible_branches_are_refused(
    tmp_path: Path, traces: TraceSet, branch: BranchTrace, message: str
) -> None:
    with pytest.raises(StoreError, match=rf"tiny/toy\.json: .*{message}"):
        write_store(tmp_path / "store", with_branch(traces, branch))
    assert list(tmp_path.iterdir()) == []


def test_more_branches_than_ledgers_have_room_for_are_refused(
    tmp_path: Path, traces: TraceSet
) -> None:
    question = replace(traces.questions[0], branches=[BranchTrace([], 1, "1")] * 32_768)
    with pytest.raises(StoreError, match="question 0: 32,768 branches; must be 32,767 or fewer"):
        write_store(tmp_path / "store", replace(traces, questions=[question]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"questions": []}, "has no questions"),
        ({"accounting": "guessed"}, "key 'accounting': .*'published' or 'exact'"),
        ({"interval_tokens": 0}, "key 'interval_tokens'"),
        ({"model": "../up"}, r"key 'model': .*must begin with a letter"),
        ({"source_sha256": "abc"}, "key 'sha256'"),
    ],
)
def test_impossible_traces_are_refused(
    tmp_path: Path, traces: TraceSet, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        write_store(tmp_path / "store", replace(traces, **changes))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_names_cannot_lead_out_of_the_directory(tmp_path: Path, traces: TraceSet) -> None:
    for name in ("../up", "/root", "a//b", "", ".hidden"):
        with pytest.raises(StoreError, match="must begin with a letter, a digit or _"):
            write_stores(tmp_path / "out", [replace(traces, model=name)])
    stores = write_stores(tmp_path / "out", [replace(traces, model="Qwen/Qwen3-4B")])
    assert stores == [tmp_path / "out" / "Qwen" / "Qwen3-4B" / "toy"]
