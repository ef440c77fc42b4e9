"""`autotts solve`: questions, answered live under a controller."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotts_core.cli.collect import tell
from autotts_core.cli.components import engine_called, one_controller
from autotts_core.cli.episode import checked_beta
from autotts_core.cli.options import confidence_options, options_of
from autotts_core.cli.traces import grader_called
from autotts_core.plugins import registry

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark
    from autotts_core.live.answer_row import AnswerRow
    from autotts_core.live.answering import Limits
    from autotts_core.live.questions import LiveQuestion
    from autotts_core.live.session import Session


@click.command()
@click.argument("question", required=False)
@click.option("--questions", "questions_file", metavar="FILE", type=click.Path(path_type=Path),
              help="Questions instead of one: JSON lines with question (or text), and perhaps id "
                   "and answer, if the name ends in .jsonl; else one question a line.")  # fmt: skip
@click.option("--benchmark-questions", is_flag=True, help="The benchmark's own questions, graded.")
@click.option("--out", metavar="ANSWERS.jsonl", type=click.Path(path_type=Path, dir_okay=False),
              help="Where the answers to several questions are kept, one a line: the same command "
                   "goes on with what is missing.")  # fmt: skip
@click.option("--at-once", default=8, show_default=True, type=click.IntRange(min=1),
              help="Questions under way at any time.")  # fmt: skip
@click.option("--model", required=True, help="What the backend calls it, or its directory.")
@click.option("--backend", required=True, help="An engine's name; `autotts plugins` lists them.")
@options_of("--option", "backend_options", "backend")
@click.option("--benchmark", required=True,
              help="Gives the forms of prompt and probe, and the grader of answers.")  # fmt: skip
@options_of("--benchmark-option", "benchmark_options", "benchmark")
@click.option("--controller", "spec", default="brevity", show_default=True,
              help="As `autotts evaluate` takes it.")  # fmt: skip
@click.option("--beta", default=0.5, show_default=True, type=click.FloatRange(0, 1),
              callback=lambda context, parameter, beta: checked_beta(beta))  # fmt: skip
@click.option("--branches", default=128, show_default=True, type=click.IntRange(min=1),
              help="Branches that the controller may open.")  # fmt: skip
@click.option("--interval", default=500, show_default=True, type=click.IntRange(min=1),
              help="Δ: as in the traces that the controller was made on.")  # fmt: skip
@click.option("--max-tokens", default=32_768, show_default=True, type=click.IntRange(min=1),
              help="Tokens at which a branch is cut off.")  # fmt: skip
@click.option("--probe-tokens", default=32, show_default=True, type=click.IntRange(min=1),
              help="Tokens that an answer may take after a probe.")  # fmt: skip
@click.option("--temperature", default=0.7, show_default=True, type=click.FloatRange(min=0))
@click.option("--top-p", default=1.0, show_default=True, type=click.FloatRange(0, 1, min_open=True))
@click.option("--top-k", default=-1, show_default=True, type=click.IntRange(min=-1),
              help="-1 for all.")  # fmt: skip
@confidence_options
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--budget", type=click.IntRange(min=1), metavar="TOKENS",
              help="Tokens that an answer may take, probes apart. Once they are spent nothing more "
                   "is begun: they are exceeded by the last thing at most that was, an interval "
                   "or burst of one branch, or a branch that is read whole.")  # fmt: skip
@click.option("--sequential-budget", type=click.IntRange(min=1), metavar="TOKENS",
              help="Tokens that it may take one after another, where what is asked for at once "
                   "counts by its longest. Exceeded as the budget is.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True),
              help="Time that it may take: then what is running is cancelled.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def solve(
    question: str | None,
    questions_file: Path | None,
    benchmark_questions: bool,
    out: Path | None,
    at_once: int,
    model: str,
    backend: str,
    backend_options: dict[str, str],
    benchmark: str,
    benchmark_options: dict[str, str],
    spec: str,
    beta: float,
    branches: int,
    interval: int,
    max_tokens: int,
    probe_tokens: int,
    temperature: float,
    top_p: float,
    top_k: int,
    top_logprobs: int,
    confidence_window: int,
    seed: int,
    budget: int | None,
    sequential_budget: int | None,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Answer QUESTION on an engine, under a controller: `-` reads it from standard input.

    The controller's source is the one that replay scores. At a limit the majority of the
    branches' latest answers is the answer, and it is said. On a terminal, a picture shows what
    the branches do.
    """
    from autotts_core.engine_branch import BranchSettings
    from autotts_core.live.answering import Limits
    from autotts_core.live.session import Session

    several = benchmark_questions or questions_file is not None
    if (question is not None) + (questions_file is not None) + benchmark_questions != 1:
        raise click.UsageError("Give one of QUESTION, --questions and --benchmark-questions.")
    if several != (out is not None):
        raise click.UsageError(
            "Several questions need a file for their answers: --out ANSWERS.jsonl."
            if several
            else "--out is for --questions and --benchmark-questions: one answer is printed."
        )
    form = registry().get("benchmark", benchmark).configure(benchmark_options)
    session = Session(
        model,
        engine_called(backend, backend_options),
        form,
        grader_called(form.grader, {}),
        "apart",
        one_controller(spec),
        beta,
        BranchSettings(
            interval,
            max_tokens,
            probe_tokens,
            temperature,
            top_p,
            top_k,
            top_logprobs,
            confidence_window,
        ),
        branches,
    )
    limits = Limits(budget, sequential_budget, seconds)
    if out is None:
        assert question is not None
        text = sys.stdin.read().strip() if question == "-" else question
        _solve_one(session, text, seed, limits, as_json)
    else:
        _solve_all(session, _questions(form, questions_file), out, seed, at_once, limits, as_json)


