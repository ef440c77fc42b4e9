"""Benchmarks on the Hugging Face hub, by id and revision, or from files put in place by hand.

The revisions are commits of the data sets. They were not fetched when this was written, for
want of a network: each is the one that several public projects pin for the same data set.
`autotts benchmark show NAME` prints a checksum of the questions, which says what was asked
whatever a revision is called.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from autotts_benchmarks import prompts
from autotts_benchmarks.base import FormedBenchmark, FormOptions
from autotts_core.benchmark import Question
from autotts_core.errors import BenchmarkError

DIRECTORY = "AUTOTTS_BENCHMARKS_DIR"
"""The environment variable with the directory in which data sets were put by hand."""

_FORMATS = ("parquet", "jsonl", "json", "csv")


class HubOptions(FormOptions):
    """The options of a benchmark on the hub."""

    revision: str = ""
    """Another commit, branch or tag of the data set than the one that is pinned."""


class HubBenchmark(FormedBenchmark):
    """One split of one data set; subclasses say which, and what its columns mean."""

    Options = HubOptions
    hub_id: ClassVar[str]
    config: ClassVar[str | None] = None
    split: ClassVar[str] = "train"
    revision: ClassVar[str]
    id_column: ClassVar[str | None] = None
    text_column: ClassVar[str] = "problem"
    answer_column: ClassVar[str] = "answer"

    def questions(self) -> Sequence[Question]:
        return self._questions

    def origin(self) -> str:
        config = f", {self.config}" if self.config else ""
        return f"{self.hub_id}{config}, split {self.split}, revision {self._revision}"

    @property
    def _revision(self) -> str:
        assert isinstance(self.options, HubOptions)
        return self.options.revision or self.revision

    @cached_property
    def _questions(self) -> list[Question]:
        rows = self._rows()
        columns = {self.id_column, *self.columns()} - {None}
        missing = sorted(str(each) for each in columns if rows and each not in rows[0])
        if missing:
            raise BenchmarkError(
                f"Benchmark {self.name!r}: {self.origin()} has no column {missing[0]!r}; it has "
                f"{', '.join(map(repr, rows[0]))}."
            )
        questions = [self.question(number, row) for number, row in enumerate(rows)]
        if not questions:
            raise BenchmarkError(f"Benchmark {self.name!r}: {self.origin()} has no rows.")
        return questions

    def columns(self) -> tuple[str, ...]:
        """The columns that `question` reads, besides the id."""
        return (self.text_column, self.answer_column)

    def question(self, number: int, row: Mapping[str, Any]) -> Question:
        """The question in row `number`, counted from 0."""
        return Question(
            self.question_id(number, row),
            str(row[self.text_column]).strip(),
            self.gold_answer(str(row[self.answer_column])),
        )

    def question_id(self, number: int, row: Mapping[str, Any]) -> str:
        """The data set's own id, or the row's number."""
        return str(number if self.id_column is None else row[self.id_column])

    def gold_answer(self, answer: str) -> str:
        """The answer alone, from what the data set's column holds."""
        return answer.strip()

    def _rows(self) -> list[dict[str, Any]]:
        import datasets

        local = self._local_file()
        datasets.disable_progress_bars()
        try:
            if local is not None:
                kind = {"jsonl": "json"}.get(local.suffix[1:], local.suffix[1:])
                data = datasets.load_dataset(kind, data_files=str(local), split="train")
            else:
                data = datasets.load_dataset(
                    self.hub_id, self.config, split=self.split, revision=self._revision
                )
        except Exception as error:
            raise BenchmarkError(self._unavailable(local, error)) from error
        finally:
            datasets.enable_progress_bars()
        return [dict(row) for row in data]

    def _local_file(self) -> Path | None:
        """The file put in place by hand, where the environment names a directory with one."""
        directory = os.environ.get(DIRECTORY)
        if not directory:
            return None
        candidates = [Path(directory) / f"{self.name}.{suffix}" for suffix in _FORMATS]
        return next((path for path in candidates if path.exists()), None)

    def _unavailable(self, local: Path | None, error: Exception) -> str:
        reason = " ".join(str(error).split())[:300]
        if local is not None:
            return f"Benchmark {self.name!r}: {local} cannot be read: {reason}"
        directory = os.environ.get(DIRECTORY) or f"${DIRECTORY}"
        gated = " It is gated: log in with `hf auth login` first." if self.gated else ""
        return (
            f"Benchmark {self.name!r}: {self.origin()} cannot be had from the hub, nor is it in "
            f"its cache ({type(error).__name__}: {reason}).{gated}\n"
            f"Without a network, fetch the split {self.split} from "
            f"https://huggingface.co/datasets/{self.hub_id}/tree/{self._revision} elsewhere, put "
            f"it at {Path(directory) / f'{self.name}.parquet'} (or .jsonl, .json, .csv), and set "
            f"{DIRECTORY} to that directory."
        )

    gated: ClassVar[bool] = False


