"""Grading the answers of questions: equivalence classes, and which of them are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from autotts_core.grader import Grader

Unreadable = Literal["vote", "apart"]
"""What becomes of an answer that its grader cannot read: `vote`, it counts like any other and
is the same as no other string; `apart`, it is no answer at all."""

APART = -1
"""The class of an answer that is set apart."""


@dataclass(frozen=True, slots=True)
class Grading:
    """One question's distinct answers, graded; both in the order in which they were given.

    `classes` are numbered in order of first appearance, `APART` where an answer is set apart.
    """

    classes: list[int]
    correct: list[bool]


def grade(
    grader: Grader, questions: Sequence[tuple[str, Sequence[str]]], unreadable: Unreadable
) -> list[Grading]:
    """Grade each question, given as its gold answer and its distinct answer strings.

    All strings are handed to the grader at once, each of them once.
    """
    strings = list(dict.fromkeys(text for gold, given in questions for text in (gold, *given)))
    key_of = dict(zip(strings, grader.keys(strings), strict=True))
    return [_grade_question(key_of, gold, given, unreadable) for gold, given in questions]


def _grade_question(
    key_of: dict[str, str | None], gold: str, given: Sequence[str], unreadable: Unreadable
) -> Grading:
    numbers: dict[tuple[bool, str], int] = {}
    grading = Grading([], [])
    for text in given:
        key = key_of[text]
        if key is None and unreadable == "apart":
            grading.classes.append(APART)
            grading.correct.append(False)
            continue
        # The flag keeps a string that cannot be read from meeting another answer's key.
        label = (False, text) if key is None else (True, key)
        grading.classes.append(numbers.setdefault(label, len(numbers)))
        right = text == gold if key is None else key == key_of[gold]
        grading.correct.append(right)
    return grading
