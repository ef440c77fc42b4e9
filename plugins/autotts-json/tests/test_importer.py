"""The importer reads the released format, and says where a file departs from it."""

import copy
import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autotts_json.importer import JsonImporter

from autotts_core.errors import StoreError
from autotts_core.plugins import registry
from autotts_core.store import write_store
from autotts_core.traces import BranchTrace

QUESTIONS: list[dict[str, Any]] = [
    {
        "question": "What is 6 x 7?",
        "gold_answer": "42",
        "probe_freq": 500,
        "each_branch": [[["ERR", "41", "42"], 1000, "42"], [[], 0, "No"]],
        "final_answers_trace": ["42", "No"],
    },
    {
        "question": "What is 6 + 7?",
        "gold_answer": "13",
        "probe_freq": 500,
        "each_branch": [[["13"], 900, "13"]],
        "final_answers_trace": ["13"],
    },
]


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def read(*sources: Path) -> list[Any]:
    return list(JsonImporter().read(sources))


def test_reads_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "Tiny-1B" / "toy24.json", QUESTIONS)
    [traces] = read(path)
    assert (traces.model, traces.benchmark) == ("Tiny-1B", "toy24")
    assert (traces.interval_tokens, traces.accounting) == (500, "published")
    assert traces.source == "Tiny-1B/toy24.json"
    assert traces.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(each.id, each.text, each.gold_answer) for each in traces.questions] == [
        ("0", "What is 6 x 7?", "42"),
        ("1", "What is 6 + 7?", "13"),
    ]
    assert traces.questions[0].branches == [
        BranchTrace(["ERR", "41", "42"], 1000, "42"),
        BranchTrace([], 0, "No"),
    ]


def test_model_comes_from_the_path_even_if_it_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "Tiny-1B" / "toy.json", QUESTIONS)
    monkeypatch.chdir(tmp_path / "Tiny-1B")
    for source in ("toy.json", "."):
        assert [(each.model, each.benchmark) for each in read(Path(source))] == [("Tiny-1B", "toy")]


def test_reads_trees_in_order_of_path(tmp_path: Path) -> None:
    for name in ("b/y", "b/x", "a/x", ".hidden/x", "a/.hidden"):
        write(tmp_path / f"{name}.json", QUESTIONS)
    assert [f"{each.model}/{each.benchmark}" for each in read(tmp_path)] == ["a/x", "b/x", "b/y"]
    # A file that is given twice is read once.
    assert len(read(tmp_path, tmp_path / "a" / "x.json")) == 3


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere: no such file or directory"):
        read(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"no \.json file here, nor in any directory below it"):
        read(tmp_path)
    for tree in ("one", "two"):
        write(tmp_path / tree / "m" / "b.json", QUESTIONS)
    with pytest.raises(StoreError, match=r"two/m/b.json: is for model 'm' and benchmark 'b', as"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"not JSON at line 1, column 1 \(byte 0 of 0\): Expecting value\. The file ends too"),
        ('[\n{"question": "é', r"line 2, column 14 \(byte 15 of 18\): Unterminated .* too early"),
        ('[{"question": "x"}, ', r"line 1, column 2\d \(byte \d+ of 20\): .*ends too early"),
        ("[1 2]", r"line 1, column 4 \(byte 3 of 5\): Expecting ',' delimiter\.$"),
        ("[" * 100_000, "not readable as JSON"),
        ("[" + "9" * 5000 + "]", "not readable as JSON"),
        ({}, r"the file must be a list of questions, at least one; it is \{\}"),
        ([], r"the file must be a list of questions, at least one; it is \[\]"),
    ],
)
def test_files_that_are_no_list(tmp_path: Path, content: Any, message: str) -> None:
    path = write(tmp_path / "m" / "b.json", content)
    with pytest.raises(StoreError, match=message) as error:
        read(path)
    assert str(error.value).startswith(str(path))


def test_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "m" / "b.json"
    path.parent.mkdir()
    path.write_bytes('["é"]'.encode("latin-1"))
    with pytest.raises(StoreError, match=r"byte 2 is not UTF-8"):
        read(path)


def put(number: int, /, **values: Any) -> Callable[[Any], None]:
    return lambda content: content[number].update(values)


