"""Answering many questions at a time; one that fails does not stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autotts_core.errors import EngineError
from autotts_core.live.answer_row import AnswerRow

if TYPE_CHECKING:
    from autotts_core.engine_branch import EngineQuestion
    from autotts_core.live.questions import LiveQuestion
    from autotts_core.live.solving import Solver


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer may take: tokens, sequential tokens, and seconds."""

    budget: int | None = None
    sequential_budget: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A question to be answered; `asked` puts it as the engine is asked it, once it is its turn."""

    question: LiveQuestion
    seed: int
    solver: Solver
    asked: Callable[[LiveQuestion], EngineQuestion]


@dataclass
class Answering:
    """Answers jobs, `at_once` of them at any time.

    Each answer goes to `keep`, each question that the engine could not answer to `failed`. Where
    the engine has gone, so that `at_once` questions in a row fail after all attempts, the rest
    is left.
    """

    at_once: int
    limits: Limits
    keep: Callable[[AnswerRow], None]
    failed: Callable[[LiveQuestion, EngineError], None]
    _failures_in_a_row: int = field(default=0, init=False)

    async def answer(self, jobs: Sequence[Job]) -> None:
        """Answer `jobs`; raises `ControllerError` at the first one that is the controller's fault.

        Cancelling this cancels all requests.
        """
        waiting = iter(jobs)
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self.at_once, len(jobs))):
                    workers.create_task(self._work(waiting))
        except* Exception as errors:
            # The others were cancelled because of it.
            raise errors.exceptions[0] from None

    async def _work(self, waiting: Iterator[Job]) -> None:
        while self._failures_in_a_row < self.at_once:
            job = next(waiting, None)
            if job is None:
                return
            try:
                row = await self._answered(job)
            except EngineError as error:
                self._failures_in_a_row += error.transient
                self.failed(job.question, error)
            else:
                self._failures_in_a_row = 0
                self.keep(row)

    async def _answered(self, job: Job) -> AnswerRow:
        limits, solver = self.limits, job.solver
        asked = job.asked(job.question)
        found = await solver.solve(
            asked,
            job.seed,
            limits.budget,
            limits.seconds,
            sequential_budget=limits.sequential_budget,
        )
        return AnswerRow.of(job.question, job.seed, found, asked, solver.grader, solver.unreadable)
