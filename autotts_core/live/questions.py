"""Questions to be answered live, and the files that they come from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.errors import BenchmarkError

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark

_TEXT_KEYS = ("question", "text")
_GOLD_KEYS = ("gold_answer", "answer")


@dataclass(frozen=True, slots=True)
class LiveQuestion:
    """A question to be answered; `gold_answer` is None where nobody knows it."""

    id: str
    text: str
    gold_answer: str | None = None


def benchmark_questions(benchmark: Benchmark) -> list[LiveQuestion]:
    """A benchmark's own questions."""
    return [LiveQuestion(each.id, each.text, each.gold_answer) for each in benchmark.questions()]


def read_questions(path: Path) -> list[LiveQuestion]:
    """The questions in `path`: JSON lines if its name ends in .jsonl, else one question a line.

    A JSON line has `question` or `text`, and may have `id` and `gold_answer` or `answer`.
    Questions without an id are numbered from 0. Raises `BenchmarkError`, with file and line.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise BenchmarkError(f"{path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise BenchmarkError(f"{path}: not UTF-8: {error}") from None
    read = _of_json if path.suffix == ".jsonl" else _of_text
    found: dict[str, LiveQuestion] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        question = read(line, str(len(found)), where)
        if question.id in found:
            raise BenchmarkError(f"{where}: the id {question.id!r} comes twice.")
        found[question.id] = question
    if not found:
        raise BenchmarkError(f"{path}: has no questions.")
    return list(found.values())


def _of_text(line: str, number: str, where: str) -> LiveQuestion:
    return LiveQuestion(number, line.strip())


def _of_json(line: str, number: str, where: str) -> LiveQuestion:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BenchmarkError(f"{where}: not readable as JSON: {error}") from None
    if not isinstance(row, dict):
        raise BenchmarkError(f"{where}: must be a JSON object, not {line.strip()[:60]!r}.")
    text = _value(row, _TEXT_KEYS, where)
    if text is None or not text.strip():
        has = ", ".join(map(repr, row)) or "none"
        raise BenchmarkError(
            f"{where}: needs the key 'question' or 'text' with text; it has {has}."
        )
    id_ = _value(row, ("id",), where)
    return LiveQuestion(number if id_ is None else id_, text, _value(row, _GOLD_KEYS, where))


def _value(row: dict[str, Any], keys: Iterable[str], where: str) -> str | None:
    """What stands at the first of `keys` that is there."""
    for key in keys:
        value = row.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BenchmarkError(f"{where}: {key!r} must be text or a number, not {value!r}.")
        return str(value)
    return None
