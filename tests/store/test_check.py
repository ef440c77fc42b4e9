"""`check_store` finds each kind of damage, and `load` lets none of it reach compiled code."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autotts_core.errors import StoreError
from autotts_core.store import Problem, ReplayStore, check_store, find_stores, write_store
from autotts_core.traces import TraceSet

Rows = list[dict[str, Any]]
Edit = Callable[[Rows], object]


def edit(store: Path, name: str, change: Edit) -> None:
    """Change a file's rows and make the manifest agree, so that only the content is wrong."""
    path = store / name
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    schema = pa.schema([(field.name, field.type) for field in table.schema])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    seal(store, name, len(rows))


def seal(store: Path, name: str, rows: int) -> None:
    content = (store / name).read_bytes()
    manifest = json.loads((store / "manifest.json").read_text())
    manifest["files"][name] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "rows": rows,
    }
    manifest["counts"][name.removesuffix(".parquet")] = rows
    (store / "manifest.json").write_text(json.dumps(manifest))


def put(row: int, **values: Any) -> Edit:
    return lambda rows: rows[row].update(values)


def swap(first: int, second: int) -> Edit:
    def change(rows: Rows) -> None:
        rows[first], rows[second] = rows[second], rows[first]

    return change


def drop(row: int) -> Edit:
    return lambda rows: rows.pop(row)


QUESTIONS, ANSWERS = "questions.parquet", "answers.parquet"
BRANCHES, PROBES = "branches.parquet", "probes.parquet"


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        (QUESTIONS, put(1, question=5), (5, None, "row 1 must be question 1")),
        (QUESTIONS, put(1, id="a"), (1, None, "the id 'a' comes twice")),
        (QUESTIONS, put(0, gold_answer=None), (0, None, "'gold_answer' is missing")),
        (ANSWERS, put(6, question=2), (2, None, "no such question; there are 2")),
        (ANSWERS, swap(3, 4), (0, None, "row 4 is out of order")),
        (ANSWERS, put(1, answer=9), (0, None, "answer 9 where 1 must follow")),
        (ANSWERS, put(1, text="ERR"), (0, None, "the answer text 'ERR' comes twice")),
        (ANSWERS, put(1, text=""), (0, None, "an answer without text must be stored as -1")),
        (ANSWERS, put(1, answer_class=-1), (0, None, "answer class -1 is negative")),
        (ANSWERS, put(6, answer_class=7), (1, None, "answer classes run to 7 but only 3 are used")),
        (ANSWERS, put(1, answer_class=0), (0, None, "answers 'ERR' and '41' share a class")),
        (ANSWERS, put(2, answer_class=0), (0, None, "answer '42' differs in 'correct'")),
        (ANSWERS, put(0, correct=True), (0, None, "answer 'ERR' is marked right, though the gold")),
        (ANSWERS, put(5, correct=False), (1, None, r"is marked wrong, though the gold answer is")),
        (BRANCHES, put(4, question=-1), (-1, 1, "no such question")),
        (BRANCHES, put(1, branch=2), (0, 2, "branch 2 where 1 must follow")),
        (BRANCHES, put(1, tokens=-5), (0, 1, "-5 tokens; must be 0 or more")),
        (BRANCHES, put(0, tokens=999), (0, 0, "3 probes, but 999 tokens at 500 an interval allow")),
        (BRANCHES, put(1, intervals=1), (0, 1, "1 intervals, but 0 probes in probes.parquet")),
        (BRANCHES, put(1, intervals=-1), (0, 1, "-1 intervals; must be 0 or more")),
        (BRANCHES, put(1, final_answer=4), (0, 1, "final_answer 4; the question's answers are 0")),
        (BRANCHES, put(1, final_answer=-2), (0, 1, "final_answer -2;")),
        (BRANCHES, put(1, final_answer=None), (0, 1, "'final_answer' is missing")),
        (BRANCHES, put(1, final_signal=0.5), (0, 1, "final_signal 0.5; a mean log-probability")),
        (PROBES, put(0, question=2), (2, 0, "no such question")),
        (PROBES, put(7, branch=2), (1, 2, "no such branch")),
        (PROBES, put(1, interval=4), (0, 0, "interval 4 where 2 must follow")),
        (PROBES, swap(2, 3), (0, 0, "row 3 is out of order")),
        (PROBES, put(6, answer=3), (1, 0, "answer 3; the question's answers are 0 to 2")),
        (PROBES, put(6, answer=None), (1, 0, "'answer' is missing")),
        (PROBES, put(6, signal=float("nan")), (1, 0, "signal nan; a mean log-probability")),
    ],
)
def test_check_names_file_question_and_branch(
    store: Path, name: str, change: Edit, expected: tuple[int | None, int | None, str]
) -> None:
    edit(store, name, change)
    question, branch, message = expected
    found = [each for each in check_store(store) if message in each.message]
    assert [(each.file, each.question, each.branch) for each in found] == [(name, question, branch)]


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        (BRANCHES, lambda rows: rows.__delitem__(slice(3, 5)), "question 1: has no branches"),
        (PROBES, drop(7), "branch 1: 1 intervals, but 0 probes"),
        (QUESTIONS, lambda rows: rows.clear(), "questions.parquet: has no questions"),
    ],
)
def test_check_finds_missing_rows(store: Path, name: str, change: Edit, expected: str) -> None:
    edit(store, name, change)
    assert expected in "\n".join(map(str, check_store(store)))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (PROBES, put(0, answer=4)),
        (PROBES, put(0, answer=-2)),
        (PROBES, drop(7)),
        (BRANCHES, put(0, final_answer=4)),
        (BRANCHES, put(0, intervals=-1)),
        (BRANCHES, put(0, intervals=2**31 - 1)),
        (BRANCHES, put(0, question=1)),
        (BRANCHES, put(4, question=2)),
        (BRANCHES, put(0, question=-1)),
        (BRANCHES, put(0, tokens=None)),
        (ANSWERS, put(0, answer_class=-1)),
        (ANSWERS, put(6, answer_class=2**31 - 1)),
        (ANSWERS, put(6, question=2)),
        (ANSWERS, put(0, question=1)),
    ],
)
def test_load_refuses_numbers_that_point_outside_their_question(
    store: Path, name: str, change: Edit
) -> None:
    edit(store, name, change)
    with pytest.raises(StoreError, match=r"`autotts traces check .*` says where"):
        ReplayStore.open(store).load()


