"""Grading a store again, and comparing the gradings."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from autotts_core.cli import cli
from autotts_core.errors import StoreError
from autotts_core.grader import ExactGrader, Grader
from autotts_core.store import ReplayStore, check_store, grade_store, grade_stores, write_store
from autotts_core.store.compare import compare_trees
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet


class Squeezed(Grader):
    """White space and case do not count."""

    name = "squeezed"
    summary = "Without white space"
    version = 7

    def keys(self, answers: Sequence[str]) -> list[str | None]:
        return [None if a == "ERR" else "".join(a.split()).casefold() for a in answers]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    branches = [
        BranchTrace(probes=["ERR", "1 2"], tokens=1200, final="12"),
        BranchTrace(probes=["x"], tokens=700, final="X"),
        BranchTrace(probes=["12"], tokens=800, final="1 2"),
        BranchTrace(probes=[], tokens=100, final="ERR"),
    ]
    traces = TraceSet("m", "b", 500, "exact", "here", [QuestionTrace("q", "?", "12", branches)])
    write_store(tmp_path / "old" / "m" / "b", traces)
    return tmp_path / "old" / "m" / "b"


def test_only_classes_and_marks_change(store: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    grade_store(tmp_path / "new", store, Squeezed())
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before
    assert check_store(tmp_path / "new") == []
    old, new = ReplayStore.open(store), ReplayStore.open(tmp_path / "new")
    assert new.digest != old.digest
    assert (new.manifest.grader.name, new.manifest.grader.version) == ("squeezed", 7)
    for name in ("questions.parquet", "branches.parquet", "probes.parquet"):
        assert (tmp_path / "new" / name).read_bytes() == before[name]
    # ERR, "1 2" and "12", "x" and "X"
    assert new.load().class_text == ["ERR", "1 2", "x"]
    assert new.load().class_correct.tolist() == [False, True, False]
    assert new.load().step_class.tolist() == [0, 1, 1, 2, 2, 1, 1, 0]


def test_grading_back_gives_the_old_store(store: Path, tmp_path: Path) -> None:
    grade_store(tmp_path / "new", store, Squeezed())
    grade_store(tmp_path / "back", tmp_path / "new", ExactGrader())
    assert ReplayStore.open(tmp_path / "back").digest == ReplayStore.open(store).digest


def test_what_cannot_be_read_is_set_apart(store: Path, tmp_path: Path) -> None:
    grade_store(tmp_path / "new", store, Squeezed(), "apart")
    assert check_store(tmp_path / "new") == []
    new = ReplayStore.open(tmp_path / "new")
    assert new.manifest.unreadable == "apart"
    assert new.load().step_class.tolist() == [-1, 0, 0, 1, 1, 0, 0, -1]
    assert new.load().class_text == ["1 2", "x"]
    # What a store says stays, until something else is asked for.
    grade_store(tmp_path / "again", tmp_path / "new", ExactGrader())
    assert ReplayStore.open(tmp_path / "again").manifest.unreadable == "apart"


def test_all_stores_are_graded_or_none(store: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="one at a time"):
        grade_stores(tmp_path / "new", [store, store], Squeezed())
    assert not (tmp_path / "new").exists()
    grade_stores(tmp_path / "new", [store], Squeezed())
    with pytest.raises(StoreError, match="exists already"):
        grade_stores(tmp_path / "new", [store], Squeezed())


def test_a_damaged_store_is_not_graded(store: Path, tmp_path: Path) -> None:
    with (store / "answers.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(StoreError, match="differs from its checksum"):
        grade_store(tmp_path / "new", store, Squeezed())
    assert not (tmp_path / "new").exists()


def test_a_comparison_says_what_changed_and_why(store: Path, tmp_path: Path) -> None:
    grade_stores(tmp_path / "new", [store], Squeezed())
    (found,) = compare_trees(tmp_path / "old", tmp_path / "new")
    assert found.facts["right final answers"] == (0.25, 0.5)
    assert found.questions_changed == 1
    assert found.branches_changed == 3
    by_answer = {change.answer: change for change in found.changes}
    assert set(by_answer) == {"1 2", "12", "x", "X"}
    change = by_answer["1 2"]
    assert (change.old, change.new, change.branches, change.probes) == ("wrong", "right", [2], 1)
    assert change.why == "squeezed 7: the same as gold '12'"
    assert by_answer["x"].why == "squeezed 7: the same as 'X'"


def test_a_comparison_with_itself_finds_nothing(store: Path) -> None:
    (found,) = compare_trees(store, store)
    assert found.changes == []


def test_the_command_line(store: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> str:
        result = CliRunner().invoke(cli, [str(each) for each in arguments])
        return f"{result.exit_code} {result.output}"

    graded = tmp_path / "new"
    out = run(
        "traces", "grade", store, "--grader", "exact", "--unreadable", "apart", "--out", graded
    )
    assert out.startswith("0 ")
    assert "exact 1" in out
    out = run("traces", "compare", store, graded / "m" / "b")
    assert "exact 1 cannot read it, and it is set apart" in out
    assert "unreadable: vote -> apart" in out
    out = run("traces", "grade", store, "--grader", "nonesuch", "--out", tmp_path / "x")
    assert out.startswith("2 ")
    assert "There is no grader 'nonesuch'" in out
