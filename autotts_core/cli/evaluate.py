"""`autotts evaluate`: score controllers on replay stores."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotts_core.errors import AutoTTSError

if TYPE_CHECKING:
    from autotts_core.controller import Controller
    from autotts_core.evaluation import Score
    from autotts_core.replay.outcomes import Progress
    from autotts_core.store import ReplayStore

Job = tuple["ReplayStore", "Controller", "float | None"]


def parse_betas(
    context: click.Context, parameter: click.Parameter, value: str
) -> tuple[float, ...]:
    """Numbers in [0, 1], separated by commas."""
    try:
        betas = tuple(float(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a list of numbers such as 0,0.5,1") from None
    for beta in betas:
        if not 0 <= beta <= 1:
            raise click.BadParameter(f"β = {beta:g} is outside [0, 1]")
    return betas


def _seeds(context: click.Context, parameter: click.Parameter, value: str) -> range:
    """A number of seeds N, meaning 0 to N - 1, or a span A:B, meaning A to B - 1."""
    first, _, last = value.rpartition(":")
    try:
        seeds = range(int(first or 0), int(last))
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is neither a number of seeds such as 100 nor a span such as 0:20"
        ) from None
    if not seeds or seeds.start < 0:
        raise click.BadParameter(f"{value!r} holds no seed; give at least one, from 0 up")
    return seeds


@click.command()
@click.option(
    "--traces",
    "trees",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A replay store, or a directory tree of them; more may follow.",
)
@click.argument("more_trees", metavar="[STORE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--controller",
    "specs",
    multiple=True,
    metavar="SPEC",
    help="NAME, FILE.py or legacy:FILE.py:CLASS, with options as :key=value,key=value; several "
    "values of a key are swept. Without it, every installed controller.",
)
@click.option(
    "--beta", "betas", callback=parse_betas, default="0.5", show_default=True, metavar="β,..."
)
@click.option("--seeds", callback=_seeds, default="100", show_default=True, metavar="N|A:B")
@click.option("--budget", type=click.IntRange(min=1), help="Tokens at which an episode ends.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Threads, or processes for what is interpreted; all cores unless told.",
)
@click.option("--interpreted", is_flag=True, help="Run controllers as plain Python, not compiled.")
@click.option(
    "--out",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the scores to this .csv or .parquet file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of scores.")
def evaluate(
    trees: tuple[Path, ...],
    more_trees: tuple[Path, ...],
    specs: tuple[str, ...],
    betas: tuple[float, ...],
    seeds: range,
    budget: int | None,
    workers: int | None,
    interpreted: bool,
    outputs: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Score controllers on replay stores, with no model called.

    Accuracy is in per cent, with its 95 % bootstrap interval over questions; tokens are means
    for each question. β is swept for the controllers that depend on it.
    """
    if not trees and not more_trees:
        raise click.UsageError("No replay stores are given: --traces DIR.")
    for path in outputs:
        if path.suffix not in (".csv", ".parquet"):
            raise click.BadParameter(f"{path}: use .csv or .parquet", param_hint="--out")
    from autotts_core.evaluation import score, write_scores
    from autotts_core.replay.engine import replay
    from autotts_core.replay.interpreted import replay_interpreted

    run = replay_interpreted if interpreted else replay
    workers = workers or os.cpu_count() or 1
    jobs = _jobs([*trees, *more_trees], specs, betas)
    scores = []
    with _reported_warnings(), _progress(jobs, seeds) as progress:
        for store, controller, beta in jobs:
            outcomes = run(controller, store, beta or 0.0, seeds, budget, workers, progress)
            scores.append(score(outcomes, controller, store, beta, seeds, budget))
    for path in outputs:
        write_scores(scores, path)
    if as_json:
        click.echo(json.dumps([score.row() for score in scores], indent=1, ensure_ascii=False))
    else:
        _print_tables(scores)


def _jobs(trees: Sequence[Path], specs: Sequence[str], betas: Sequence[float]) -> list[Job]:
    """Everything to score, checked before any of it runs."""
    from autotts_core.controller_spec import load_controllers
    from autotts_core.plugins import registry
    from autotts_core.schedule import check_schedule, depends_on_beta
    from autotts_core.store import ReplayStore, find_stores

    stores = [ReplayStore.open(path) for path in find_stores(trees)]
    specs = specs or [entry.name for entry in registry().all("controller")]
    if not specs:
        raise AutoTTSError("No controller is installed: give one with --controller FILE.py")
    controllers = [controller for spec in specs for controller in load_controllers(spec)]
    swept: list[tuple[Controller, float | None]] = []
    for controller in controllers:
        check_schedule(controller)
        for beta in betas if depends_on_beta(controller) else (None,):
            swept.append((controller, beta))
    return [(store, controller, beta) for store in stores for controller, beta in swept]


@contextmanager
def _reported_warnings() -> Iterator[None]:
    """Print warnings as a line each, once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        click.secho(f"Warning: {message}", err=True, fg="yellow")


@contextmanager
def _progress(jobs: Sequence[Job], seeds: range) -> Iterator[Progress]:
    """A progress bar of episodes on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    total = sum(store.manifest.counts.questions for store, _, _ in jobs) * len(seeds)
    columns = (
        TextColumn("Replaying"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} episodes"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total, rate="")

        def advance(episodes: int) -> None:
            bar.advance(task, episodes)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:,.0f}/s" if speed else "")

        yield advance


def _print_tables(scores: Sequence[Score]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from autotts_core.cli.tables import table_console

    console = table_console()
    wide = console.width >= _WIDE
    for name in dict.fromkeys(score.store for score in scores):
        of_store = [score for score in scores if score.store == name]
        first = of_store[0]
        title = (
            f"{name}: {first.questions} questions x {first.seeds} seeds, "
            f"grader {first.grader}, {first.accounting} accounting"
        )
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("controller", no_wrap=True)
        for heading in ("β", "accuracy %", "95 % CI", "tokens", "sequential", "saved %"):
            table.add_column(heading, justify="right", no_wrap=True)
        if wide:
            table.add_column("branches", justify="right")
            table.add_column("pruned", justify="right")
            table.add_column("stopped because")
        for score in of_store:
            cells = [
                score.label,
                "" if score.beta is None else f"{score.beta:g}",
                f"{score.accuracy:.2f}",
                f"{score.accuracy_low:.1f} to {score.accuracy_high:.1f}",
                f"{score.tokens:,.0f}",
                f"{score.sequential_tokens:,.0f}",
                f"{score.saved:.1f}",
            ]
            if wide:
                cells += [f"{score.branches:.1f}", f"{score.pruned:.1f}", _stops(score)]
            table.add_row(*map(Text, cells))
        console.print(Text(title), soft_wrap=True)
        console.print(table)
    console.print(
        "Intervals: 95 % bootstrap over questions. Saved: tokens not spent of SC@64's, "
        "the first 64 branches read to their end."
    )
    if not wide:
        console.print(f"From {_WIDE} columns on: also branches, pruned, why episodes stopped.")


_WIDE = 120


def _stops(score: Score) -> str:
    return ", ".join(f"{100 * share:.0f} % {reason}" for reason, share in score.stops.items())
