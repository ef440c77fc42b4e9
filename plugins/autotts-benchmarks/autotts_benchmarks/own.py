"""Questions that need no network: anyone's own from a file, and arithmetic made on the spot."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from autotts_benchmarks import prompts
from autotts_benchmarks.base import FormedBenchmark, FormOptions
from autotts_core.benchmark import Question
from autotts_core.errors import BenchmarkError


class JsonlOptions(FormOptions):
    """The options of `jsonl`."""

    path: Path
    """The file, with one JSON object a line. A key within a key is written `doc.question`."""
    question: str = "question"
    """The key of the question's text."""
    answer: str = "answer"
    """The key of the gold answer."""
    id: str = "id"
    """The key of the question's id; where no line has it, lines are numbered from 0."""


class Jsonl(FormedBenchmark):
    """Questions in a file of your own, or written there by another evaluation tool."""

    name = "jsonl"
    summary = "Your own questions: one JSON object a line, with question and answer"
    Options = JsonlOptions
    grader = "math"

    def origin(self) -> str:
        assert isinstance(self.options, JsonlOptions)
        content = self._content
        return f"{self.options.path.name}, SHA-256 {hashlib.sha256(content).hexdigest()}"

    def questions(self) -> Sequence[Question]:
        return self._questions

    @cached_property
    def _content(self) -> bytes:
        assert isinstance(self.options, JsonlOptions)
        try:
            return self.options.path.read_bytes()
        except OSError as error:
            raise BenchmarkError(f"{self.options.path}: {error.strerror}.") from None

    @cached_property
    def _questions(self) -> list[Question]:
        options = self.options
        assert isinstance(options, JsonlOptions)
        questions: dict[str, Question] = {}
        try:
            lines = self._content.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise BenchmarkError(f"{options.path}: not UTF-8: {error}") from None
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            where = f"{options.path}, line {number}"
            row = _object(line, where)
            name = str(_value(row, options.id, len(questions)))
            text, answer = (_text(row, key, where) for key in (options.question, options.answer))
            if name in questions:
                raise BenchmarkError(f"{where}: the id {name!r} comes twice.")
            questions[name] = Question(name, text, answer)
        if not questions:
            raise BenchmarkError(f"{options.path}: has no questions.")
        return list(questions.values())


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BenchmarkError(f"{where}: not readable as JSON: {error}") from None
    if not isinstance(row, dict):
        raise BenchmarkError(f"{where}: must be a JSON object, not {line[:60]!r}.")
    return row


def _value(row: dict[str, Any], key: str, missing: Any) -> Any:
    """What stands at `key`, or at the end of a path of keys like `doc.question`."""
    if key in row:
        return row[key]
    found: Any = row
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return missing
        found = found[part]
    return found


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = _value(row, key, None)
    if value is None:
        raise BenchmarkError(
            f"{where}: has no key {key!r}; it has {', '.join(map(repr, row)) or 'none'}. The "
            "options 'question' and 'answer' say which keys to read."
        )
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BenchmarkError(f"{where}: {key!r} must be text or a number, not {value!r}.")
    return str(value).strip()


class ArithmeticOptions(FormOptions):
    """The options of `arithmetic`."""

    questions: int = Field(default=100, ge=1, le=100_000)
    """How many."""
    steps: int = Field(default=3, ge=1, le=20)
    """Operations in the hardest question; the easiest has one."""
    largest: int = Field(default=50, ge=2, le=1000)
    """The largest number that is added or taken away; what is multiplied by has one digit."""
    operations: str = Field(default="+-*", pattern=r"^[-+*]+$")
    """Which there are; a small model may know the multiplication table and not how to add."""
    seed: int = 0
    """Seeds the questions."""


class Arithmetic(FormedBenchmark):
    """Whole-number expressions with known answers, from one step to `steps`, in turn."""

    name = "arithmetic"
    summary = "Multi-step sums of graded difficulty, made on the spot: for tests and small models"
    Options = ArithmeticOptions
    grader = "numeric"
    forms: ClassVar = {"chat": prompts.MATH, "completion": prompts.ARITHMETIC_SHOTS}

    def origin(self) -> str:
        options = self.options
        assert isinstance(options, ArithmeticOptions)
        made = f"made by autotts-benchmarks, version 1, seed {options.seed}, {options.steps} steps"
        made += "" if options.largest == 50 else f", numbers to {options.largest}"
        return made if options.operations == "+-*" else f"{made}, operations {options.operations}"

    def questions(self) -> Sequence[Question]:
        options = self.options
        assert isinstance(options, ArithmeticOptions)
        made = []
        for number in range(options.questions):
            # Each from a seed of its own, so that asking for more changes none.
            source = random.Random(f"arithmetic 1:{options.seed}:{number}")
            expression, value = _expression(source, 1 + number % options.steps, options)
            made.append(Question(str(number), f"What is {expression}?", str(value)))
        return made


def _expression(source: random.Random, steps: int, options: ArithmeticOptions) -> tuple[str, int]:
    """An expression of `steps` operations on whole numbers, and its value."""
    largest = options.largest
    value = source.randint(2, min(20, largest))
    text = str(value)
    compound = False
    for _ in range(steps):
        operation = source.choice(options.operations)
        operand = source.randint(2, min(9, largest) if operation == "*" else largest)
        if operation == "*":
            text = f"({text}) * {operand}" if compound else f"{text} * {operand}"
            value *= operand
        else:
            text = f"{text} {operation} {operand}"
            value += operand if operation == "+" else -operand
            compound = True
    return text, value