def branch(place: int, value: Any) -> Callable[[Any], None]:
    """Question 1's only branch, with `value` in one of its three places."""
    return lambda content: content[1]["each_branch"][0].__setitem__(place, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.append(3), "question 2: must be an object with question, .*is 3"),
        (
            lambda content: content[1].pop("gold_answer"),
            "question 1: lacks 'gold_answer'. A question has question, gold_answer, probe_freq",
        ),
        (put(1, question=None), "question 1: 'question' must be a string; it is null"),
        (put(1, gold_answer=13), "question 1: 'gold_answer' must be a string; it is 13"),
        (put(0, probe_freq="500"), "question 0: 'probe_freq' must be a number of tokens above 0"),
        (put(0, probe_freq=True), "question 0: 'probe_freq' must be .*it is true"),
        (put(0, probe_freq=0), "question 0: 'probe_freq' must be .*it is 0"),
        (put(1, probe_freq=250), "question 1: 'probe_freq' is 250, but 500 in question 0"),
        (put(1, each_branch={}), "question 1: 'each_branch' must be a list of .*it is {}"),
        (put(1, each_branch=[]), "question 1: 'each_branch' must be a list of one branch or more"),
        (put(1, question="What is 6 x 7?"), "question 1: has the same text as question 0"),
        (
            put(1, each_branch=[[["13"], 900]]),
            r"question 1, branch 0: must be three values: .*it is \[\[\"13\"\], 900\]",
        ),
        (put(1, each_branch=["13"]), "question 1, branch 0: must be three values"),
        (branch(0, "13"), 'question 1, branch 0: its probes must be a list of strings; it is "13"'),
        (branch(0, ["1", 3]), "question 1, branch 0: probe 2 must be a string; it is 3"),
        (branch(1, -1), "question 1, branch 0: its tokens must be a whole number from 0 .*is -1"),
        (branch(1, 900.0), r"question 1, branch 0: its tokens must be .*it is 900\.0"),
        (branch(1, True), "question 1, branch 0: its tokens must be .*it is true"),
        (branch(1, 2**31), "question 1, branch 0: its tokens must be .*it is 2147483648"),
        (branch(1, float("nan")), "question 1, branch 0: its tokens must be .*it is NaN"),
        (branch(2, None), "question 1, branch 0: its final answer must be a string; it is null"),
        (
            branch(0, ["1", "1", "1"]),
            "question 1, branch 0: has 3 probes, but 900 tokens at 500 an interval allow at most 2",
        ),
        (
            put(0, final_answers_trace=["42"]),
            "question 0: 'final_answers_trace' has 1 answers for 2 branches",
        ),
        (
            put(0, final_answers_trace=["42", "no"]),
            "question 0, branch 1: ends with 'No', but 'final_answers_trace' says 'no'",
        ),
        (put(0, final_answers_trace=None), "question 0: 'final_answers_trace' must be a list"),
        (branch(2, "x" * 99), f"ends with '{'x' * 99}'"),
        (branch(1, "x" * 99), f'it is "{"x" * 56}\\.\\.\\.'),
    ],
)
def test_errors_name_file_question_and_branch(
    tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    content = copy.deepcopy(QUESTIONS)
    change(content)
    path = write(tmp_path / "m" / "b.json", content)
    with pytest.raises(StoreError, match=message) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: question ")


def test_half_a_surrogate_pair_is_refused_when_it_is_stored(tmp_path: Path) -> None:
    content = copy.deepcopy(QUESTIONS)
    content[1]["each_branch"][0][0] = ["\ud800"]
    [traces] = read(write(tmp_path / "m" / "b.json", content))
    with pytest.raises(StoreError, match=r"m/b\.json: question 1: .*half of a surrogate pair"):
        write_store(tmp_path / "store", traces)


def test_unknown_keys_are_warned_of_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name / "b.json", [each | {"model": "m", "seed": 1} for each in QUESTIONS])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(read(tmp_path)) == 2
    assert [str(each.message) for each in caught] == [
        f"{tmp_path / 'one' / 'b.json'}: ignored 'model', 'seed': the format has no such keys"
    ]


def test_plugin_offers_the_importer() -> None:
    assert registry().get("trace importer", "autotts-json") is JsonImporter
