"""The graders of this plugin: `math`, `choice` and `numeric`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from pydantic import Field

from autotts_core.component import Options
from autotts_core.grader import NO_READING, Grader

_CHOICE = re.compile(
    r"^\W*(?:(?:the\s+)?(?:correct\s+)?(?:final\s+)?(?:answer|option|choice)\s*(?:is|:)?\s*)?"
    r"\W*(?:text|mathrm|mathbf|textbf|boxed)?\W*([A-Za-z])(?:\W|$)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?\s*\$?\s*(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|\.)?(?:/\d+)?")


class MathGrader(Grader):
    """Answers are the same where their mathematics is, as `\\frac12` and `0.5` are."""

    name = "math"
    summary = "Equal as mathematics: LaTeX normalised, evaluated, and read by math-verify"
    version = 1

    class Options(Options):
        workers: int = Field(default=2, ge=1, le=256)
        """Processes that run math-verify. The verdicts do not depend on it."""
        seconds: float = Field(default=0.5, gt=0, le=60)
        """CPU time that math-verify may take for one answer before its process is killed."""

    def keys(self, answers: Sequence[str]) -> list[str | None]:
        """The value of each answer, or its words."""
        from autotts_benchmarks.math_keys import math_keys

        options = self.options
        assert isinstance(options, MathGrader.Options)
        return math_keys(answers, self.version, options.workers, options.seconds)


class ChoiceGrader(Grader):
    """The letter of a multiple-choice question's option."""

    name = "choice"
    summary = "The option's letter: B, (b), \\text{B}, B. and 'Answer: B' are the same"
    version = 1

    def keys(self, answers: Sequence[str]) -> list[str | None]:
        """The letters, in upper case."""
        return [self._letter(answer) for answer in answers]

    @staticmethod
    def _letter(answer: str) -> str | None:
        found = None if answer in NO_READING else _CHOICE.match(answer[:200])
        return found[1].upper() if found else None


class NumericGrader(Grader):
    """The one number in the answer, exactly: `$1,234.50`, `1234.5` and `2469/2 dollars`."""

    name = "numeric"
    summary = "The number in the answer, whatever currency, commas and unit stand around it"
    version = 1

    def keys(self, answers: Sequence[str]) -> list[str | None]:
        """The numbers as fractions."""
        return [self._number(answer) for answer in answers]

    @staticmethod
    def _number(answer: str) -> str | None:
        if answer in NO_READING or len(answer) > 1000:
            return None
        text = re.sub(r"\\[,!;: ]|[{}\\]", "", answer).replace("−", "-")
        found = [each.group() for each in _NUMBER.finditer(text)]
        numbers = [re.sub(r"[\s$,]", "", each) for each in found if any(c.isdigit() for c in each)]
        if len(numbers) != 1:
            return None
        try:
            value = Fraction(numbers[0].rstrip("."))
        except (ValueError, ZeroDivisionError):
            return None
        if re.search(r"%\s*\.?$", text):
            value /= 100
        return f"{value.numerator:x}/{value.denominator:x}"