class Aime24(HubBenchmark):
    """AIME I and II 2024."""

    name = "aime24"
    summary = "AIME 2024: 30 problems, answers from 0 to 999"
    grader = "math"
    hub_id = "HuggingFaceH4/aime_2024"
    revision = "2fe88a2f1091d5048c0f36abc874fb997b3dd99a"
    id_column = "id"


class _MathArena(HubBenchmark):
    grader = "math"
    id_column = "problem_idx"


class Aime25(_MathArena):
    """AIME I and II 2025."""

    name = "aime25"
    summary = "AIME 2025: 30 problems, answers from 0 to 999"
    hub_id = "MathArena/aime_2025"
    revision = "c94da77eb22bbd6439e62a323bec18493a421302"


class Aime26(_MathArena):
    """AIME I and II 2026."""

    name = "aime26"
    summary = "AIME 2026: 30 problems, answers from 0 to 999"
    hub_id = "MathArena/aime_2026"
    revision = "d2de22f3c656b4f56cf8981212186377d1e23bc3"


class HmmtFeb25(_MathArena):
    """Harvard-MIT Mathematics Tournament, February 2025."""

    name = "hmmt-feb25"
    summary = "HMMT February 2025: 30 problems, answers in LaTeX"
    hub_id = "MathArena/hmmt_feb_2025"
    revision = "6fdc4277120810ff75aa22d2d5489b91f7a262a1"


class HmmtNov25(_MathArena):
    """Harvard-MIT Mathematics Tournament, November 2025."""

    name = "hmmt-nov25"
    summary = "HMMT November 2025: 30 problems, answers in LaTeX"
    hub_id = "MathArena/hmmt_nov_2025"
    revision = "118dbfb45c4c9467c672268ed55166642897aa46"


class HmmtFeb26(_MathArena):
    """Harvard-MIT Mathematics Tournament, February 2026."""

    name = "hmmt-feb26"
    summary = "HMMT February 2026: 33 problems, answers in LaTeX"
    hub_id = "MathArena/hmmt_feb_2026"
    revision = "02fba4f74d8e68e73e66a02d540fd979c05c274c"


class Math500(HubBenchmark):
    """500 problems of MATH (Hendrycks et al., arXiv 2103.03874), as Lightman et al. drew them."""

    name = "math-500"
    summary = "MATH-500: competition problems, answers in LaTeX"
    grader = "math"
    hub_id = "HuggingFaceH4/MATH-500"
    split = "test"
    revision = "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be"
    id_column = "unique_id"


class Gsm8k(HubBenchmark):
    """Grade school word problems (Cobbe et al., arXiv 2110.14168)."""

    name = "gsm8k"
    summary = "GSM8K: 1,319 word problems, answers are numbers"
    grader = "numeric"
    hub_id = "openai/gsm8k"
    config = "main"
    split = "test"
    revision = "740312add88f781978c0658806c59bc2815b9866"
    text_column = "question"

    def gold_answer(self, answer: str) -> str:
        """What stands behind `####`, without thousands' commas."""
        _, marker, number = answer.rpartition("####")
        if not marker:
            raise BenchmarkError(
                f"Benchmark {self.name!r}: an 'answer' without '####': {answer[-80:]!r}"
            )
        return number.strip().replace(",", "")


class GpqaOptions(HubOptions):
    """The options of GPQA."""

    seed: int = 0
    """Seeds the order of each question's options."""


class GpqaDiamond(HubBenchmark):
    """Questions in biology, physics and chemistry (Rein et al., arXiv 2311.12022)."""

    name = "gpqa-diamond"
    summary = "GPQA Diamond: 198 questions with four options each"
    Options = GpqaOptions
    grader = "choice"
    forms: ClassVar = {"chat": prompts.CHOICE, "completion": prompts.CHOICE_SHOTS}
    hub_id = "Idavidrein/gpqa"
    config = "gpqa_diamond"
    revision = "633f5ee89ab8ad4522a9f850766b73f62147ffdd"
    gated = True
    id_column = "Record ID"
    text_column = "Question"
    answer_column = "Correct Answer"
    wrong_columns = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")

    def columns(self) -> tuple[str, ...]:
        return (self.text_column, self.answer_column, *self.wrong_columns)

    def question(self, number: int, row: Mapping[str, Any]) -> Question:
        """The question with its options in an order that hangs on the seed and its id."""
        assert isinstance(self.options, GpqaOptions)
        name = self.question_id(number, row)
        options = [str(row[column]).strip() for column in self.columns()[1:]]
        order = list(range(len(options)))
        random.Random(f"{self.options.seed}:{name}").shuffle(order)
        listed = "\n".join(
            f"{letter}) {' '.join(options[k].split())}"
            for letter, k in zip("ABCD", order, strict=True)
        )
        text = f"{str(row[self.text_column]).strip()}\n\n{listed}"
        return Question(name, text, "ABCD"[order.index(0)])
