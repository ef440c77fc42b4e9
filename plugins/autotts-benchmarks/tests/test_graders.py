"""When two answers are the same: the corpus, properties, and strings that mean harm."""

import json
import time
from pathlib import Path

import pytest
from autotts_benchmarks.graders import ChoiceGrader, MathGrader, NumericGrader
from hypothesis import given, settings
from hypothesis import strategies as st

from autotts_core.grader import ExactGrader, Grader
from autotts_core.grading import grade

PAIRS = [
    json.loads(line)
    for line in Path(__file__).with_name("corpus.jsonl").read_text(encoding="utf-8").splitlines()
]
KNOWN_ERRORS = {
    ("5 cm", "5 m"): "units are dropped",
    ("2 hours", "120 minutes"): "units are dropped",
    ("1<x<2", r"x\in(1,2)"): "an inequality is not turned into an interval",
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTTS_CACHE_DIR", str(tmp_path / "cache"))


def test_the_corpus_is_graded_as_mathematics_says_but_for_known_errors() -> None:
    keys = MathGrader().keys([pair[side] for pair in PAIRS for side in "ab"])
    wrong = [
        (pair["a"], pair["b"])
        for pair, a, b in zip(PAIRS, keys[::2], keys[1::2], strict=True)
        if (a is not None and a == b) != pair["same"]
    ]
    assert len(PAIRS) >= 300
    assert sorted(wrong) == sorted(KNOWN_ERRORS)


@pytest.mark.parametrize(
    ("grader", "same", "different"),
    [
        (ChoiceGrader, ["B", "(B)", "b", "B.", r"\text{B}", "Answer: B", "B) carbon"], ["A", "C"]),
        (
            NumericGrader,
            ["1234", "1,234", "$1,234.00", r"\$1{,}234"],
            ["1235", "-1234"],
        ),
        (ExactGrader, ["x"], ["x ", "X"]),
    ],
)
def test_other_graders(grader: type[Grader], same: list[str], different: list[str]) -> None:
    first, *rest = grader().keys(same)
    assert first is not None
    assert set(rest) <= {first}
    assert first not in grader().keys(different)


@pytest.mark.parametrize("grader", [ExactGrader, MathGrader, ChoiceGrader, NumericGrader])
def test_what_is_no_answer_has_no_key(grader: type[Grader]) -> None:
    assert grader().keys(["", "ERR"]) == [None, None]


def test_an_answer_that_was_cut_off_cannot_be_read() -> None:
    assert MathGrader().keys([r"\frac{3}{", "1}^{25} x", "?", "   "]) == [None] * 4


HOSTILE = {
    "10 MB": "9" * 10_000_000,
    "10 MB of braces": "{" * 5_000_000 + "}" * 5_000_000,
    "nested braces": "{" * 10_000 + "1" + "}" * 10_000,
    "nested fractions": r"\frac{1}{" * 150 + "1" + "}" * 150,
    "nested parentheses": "(" * 900 + "1" + ")" * 900,
    "tower of powers": "9^{9^{9^{9^{9}}}}",
    "tower for math-verify": r"\lfloor 9^{9^{9^{9^{9}}}} \rfloor",
    "factorials": "((((9!)!)!)!)!",
    "long sum for math-verify": r"\sum_{k=1}^{10^{12}} \frac{1}{k^{k}} \lfloor k \rfloor",
    "python": "__import__('os').system('touch {}')",
    "python in LaTeX": r"\text{__import__('os').system('touch {}')}",
    "python for math-verify": r"\operatorname{__import__('os').system('touch {}')}(1)|x|",
    "null bytes": "4\x002\x00",
    "right to left": "\u202e24\u202c",
    "half a surrogate pair": "\ud800",
    "nothing but marks": "\u200b\u200e\u202e",
    "regular expression": r"\left" * 300 + " " * 1000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_strings_get_a_verdict_and_disturb_nobody(name: str, tmp_path: Path) -> None:
    bait = tmp_path / "executed"
    text = HOSTILE[name].replace("touch {}", f"touch {bait}")
    keys = MathGrader().keys([r"\lceil 41.5 \rceil", text, "42", text])
    assert keys[0] == keys[2] == "2a/1"
    assert keys[1] == keys[3]
    assert not bait.exists()


def test_marks_that_nobody_sees_do_not_count() -> None:
    assert len(set(MathGrader().keys(["42", "\u200e42\u200f", "4\x002", "\u202e42"]))) == 1


def test_math_verify_is_killed_when_it_is_late() -> None:
    from autotts_benchmarks.leash import read_on_leash

    late = r"\lfloor 9^{9^{9^{9}}} \rfloor"
    begun = time.monotonic()
    keys = read_on_leash([late, r"\lceil 41.5 \rceil"], 1, 2)
    assert keys[r"\lceil 41.5 \rceil"] == "2a/1"
    assert keys.get(late) is None
    assert time.monotonic() - begun < 300  # it came to an end


ANSWERS = st.sampled_from(sorted({pair[side] for pair in PAIRS for side in "ab"}))


@pytest.mark.parametrize("grader", [ExactGrader, MathGrader, ChoiceGrader, NumericGrader])
@settings(max_examples=15, deadline=None)
@given(
    answers=st.lists(ANSWERS, min_size=1, max_size=12, unique=True), gold=ANSWERS, data=st.data()
)
def test_classes_do_not_depend_on_the_order(
    grader: type[Grader], answers: list[str], gold: str, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(answers))
    partitions = []
    for given_order in (answers, shuffled):
        grading = grade(grader(), [(gold, given_order)], "vote")[0]
        groups: dict[int, set[tuple[str, bool]]] = {}
        for label, text, right in zip(grading.classes, given_order, grading.correct, strict=True):
            groups.setdefault(label, set()).add((text, right))
        partitions.append({frozenset(group) for group in groups.values()})
        assert all(len({right for _, right in group}) == 1 for group in groups.values())
    assert partitions[0] == partitions[1]


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_has_one_key(text: str) -> None:
    from autotts_benchmarks.latex import canonical
    from autotts_benchmarks.structure import UnreadableError, answer_key, formula_key

    form = canonical(text)
    if form is not None:
        try:
            key = answer_key(form, lambda part, sample: formula_key(part))
        except UnreadableError:
            return
        assert key == answer_key(form, lambda part, sample: formula_key(part))


def test_keys_do_not_depend_on_workers_order_or_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [pair[side] for pair in PAIRS for side in "ab"] + [
        r"\lfloor x \rfloor",
        r"\int_0^1 x dx",
    ]
    found = []
    for workers, order in ((1, 1), (3, -1)):
        monkeypatch.setenv("AUTOTTS_CACHE_DIR", str(tmp_path / str(workers)))
        grader = MathGrader.configure({"workers": workers, "seconds": 30})
        for _ in ("worked out", "cached"):
            found.append(dict(zip(answers[::order], grader.keys(answers[::order]), strict=True)))
    assert all(each == found[0] for each in found)
