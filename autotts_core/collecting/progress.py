"""How far the processes have come that share a journal."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from autotts_core.collecting.collector import Tally
from autotts_core.collecting.journal import Journal

_SECONDS = 0.5
"""Between two looks: few lines are new, and all others are skipped."""


class Progress:
    """What others add to `journal` from now on, added up from its files as they grow.

    Made while nobody writes. It is exact, whoever dies: a line counts once it is whole.
    """

    def __init__(self, journal: Journal, questions: int, branches: int) -> None:
        self._journal = journal
        self._branches = branches
        self._finished = [len(journal.branches(number)) for number in range(questions)]
        self._read = [self._size(number) for number in range(questions)]
        self._tally = Tally(wanted=questions * branches)

    def tally(self) -> Tally:
        """What there is by now."""
        for number in range(len(self._read)):
            if self._size(number) > self._read[number]:
                self._count(number)
        return replace(
            self._tally,
            branches=sum(self._finished),
            questions=sum(count == self._branches for count in self._finished),
        )

    def _count(self, number: int) -> None:
        with self._journal.path(number).open("rb") as file:
            file.seek(self._read[number])
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read[number] += len(whole)
        tally = self._tally
        for line in whole.splitlines():
            branch = json.loads(line)
            self._finished[number] += 1
            tally.tokens += branch["tokens"]
            tally.probe_tokens += branch["probe_tokens"]
            tally.prompt_tokens += branch["prompt_tokens"]
            tally.cached_tokens += branch["cached_tokens"]

    def _size(self, number: int) -> int:
        path = self._journal.path(number)
        return path.stat().st_size if path.exists() else 0


@contextmanager
def watched(progress: Progress, report: Callable[[Tally], None]) -> Iterator[None]:
    """Meanwhile, report how far it is, from a thread, whenever there is more."""
    ended = threading.Event()

    def watch() -> None:
        before = None
        while not ended.wait(_SECONDS):
            now = progress.tally()
            if now != before:
                report(now)
            before = now

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