def _questions(form: Benchmark, path: Path | None) -> list[LiveQuestion]:
    from autotts_core.live.questions import benchmark_questions, read_questions

    return benchmark_questions(form) if path is None else read_questions(path)


def _solve_one(session: Session, text: str, seed: int, limits: Limits, as_json: bool) -> None:
    from rich.console import Console
    from rich.live import Live

    from autotts_core.cli.live_picture import PER_SECOND, LivePicture
    from autotts_core.controller_spec import label
    from autotts_core.live.answer_row import AnswerRow
    from autotts_core.live.questions import LiveQuestion

    session.tokenizer.check()
    title = f"{label(session.controller)} at β = {session.beta:g} on {session.model}"
    picture = LivePicture(title, text)
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    live = Live(picture, console=console, refresh_per_second=PER_SECOND, transient=True)

    async def answered() -> AnswerRow:
        async with session.open(1) as (solver, facts):
            asked = session.asked(text, facts)
            found = await solver.solve(
                asked,
                seed,
                limits.budget,
                limits.seconds,
                sequential_budget=limits.sequential_budget,
                watch=picture.watch,
            )
        if console.is_terminal:
            live.stop()
            picture.draw_end(found, console)
        question = LiveQuestion("0", text)
        return AnswerRow.of(question, seed, found, asked, session.grader, session.unreadable)

    with live if console.is_terminal else nullcontext():
        row = asyncio.run(answered())
    if as_json:
        click.echo(json.dumps(row.to_json(), indent=1, ensure_ascii=False))
    else:
        _print(row)


def _print(row: AnswerRow) -> None:
    ended = sum(branch.finished for branch in row.branches)
    click.echo(row.answer or "(no answer)")
    limit = ", held to a limit" if row.limited else ""
    lengths = [branch.tokens for branch in row.branches]
    by_branch = f", {min(lengths):,} to {max(lengths):,} in each" if len(lengths) > 1 else ""
    click.echo(
        f"{row.stopped}{limit}, after {row.seconds} s: {row.tokens:,} tokens in "
        f"{len(lengths)} branches{by_branch}, {ended} of which ended, and {row.probe_tokens:,} "
        f"for probes; {row.sequential_tokens:,} one after another.",
        err=True,
    )
    if row.sc64_tokens_at_least is not None:
        click.echo(
            f"SC@64 would take about {row.sc64_tokens_at_least:,} tokens or more, by the mean "
            f"length of the {ended} that ended, which are the shorter ones.",
            err=True,
        )


def _solve_all(
    session: Session,
    questions: Sequence[LiveQuestion],
    out: Path,
    seed: int,
    at_once: int,
    limits: Limits,
    as_json: bool,
) -> None:
    from autotts_core.cli.answering import answer_missing
    from autotts_core.live.journal import answer_journal

    session.tokenizer.check()
    settings = session.description() | asdict(limits) | {"seed": seed}
    with answer_journal(out, settings) as journal:
        answer_missing(session, questions, [seed], at_once, limits, journal)
        rows = [journal.rows[q.id, seed] for q in questions if (q.id, seed) in journal.rows]
    summary = _summary(rows, len(questions))
    tell({"answers": str(out)} | summary, as_json)
    if len(rows) < len(questions):
        left = len(questions) - len(rows)
        click.echo(
            f"{left:,} of {len(questions):,} questions {'has' if left == 1 else 'have'} no answer: "
            "run the same command again.",
            err=True,
        )
        sys.exit(1)


def _summary(rows: Sequence[AnswerRow], questions: int) -> dict[str, Any]:
    graded = [row.right for row in rows if row.right is not None]
    count = max(1, len(rows))
    return {
        "questions": questions,
        "answered": len(rows),
        **({"right %": round(100 * sum(graded) / len(graded), 1)} if graded else {}),
        "limited": sum(row.limited for row in rows),
        "tokens for each": round(sum(row.tokens for row in rows) / count),
        "sequential for each": round(sum(row.sequential_tokens for row in rows) / count),
        "probe tokens for each": round(sum(row.probe_tokens for row in rows) / count),
        "seconds for each": round(sum(row.seconds for row in rows) / count, 2),
    }
