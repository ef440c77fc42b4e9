"""The benchmark contract: questions, how they are asked and probed, and who grades answers."""

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
    grader: ClassVar[str]
    """The name of the grader for its answers; any other may be used instead."""

    @abstractmethod
    def questions(self) -> Sequence[Question]:
        """All questions, in a fixed order.

        Raises `BenchmarkError` that says which file to put where, when they cannot be had.
        """

    @abstractmethod
    def origin(self) -> str:
        """Where the questions come from, with the revision: words that hold on any machine."""

    @abstractmethod
    def prompt_form(self) -> str:
        """What the model is asked, with `{question}` once where the question's text stands.

        It is kept in a store's manifest, as the probe is.
        """

    @property
    @abstractmethod
    def chat(self) -> bool:
        """Whether a prompt is a user's message that goes through the model's chat template.

        Otherwise it is plain text, which the model continues.
        """

    @abstractmethod
    def probe_suffix(self) -> str:
        """What is appended to a cut-off branch to make it answer at once."""

    @property
    def stop(self) -> tuple[str, ...]:
        """Strings at the first of which a branch ends; they are not part of its text.

        A base model that is asked few-shot goes on with a question of its own: "\\nQuestion:".
        """
        return ()

    @property
    def probe_stop(self) -> tuple[str, ...]:
        """Strings at the first of which a probe's answer ends: what follows is not waited for."""
        return ()

    @abstractmethod
    def parse_answer(self, text: str) -> str:
        """The answer in the text of a finished branch, or of a branch with its probe.

        A probe's text is what the model had written, the probe suffix, and what it then wrote.
        Empty when there is no answer.
        """

    def prompt(self, question: Question) -> str:
        """What the model is asked, before any chat template."""
        return self.prompt_form().replace("{question}", question.text)
