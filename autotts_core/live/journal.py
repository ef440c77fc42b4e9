"""Answers on disk: one line for each, there to stay once it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from autotts_core.errors import StoreError
from autotts_core.live.answer_row import AnswerRow

if TYPE_CHECKING:
    from autotts_core.live.questions import LiveQuestion

_BEGINS = b'{"id": '
"""How every line begins: nothing else is taken for half a line, and cut off."""


class AnswerJournal:
    """A file of answers, for one process at a time; open it with `answer_journal`."""

    def __init__(
        self, path: Path, file: BinaryIO, rows: list[AnswerRow], settings: Mapping[str, Any]
    ) -> None:
        self.path = path
        self._file = file
        self._settings = settings
        self.rows = {(row.id, row.seed): row for row in rows}
        """The answers that are there, by question id and seed."""

    def missing(
        self, questions: Iterable[LiveQuestion], seeds: Iterable[int]
    ) -> list[tuple[LiveQuestion, int]]:
        """What has no answer yet; `StoreError` where an id stood for another question."""
        seeds = tuple(seeds)
        found = []
        for question in questions:
            for seed in seeds:
                row = self.rows.get((question.id, seed))
                if row is None:
                    found.append((question, seed))
                elif (row.question, row.gold_answer) != (question.text, question.gold_answer):
                    raise StoreError(
                        f"{self.path}: question {question.id!r} was {row.question!r} with the gold "
                        f"answer {row.gold_answer!r}, and is {question.text!r} with "
                        f"{question.gold_answer!r}. Give another file."
                    )
        return found

    def keep(self, row: AnswerRow) -> None:
        """Put an answer on disk; it is there when this returns."""
        line = row.to_json() | {"settings": self._settings}
        self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.rows[row.id, row.seed] = row


@contextmanager
def answer_journal(path: Path, settings: Mapping[str, Any]) -> Iterator[AnswerJournal]:
    """The answers in `path`, to go on with; a new file where there is none.

    `settings` are what answers hang on, as plain JSON values, and stand in every line. Half a
    last line, which a killed process leaves, is cut off. Raises `StoreError` for a file that
    holds something else, or answers made with other settings, or that another process writes.
    """
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = path.open("a+b")
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{path}: another process is writing answers there.") from None
        yield AnswerJournal(path, file, _kept(file, path, settings), settings)


def _kept(file: BinaryIO, path: Path, settings: Mapping[str, Any]) -> list[AnswerRow]:
    file.seek(0)
    content = file.read()
    whole = content[: content.rfind(b"\n") + 1]
    rows = [
        _row(line, f"{path}, line {number}", settings)
        for number, line in enumerate(whole.split(b"\n")[:-1], start=1)
    ]
    half = content[len(whole) :]
    if half[: len(_BEGINS)] != _BEGINS[: len(half)]:
        raise StoreError(f"{path}: holds something else than answers. Give another file.")
    file.truncate(len(whole))
    return rows


def _row(line: bytes, where: str, settings: Mapping[str, Any]) -> AnswerRow:
    try:
        found = json.loads(line)
        then = found.pop("settings")
        row = AnswerRow.from_json(found)
    except (ValueError, TypeError, AttributeError, KeyError):
        raise StoreError(f"{where}: is no answer as this command writes it.") from None
    if then != settings:
        raise StoreError(
            f"{where}: was answered with other settings: {_difference(then, settings)}. Go on with "
            "those, or give another file."
        )
    return row


def _difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs, in words."""
    keys = [key for key in dict.fromkeys((*then, *now)) if then.get(key) != now.get(key)]
    return "; ".join(f"{key} was {then.get(key)!r} and is {now.get(key)!r}" for key in keys)
