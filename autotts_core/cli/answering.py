"""Answering many questions on a terminal: progress, and what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from autotts_core.live.answering import Answering, Job

if TYPE_CHECKING:
    from autotts_core.errors import EngineError
    from autotts_core.live.answer_row import AnswerRow
    from autotts_core.live.answering import Limits
    from autotts_core.live.journal import AnswerJournal
    from autotts_core.live.questions import LiveQuestion
    from autotts_core.live.session import Session
    from autotts_core.trace_backend import EngineFacts

Pools = Callable[[str], int]
"""How many branches may be opened for the question with an id."""


def answer_missing(
    session: Session,
    questions: Sequence[LiveQuestion],
    seeds: Sequence[int],
    at_once: int,
    limits: Limits,
    journal: AnswerJournal,
    pool: Pools | None = None,
    started: Callable[[EngineFacts], None] | None = None,
) -> None:
    """Answer each question once for each seed, but for the answers that `journal` has.

    What fails is told, and left for the next time. `pool` is `session.branches` unless given;
    `started` hears of the engine, if there is anything to ask it.
    """
    missing = journal.missing(questions, seeds)
    if not missing:
        return

    async def answer(keep: Callable[[AnswerRow], None]) -> None:
        async with session.open(at_once) as (solver, facts):
            for lacking in facts.lacks:
                click.echo(f"{facts.name} {facts.version} does without {lacking}.", err=True)
            if started is not None:
                started(facts)
            jobs = [
                Job(
                    question,
                    seed,
                    solver if pool is None else replace(solver, branches=pool(question.id)),
                    lambda question: session.asked(question.text, facts),
                )
                for question, seed in missing
            ]
            await Answering(at_once, limits, keep, _tell).answer(jobs)

    total = len(questions) * len(seeds)
    with _progress(total, total - len(missing)) as advance:

        def keep(row: AnswerRow) -> None:
            journal.keep(row)
            advance(row)

        asyncio.run(answer(keep))


def _tell(question: LiveQuestion, error: EngineError) -> None:
    click.secho(f"Question {question.id} failed: {error}", err=True, fg="yellow")


@contextmanager
def _progress(total: int, done: int) -> Iterator[Callable[[AnswerRow], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("Answering"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}, {task.fields[told]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    tokens = 0
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total, completed=done, told="")

        def advance(row: AnswerRow) -> None:
            nonlocal tokens
            tokens += row.tokens
            rate = tokens / max(bar.tasks[0].elapsed or 0, 1e-9)
            bar.update(task, advance=1, told=f"{rate:,.0f} tokens/s")

        yield advance
