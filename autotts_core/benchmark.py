"""The benchmark contract: questions, and when two answers are the same."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from autotts_core.component import Component


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt with a known gold answer; `id` is unique within its benchmark."""

    id: str
    text: str
    gold_answer: str


class Benchmark(Component, ABC):
    """Gives questions, the form in which they are asked, and the form in which they are probed."""

    kind: ClassVar[str] = "benchmark"

    @abstractmethod
    def questions(self) -> Sequence[Question]:
        """All questions, in a fixed order."""

    @abstractmethod
    def prompt(self, question: Question) -> str:
        """What the model is asked, before any chat template."""

    @abstractmethod
    def probe_suffix(self) -> str:
        """What is appended to a cut-off branch to make it answer at once."""

    @abstractmethod
    def parse_answer(self, text: str) -> str:
        """The answer in a branch's or a probe's text; empty when there is none."""