def test_check_of_files(store: Path) -> None:
    assert check_store(store) == []
    content = (store / PROBES).read_bytes()
    (store / PROBES).write_bytes(content + b"x")
    problem = check_store(store)[0]
    assert problem.file == PROBES
    assert f"checksum in manifest.json ({len(content) + 1} bytes now, {len(content)}" in str(
        problem
    )
    (store / PROBES).write_bytes(content[:100])
    assert any("not readable as Parquet" in each.message for each in check_store(store))
    (store / PROBES).unlink()
    assert check_store(store) == [Problem(PROBES, "cannot be read: No such file or directory")]


def test_check_of_the_manifest(store: Path) -> None:
    path = store / "manifest.json"
    good = path.read_text()

    def problems_after(old: str, new: str) -> str:
        assert old in good
        path.write_text(good.replace(old, new))
        return "\n".join(map(str, check_store(store)))

    checksum = json.loads(good)["files"][PROBES]["sha256"]
    assert "probes.parquet: differs from its checksum" in problems_after(checksum, "0" * 64)
    assert "'counts.branches' is 6; branches.parquet has 5 rows" in problems_after(
        '"branches": 5', '"branches": 6'
    )
    assert "branches.parquet: has 5 rows; manifest.json says 6" in problems_after(
        '"rows": 5', '"rows": 6'
    )
    assert "manifest.json: 'files' does not list probes.parquet" in problems_after(
        '"probes.parquet"', '"other.parquet"'
    )
    assert "key 'interval_tokens'" in problems_after(
        '"interval_tokens": 500', '"interval_tokens": 0'
    )


def test_check_of_columns(store: Path) -> None:
    table = pq.read_table(store / PROBES)
    pq.write_table(table.drop_columns(["answer"]), store / PROBES)
    seal(store, PROBES, table.num_rows)
    assert [str(each) for each in check_store(store)] == [
        "probes.parquet: must have the column 'answer' of type int32"
    ]
    with pytest.raises(StoreError, match="do not fit together"):
        ReplayStore.open(store).load()


def test_check_counts_what_it_does_not_name(tmp_path: Path, traces: TraceSet) -> None:
    question = traces.questions[0]
    branches = list(question.branches) * 8
    many = type(question)(question.id, question.text, question.gold_answer, branches)
    write_store(tmp_path / "many", type(traces)("m", "b", 500, "published", "here", [many]))

    def negate(rows: Rows) -> None:
        for row in rows:
            row["tokens"] = -1

    edit(tmp_path / "many", BRANCHES, negate)
    problems = [str(each) for each in check_store(tmp_path / "many")]
    assert len(problems) == 11
    assert problems[-1] == "branches.parquet: ... and 14 rows more"


def test_find_stores(tmp_path: Path, traces: TraceSet) -> None:
    for name in ("b/z", "b/a", "a"):
        write_store(tmp_path / name, traces)
    write_store(tmp_path / ".staging-x" / "c", traces)
    expected = [tmp_path / "a", tmp_path / "b" / "a", tmp_path / "b" / "z"]
    assert find_stores([tmp_path]) == expected
    assert find_stores([tmp_path / "b", tmp_path / "a", tmp_path]) == expected


def test_find_stores_says_what_is_there_instead(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere: no such directory"):
        find_stores([tmp_path / "nowhere"])
    with pytest.raises(StoreError, match=r"no replay store here, nor in any directory below it\.$"):
        find_stores([tmp_path])
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "bench.json").write_text("[]")
    for path in (tmp_path, tmp_path / "model" / "bench.json"):
        with pytest.raises(StoreError, match=f"`autotts traces import autotts-json {path} --out"):
            find_stores([path])


def test_check_of_confidences(store: Path) -> None:
    path = store / PROBES
    table = pq.read_table(path)
    values = pa.array([1.0, -1.0, float("nan"), None] + [2.0] * (table.num_rows - 4), pa.float32())
    pq.write_table(table.append_column("confidence", values), path)
    seal(store, PROBES, table.num_rows)
    assert [str(each) for each in check_store(store)] == [
        "probes.parquet: has the column 'confidence', and the other table none",
        "probes.parquet, question 0, branch 0: confidence -1.0; a confidence is 0 or more, or null",
        "probes.parquet, question 0, branch 0: confidence nan; a confidence is 0 or more, or null",
    ]
    pq.write_table(table.append_column("confidence", values.cast(pa.float64())), path)
    seal(store, PROBES, table.num_rows)
    [problem] = check_store(store)
    assert problem.message == "must have the column 'confidence' of type float"
