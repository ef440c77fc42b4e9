"""`autotts run`: from a recipe to a selected controller and its held-out scores."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from autotts_core.discovery.workbench import Report
    from autotts_core.recipe.schema import Recipe


@click.command()
@click.argument("recipe", metavar="RECIPE", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of the recipe, such as rounds=2 or explorer.options.candidates=100.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The run's directory.  [default: runs/NAME-HASH, the hash being the recipe's]",
)
@click.option(
    "--stores",
    "stores_root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("stores"),
    show_default=True,
    help="Where replay stores are kept that the recipe has made.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Cores to use; all of them unless told."
)
@click.option(
    "--unconfined",
    is_flag=True,
    help="Run proposals with limits on time and memory only, where the system cannot confine them.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def run(
    recipe: Path,
    overrides: tuple[str, ...],
    out: Path | None,
    stores_root: Path,
    workers: int | None,
    unconfined: bool,
    as_json: bool,
) -> None:
    """Find a controller: make stores, explore, select, and score on the held-out set.

    Nothing is done twice: after an interruption, however hard, the same command goes on where
    the last one was.
    """
    from autotts_core.confinement import LAYERS, LIMITS_ONLY
    from autotts_core.discovery.run import run_recipe
    from autotts_core.errors import RecipeError
    from autotts_core.recipe.check import problems
    from autotts_core.recipe.reading import read_recipe, recipe_digest

    loaded = read_recipe(recipe, overrides)
    found = problems(loaded)
    if found:
        raise RecipeError("\n".join(problem.text for problem in found))
    resolved = loaded.recipe
    path = out or Path("runs") / f"{resolved.name}-{recipe_digest(resolved)[:8]}"
    click.echo(f"{resolved.name}: {path}", err=True)
    with _watched(resolved) as report:
        finished = run_recipe(
            resolved,
            path,
            stores_root,
            workers or os.cpu_count() or 1,
            report,
            LIMITS_ONLY if unconfined else LAYERS,
        )
    if as_json:
        click.echo(finished.results.read_text(encoding="utf-8"), nl=False)
    else:
        from autotts_core.cli.show import print_run

        print_run(finished)


@contextmanager
def _watched(recipe: Recipe) -> Iterator[Report]:
    """Show what happens: lines for what is done and, on a terminal, a status line below them."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    watcher = _Watcher(recipe, console)
    if not console.is_terminal:
        yield watcher.hear
        return
    with console.status("starting") as status:

        def hear(event: Mapping[str, Any]) -> None:
            watcher.hear(event)
            status.update(watcher.status())

        yield hear


class _Watcher:
    """Turns a run's events into lines for people."""

    def __init__(self, recipe: Recipe, console: Console) -> None:
        self._recipe = recipe
        self._console = console
        self._began = time.monotonic()
        self._doing = "starting"
        self._round = 0
        self._rounds_done: list[float] = []
        self._candidates = 0
        self._best: tuple[float, str] | None = None
        self._dollars = 0.0

    def hear(self, event: Mapping[str, Any]) -> None:
        """Print what `event` finished, and remember what it began."""
        match event["kind"]:
            case "guard" | "warning":
                self._say(event["text"])
            case "store":
                self._doing = f"making the store {event['name']}"
                self._say(self._doing)
            case "collected":
                self._doing = (
                    f"collecting {event['name']}: {event['branches']:,} of {event['wanted']:,} "
                    f"branches, {event['tokens']:,} tokens"
                )
            case "baseline":
                self._doing = f"scoring the baseline {event['spec']} on the search set"
                self._say(self._doing)
            case "round":
                self._round, self._candidates = event["round"], 0
                self._doing = f"round {event['round']} of {event['rounds']}"
                self._say(self._doing)
            case "progress":
                self._candidates = event["candidates"]
                self._doing = event["note"] or self._doing
            case "explorer":
                self._doing = event["text"]
                self._say(f"  {event['text']}")
            case "charged":
                self._dollars = event["dollars"]
            case "round finished":
                self._rounds_done.append(time.monotonic())
            case "proposal":
                self._say(self._proposal(event))
            case "audit":
                self._doing = f"auditing {event['entry']}"
            case "audited":
                found = event["difference"]
                self._say(
                    f"  finalist {event['entry']} "
                    + (f"disqualified: {found}" if found else "audited: nothing differs")
                )
            case "held-out":
                self._doing = f"scoring {event['spec']} on the held-out set"
                self._say(self._doing)
            case "report":
                self._doing = "writing the report"
                self._say(self._doing)

    def _proposal(self, event: Mapping[str, Any]) -> str:
        if event["fault"]:
            return f"  proposal {event['entry']} rejected: {event['fault']}"
        told = (
            f"{event['accuracy']:.2f} % for {event['tokens']:,.0f} tokens at its best, "
            f"value {event['value']:.2f}"
        )
        if self._best is None or event["value"] > self._best[0]:
            self._best = event["value"], f"{event['entry']} ({told})"
        tried = f", {self._candidates:,} candidates tried" if self._candidates else ""
        return f"  proposal {event['entry']}: {told}{tried}"

    def _say(self, text: str) -> None:
        self._console.print(f"[{_minutes(time.monotonic() - self._began)}] {text}", soft_wrap=True)

    def status(self) -> str:
        """One line: what is being done, the best so far, money, time left."""
        parts = [self._doing]
        if self._round and not self._doing.startswith("round"):
            parts.insert(0, f"round {self._round} of {self._recipe.rounds}")
        if self._candidates:
            parts.append(f"{self._candidates:,} candidates tried")
        if self._best:
            parts.append(f"best so far {self._best[1]}")
        if self._dollars:
            limit = self._recipe.budget.dollars
            parts.append(f"${self._dollars:.2f}" + (f" of ${limit:.2f}" if limit else ""))
        if self._rounds_done:
            took = (self._rounds_done[-1] - self._began) / len(self._rounds_done)
            left = (self._recipe.rounds - len(self._rounds_done)) * took
            parts.append(f"about {_minutes(left)} left")
        return " · ".join(parts)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
