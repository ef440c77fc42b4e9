"""`autotts verify-live`: what replay says of a controller, and what it does live."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotts_core.cli.components import engine_called, one_controller
from autotts_core.cli.episode import checked_beta, one_store
from autotts_core.cli.options import options_of

if TYPE_CHECKING:
    from autotts_core.live.session import Session
    from autotts_core.live.verifying import Quantity, Verification
    from autotts_core.store import ReplayStore
    from autotts_core.trace_backend import EngineFacts

_QUANTITIES = {
    "accuracy": ("accuracy %", ".2f"),
    "tokens": ("tokens", ",.0f"),
    "sequential_tokens": ("sequential tokens", ",.0f"),
    "peak_branches": ("branches at once", ".2f"),
}
"""How each quantity is called and formatted."""
_SPACING = 2**20
"""Between the seeds of a question's episodes: branch i of an episode adds i to its seed."""


@click.command()
@click.option("--traces", "path", metavar="STORE", required=True, type=click.Path(path_type=Path),
              help="A replay store, or a directory tree of stores.")  # fmt: skip
@click.option("--store", "store_name", metavar="MODEL/BENCHMARK", help="Which store of the tree.")
@click.option("--controller", "spec", metavar="SPEC", required=True,
              help="As `autotts evaluate` takes it.")  # fmt: skip
@click.option("--beta", default=0.5, show_default=True, type=click.FloatRange(0, 1),
              callback=lambda context, parameter, beta: checked_beta(beta))  # fmt: skip
@click.option("--backend", required=True, help="An engine's name; `autotts plugins` lists them.")
@options_of("--option", "backend_options", "backend")
@click.option("--model", help="What the backend calls it, or its directory: the store's name for "
                              "it unless told.")  # fmt: skip
@click.option("--benchmark", help="Gives the forms of prompt and probe: the store's unless told.")
@options_of("--benchmark-option", "benchmark_options", "benchmark")
@click.option("--questions", "count", metavar="N", type=click.IntRange(min=1),
              help="Ask only the first N.")  # fmt: skip
@click.option("--question-seed", metavar="SEED", type=click.IntRange(min=0),
              help="Draw the N questions with this seed.")  # fmt: skip
@click.option("--seeds", "repeats", default=1, show_default=True, type=click.IntRange(min=1),
              help="Live episodes of each question.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0),
              help="The first of them.")  # fmt: skip
@click.option("--replay-seeds", default=100, show_default=True, type=click.IntRange(min=1),
              help="Replayed episodes of each question.")  # fmt: skip
@click.option("--at-once", default=8, show_default=True, type=click.IntRange(min=1),
              help="Questions under way at any time.")  # fmt: skip
@click.option("--budget", type=click.IntRange(min=1), metavar="TOKENS",
              help="Tokens that an answer may take, replayed and live.")  # fmt: skip
@click.option("--max-tokens", type=click.IntRange(min=1),
              help="Where the store does not say it, as the following.")  # fmt: skip
@click.option("--temperature", type=click.FloatRange(min=0))
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True))
@click.option("--top-k", type=click.IntRange(min=-1))
@click.option("--probe-tokens", type=click.IntRange(min=1),
              help="32 where neither the store nor this says it.")  # fmt: skip
@click.option("--answers", metavar="ANSWERS.jsonl", type=click.Path(path_type=Path, dir_okay=False),
              help="Keep the live answers there: the same command goes on with what is "
                   "missing.")  # fmt: skip
