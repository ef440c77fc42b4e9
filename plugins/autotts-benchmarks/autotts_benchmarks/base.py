"""What this plugin's benchmarks share: the two prompt forms, and an answer's place in a text."""

from __future__ import annotations

from typing import ClassVar, Literal

from autotts_benchmarks import prompts
from autotts_benchmarks.prompts import PromptForm
from autotts_core.benchmark import Benchmark
from autotts_core.component import Options


class FormOptions(Options):
    """The options of every benchmark here."""

    form: Literal["chat", "completion"] = "chat"
    """`chat` for reasoning models with a chat template, `completion` for few-shot text."""


class FormedBenchmark(Benchmark):
    """A benchmark with a form for reasoning models and one for models that complete text."""

    Options = FormOptions
    forms: ClassVar[dict[str, PromptForm]] = {
        "chat": prompts.MATH,
        "completion": prompts.MATH_SHOTS,
    }

    @property
    def form(self) -> PromptForm:
        """The form that the options ask for."""
        assert isinstance(self.options, FormOptions)
        return self.forms[self.options.form]

    @property
    def chat(self) -> bool:
        return self.form.chat

    def prompt_form(self) -> str:
        return self.form.prompt

    def probe_suffix(self) -> str:
        return self.form.probe

    @property
    def stop(self) -> tuple[str, ...]:
        return self.form.stop

    @property
    def probe_stop(self) -> tuple[str, ...]:
        return self.form.probe_stop

    def parse_answer(self, text: str) -> str:
        return prompts.parse_answer(self.form, text)
