"""The grader contract: when two answers are the same, and when one is right."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from autotts_core.component import Component

NO_READING = frozenset({"", "ERR"})
"""What stands where no answer could be parsed; `ERR` is what released traces hold."""


class Grader(Component, ABC):
    """Gives each answer a key: two answers are the same exactly where their keys are equal.

    So sameness is reflexive, symmetric and transitive by construction, and a question's classes
    depend neither on the order of its branches nor on what else is graded. An answer is right
    where it is the same as the gold answer.
    """

    kind: ClassVar[str] = "grader"
    version: ClassVar[int]
    """Stands beside every accuracy: raised whenever any answer's key may change."""

    @abstractmethod
    def keys(self, answers: Sequence[str]) -> list[str | None]:
        """The key of each of `answers`, in their order; None for one that cannot be read.

        A key depends on its answer alone. Answers are untrusted text of any length.
        """


class ExactGrader(Grader):
    """Each distinct string is an answer of its own, as in the released evaluation."""

    name = "exact"
    summary = "String equality, as in the released evaluation"
    version = 1

    def keys(self, answers: Sequence[str]) -> list[str | None]:
        """The strings themselves."""
        return [None if answer in NO_READING else answer for answer in answers]