@click.option("--out", metavar="FILE.json", type=click.Path(path_type=Path, dir_okay=False),
              help="Also write the result there.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_live(
    path: Path,
    store_name: str | None,
    spec: str,
    beta: float,
    backend: str,
    backend_options: dict[str, str],
    model: str | None,
    benchmark: str | None,
    benchmark_options: dict[str, str],
    count: int | None,
    question_seed: int | None,
    repeats: int,
    seed: int,
    replay_seeds: int,
    at_once: int,
    budget: int | None,
    max_tokens: int | None,
    temperature: float | None,
    top_p: float | None,
    top_k: int | None,
    probe_tokens: int | None,
    answers: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Answer a store's questions live, and hold it against replay of the same controller.

    The engine is asked as the store says it was collected: Δ, sampling, prompt and probe. The
    branches are new ones, so that means are compared, paired by question. Intervals are 95 %,
    over questions; `expected live` is where 99 % of live runs lie that only sampling sets apart.
    """
    from autotts_core.cli.answering import answer_missing
    from autotts_core.cli.traces import grader_called
    from autotts_core.files import write_atomically
    from autotts_core.live.answering import Limits
    from autotts_core.live.journal import answer_journal
    from autotts_core.live.store_session import (
        chosen_questions,
        differences,
        engine_difference,
        pool_sizes,
        store_benchmark,
        store_questions,
        store_session,
    )
    from autotts_core.live.verifying import live_episodes, replayed_episodes, verification

    if question_seed is not None and count is None:
        raise click.UsageError("--question-seed draws --questions N: say how many.")
    store = one_store(path, store_name)
    controller = one_controller(spec)
    session = store_session(
        store,
        engine_called(backend, backend_options),
        store_benchmark(store, benchmark, benchmark_options),
        grader_called(store.manifest.grader.name, {}),
        controller,
        beta,
        model,
        {
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "top_k": top_k,
            "probe_tokens": probe_tokens,
        },
    )
    session.tokenizer.check()
    numbers = chosen_questions(store, count, question_seed)
    questions = store_questions(store, numbers)
    sizes = pool_sizes(store)
    pools = {question.id: sizes[q] for question, q in zip(questions, numbers, strict=True)}
    seeds = [(seed + k) * _SPACING for k in range(repeats)]
    different = differences(store, session)
    for each in different:
        _warn(each)

    def started(facts: EngineFacts) -> None:
        other = engine_difference(store, facts)
        if other is not None:
            _warn(other)

    with _working(f"Replaying {store.name}"):
        replayed = replayed_episodes(controller, store, numbers, range(replay_seeds), beta, budget)
    limits = Limits(budget)
    settings = session.description() | {"store": store.digest, "budget": budget}
    with _kept_at(answers) as kept, answer_journal(kept, settings) as journal:
        answer_missing(
            session, questions, seeds, at_once, limits, journal, pools.__getitem__, started
        )
        rows = journal.rows
    whole = [
        place
        for place, question in enumerate(questions)
        if all((question.id, each) in rows for each in seeds)
    ]
    if whole:
        live = live_episodes(rows, [questions[place].id for place in whole], seeds)
        found = verification(replayed.of(whole), live)
        told = _described(found, session, store, different) | {"at_once": at_once}
        text = json.dumps(told, indent=1, ensure_ascii=False)
        if out is not None:
            write_atomically(out, f"{text}\n".encode())
        if as_json:
            click.echo(text)
        else:
            _print(found, session, store, at_once)
    if len(whole) < len(questions):
        again = (
            "run the same command again" if answers else "with --answers they can be gone on with"
        )
        click.echo(
            f"{len(questions) - len(whole)} of {len(questions)} questions have not all their "
            f"answers and are left out: {again}.",
            err=True,
        )
        sys.exit(1)


def _warn(text: str) -> None:
    click.secho(f"Warning: {text}.", err=True, fg="yellow")


@contextmanager
def _kept_at(answers: Path | None) -> Iterator[Path]:
    """Where answers are kept: for as long as this takes, unless told."""
    if answers is not None:
        yield answers
        return
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / "answers.jsonl"


@contextmanager
def _working(text: str) -> Iterator[None]:
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with console.status(text) if console.is_terminal else nullcontext():
        yield


def _described(
    found: Verification,
    session: Session,
    store: ReplayStore,
    different: Sequence[str],
) -> dict[str, Any]:
    quantities = {name: getattr(found, name) for name in _QUANTITIES}
    return {
        "store": store.name,
        "store_sha256": store.digest,
        **session.description(),
        "differences": list(different),
        **asdict(found),
        **{
            name: asdict(each) | {"expected": each.expected, "agrees": each.agrees}
            for name, each in quantities.items()
        },
        "gap": asdict(found.gap) | {"whole": found.gap.whole},
        "agrees": all(each.agrees for each in quantities.values()),
    }


def _print(found: Verification, session: Session, store: ReplayStore, at_once: int) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from autotts_core.cli.tables import table_console
    from autotts_core.controller_spec import label

    console = table_console()
    console.print(
        f"{label(session.controller)} at β = {session.beta:g} on {store.name}: "
        f"{found.questions} questions, {found.live_seeds} live and {found.replay_seeds} replayed "
        f"episodes each, grader {session.grader.name} {session.grader.version}",
        soft_wrap=True,
    )
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("replay", "live", "difference", "95 % CI", "expected live"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for name, (shown, form) in _QUANTITIES.items():
        table.add_row(*map(Text, _row(getattr(found, name), shown, form)))
    console.print(table)
    seconds, probes = found.seconds, found.probe_overhead
    console.print(
        f"Live, with {at_once} questions at once, an answer takes {seconds.mean:.2f} s "
        f"({seconds.low:.2f} to {seconds.high:.2f}). Probes take {probes.mean:.1f} % more tokens "
        f"({probes.low:.1f} to {probes.high:.1f}).",
        soft_wrap=True,
    )
    for line in _gap(found):
        console.print(line, soft_wrap=True)


def _gap(found: Verification) -> Iterator[str]:
    """Where tokens went that replay does not count."""
    gap = found.gap
    yield f"Tokens computed live beyond replay's, for each answer: {gap.whole:+,.0f}"
    sampling = "sampling" if found.tokens.expected else "more than sampling explains"
    yield f"  {gap.branches:+10,.0f}  in branches: {sampling}"
    yield f"  {gap.probes:+10,.0f}  generated for probes"
    if gap.computed_again is None:
        yield f"  {'?':>10}  of prompts computed again: the engine does not say what its cache held"
    else:
        yield f"  {gap.computed_again:+10,.0f}  of prompts computed again, which no cache held"


def _row(quantity: Quantity, shown: str, form: str) -> tuple[str, ...]:
    difference = quantity.difference
    verdict = "as replayed" if quantity.expected else "chance" if quantity.agrees else "differs"
    return (
        shown,
        format(quantity.replay.mean, form),
        format(quantity.live.mean, form),
        format(difference.mean, f"+{form}"),
        f"{difference.low:+{form}} to {difference.high:+{form}}",
        f"{quantity.expected_low:{form}} to {quantity.expected_high:{form}}",
        verdict,
    )
