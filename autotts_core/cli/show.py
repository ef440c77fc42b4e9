"""`autotts show` and `autotts runs`: what runs have found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotts_core.errors import AutoTTSError, nearest

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from autotts_core.discovery.run_directory import RunDirectory
    from autotts_core.report.findings import Findings

RUNS_OPTION = click.option(
    "--runs",
    "root",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="The directory that holds the runs.",
)


@click.command()
@click.argument("name", metavar="RUN")
@RUNS_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def show(name: str, root: Path, as_json: bool) -> None:
    """Show what a run has found: its tables, its frontier, and how it got there.

    RUN is a run's directory, or the beginning of its name in the directory of runs.
    """
    from autotts_core.discovery.run_directory import RunDirectory

    run = RunDirectory(find_run(name, root))
    if as_json:
        click.echo(json.dumps(_described(run), indent=1, ensure_ascii=False))
    else:
        print_run(run)


@click.command()
@RUNS_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of runs.")
def runs(root: Path, as_json: bool) -> None:
    """List the runs in a directory, the latest last."""
    from autotts_core.discovery.run_directory import RunDirectory

    found = [_summary(RunDirectory(path)) for path in _run_paths(root)]
    found.sort(key=lambda row: row["began"])
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    if not found:
        click.echo(f"There is no run in {root}.")
        return
    from rich import box
    from rich.table import Table

    from autotts_core.cli.tables import table_console

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("run", "began", "state", "selected"):
        table.add_column(heading, no_wrap=True)
    for heading in ("held-out %", "tokens", "saved %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found:
        table.add_row(
            *(str(row[key]) for key in ("run", "began", "state", "selected")), *row["held_out"]
        )
    table_console().print(table)


def find_run(name: str, root: Path) -> Path:
    """The directory of the run called `name`; raises `AutoTTSError` where there is none, or two."""
    if (Path(name) / "recipe.yaml").exists():
        return Path(name)
    names = [path.name for path in _run_paths(root)]
    matching = [each for each in names if each == name] or [
        each for each in names if each.startswith(name)
    ]
    if len(matching) == 1:
        return root / matching[0]
    if matching:
        raise AutoTTSError(f"{name!r} is the beginning of several runs: {', '.join(matching)}.")
    hint = nearest(name, names) if names else f"There is no run in {root}."
    raise AutoTTSError(f"{name!r} is no run's directory, nor a run in {root}. {hint}")


def _run_paths(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob("*/recipe.yaml"))


def _summary(run: RunDirectory) -> dict[str, Any]:
    from autotts_core.report.findings import Findings

    events = run.noted()
    selected, held_out = "", ["", "", ""]
    if run.selection.exists():
        selected = run.read_json(run.selection)["selected"] or "nothing"
    if run.results.exists():
        state = "finished"
        found = Findings.of(run)
        if "held_out" in found.sets and found.selection["selected"]:
            row = found.operating_row("held_out", "matching")
            held_out = [
                f"{row['accuracy']['mean']:.2f}",
                f"{row['tokens']:,.0f}",
                f"{row['saved']:.1f}",
            ]
    elif run.selection.exists():
        state = "selected, not yet scored"
    else:
        state = f"{len(run.finished_rounds())} rounds done"
    return {
        "run": run.path.name,
        "began": events[0]["time"][:19] if events else "",
        "state": state,
        "selected": selected,
        "held_out": held_out,
    }


def _described(run: RunDirectory) -> dict[str, Any]:
    """All that `show` prints, as JSON values."""
    from autotts_core.report.findings import trajectory

    described: dict[str, Any] = {
        "run": str(run.path),
        "trajectory": trajectory(run),
        "dollars": run.dollars(),
    }
    if run.results.exists():
        described |= run.read_json(run.results)
    return described


def print_run(run: RunDirectory) -> None:
    """Print a run's trajectory and, when it is finished, its frontier, tables and comparisons."""
    from rich.text import Text

    from autotts_core.cli.tables import table_console
    from autotts_core.report.findings import SETS, Findings

    console = table_console()
    _print_trajectory(run, console)
    if not run.results.exists():
        console.print(Text(f"{run.path} is not finished: `autotts run` goes on with it."))
        return
    found = Findings.of(run)
    for key in (key for key, of_set in found.sets.items() if of_set["rows"]):
        _print_set(SETS[key], key, found, console)
    selection = found.selection
    if selection["selected"] is None:
        console.print(
            Text(
                f"Nothing was selected ({selection['ended']}), for no proposal could be scored"
                f"{_disqualified(selection)}. The results are the baselines' alone.\n"
                f"{_FOOTNOTES}"
            ),
            soft_wrap=True,
        )
        return
    chosen = f"Selected {selection['selected']} by {selection['rule']} ({selection['ended']}): "
    places = f"{run.selected}" + (f"\nReport: {run.report}" if run.report.exists() else "")
    console.print(Text(f"{chosen}{places}\n{_gain(found)}\n{_FOOTNOTES}"), soft_wrap=True)


def _disqualified(selection: Mapping[str, Any]) -> str:
    told = [f"{name} failed its audit: {why}" for name, why in selection["disqualified"].items()]
    return "".join(f"\n{each}" for each in told)


_FOOTNOTES = """\
β matching: the cheapest as accurate as SC@64 on the search set; best: the most accurate there.
Intervals: 95 % bootstrap over questions, clustered across models; differences are paired.
Over log tokens: mean accuracy over budgets; below a frontier's cheapest point nothing is answered.
Saved: tokens not spent of SC@64's, the first 64 branches read to their end."""


def _print_trajectory(run: RunDirectory, console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title="Proposals", title_justify="left"
    )
    table.add_column("entry")
    for heading in ("value", "best %", "at β", "tokens"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("rationale, or fault")
    from autotts_core.report.findings import trajectory

    chosen = run.read_json(run.selection)["selected"] if run.selection.exists() else None
    for row in trajectory(run):
        if row["fault"]:
            cells = ["", "", "", "", f"rejected: {row['fault']}"]
        else:
            cells = [
                "" if row["value"] is None else f"{row['value']:.2f}",
                f"{row['accuracy']:.2f}",
                "" if row["beta"] is None else f"{row['beta']:g}",
                f"{row['tokens']:,.0f}",
                row["rationale"].partition("\n")[0],
            ]
        selected = row["entry"] == chosen
        table.add_row(*map(Text, (row["entry"], *cells)), style="green" if selected else None)
    console.print(table)
    if dollars := run.dollars():
        console.print(Text(f"Paid for exploring: ${dollars:.2f}"))


def _print_set(title: str, of: str, found: Findings, console: Console) -> None:
    from rich.text import Text

    from autotts_core.cli.frontier_plot import Curve, draw_frontiers
    from autotts_core.report.findings import conditions, curves_of

    of_set = found.sets[of]
    stores = ", ".join(of_set["stores"])
    measured = conditions(of_set, found.results["seeds"])
    console.print(Text(f"{title}: {stores}; {measured}", style="bold"), soft_wrap=True)
    curves = [
        Curve(each.name, [(row["tokens"], row["accuracy"]["mean"]) for row in each.rows])
        for each in curves_of(of_set["rows"])
    ]
    draw_frontiers(curves, console)
    _print_rows(of_set, found.operating_points, console)
    if of_set["versus"]:
        _print_comparisons(of_set, console)


def _print_rows(
    of_set: Mapping[str, Any], marks: Mapping[float | None, str], console: Console
) -> None:
    """The average over stores with its interval, then each store, as many as fit side by side."""
    from rich.text import Text

    stores = of_set["stores"]
    fitting = max(1, (console.width - _LABEL_WIDTH) // _STORE_WIDTH)
    for first in (None, *range(0, len(stores), fitting)):
        if first is None:
            table = _table(["average\naccuracy %", *("\n" + h for h in ("95 % CI", *_COSTS))])
            cells = [_average_cells(row) for row in of_set["rows"]]
        else:
            group = range(first, min(first + fitting, len(stores)))
            headings = [(f"{stores[k]}\naccuracy %", *("\n" + h for h in _COSTS)) for k in group]
            table = _table([heading for four in headings for heading in four])
            cells = [
                [cell for k in group for cell in _store_cells(row["stores"][k])]
                for row in of_set["rows"]
            ]
        for row, numbers in zip(of_set["rows"], cells, strict=True):
            selected = row["kind"] == "selected"
            label = "selected" if selected else row["label"]
            if selected and row["beta"] in marks:
                label += f" ({marks[row['beta']]})"
            beta = "" if row["beta"] is None else f"{row['beta']:g}"
            table.add_row(*map(Text, (label, beta, *numbers)), style="green" if selected else None)
        console.print(table)


_COSTS = "tokens", "sequential", "saved %"
_LABEL_WIDTH, _STORE_WIDTH = 40, 46


def _table(headings: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("\ncontroller", no_wrap=True)
    for heading in ("\nβ", *headings):
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _average_cells(row: Mapping[str, Any]) -> list[str]:
    accuracy = row["accuracy"]
    interval = f"{accuracy['low']:.1f} to {accuracy['high']:.1f}"
    return [f"{accuracy['mean']:.2f}", interval, *_costs(row)]


def _store_cells(score: Mapping[str, Any]) -> list[str]:
    return [f"{score['accuracy']:.2f}", *_costs(score)]


def _costs(row: Mapping[str, Any]) -> list[str]:
    return [f"{row['tokens']:,.0f}", f"{row['sequential_tokens']:,.0f}", f"{row['saved']:.1f}"]


def _print_comparisons(of_set: Mapping[str, Any], console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("selected against", no_wrap=True)
    for heading in ("β", "accuracy, points", "tokens saved %", "sequential saved %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in of_set["versus"]:
        beta = "" if each["beta"] is None else f"{each['beta']:g}"
        other = "" if each["baseline_beta"] is None else f" at β = {each['baseline_beta']:g}"
        intervals = [
            _interval(each["comparison"][key]) for key in ("accuracy", "saved", "sequential_saved")
        ]
        cells = [each["baseline"] + other, f"{beta} ({each['operating_point']})", *intervals]
        table.add_row(*map(Text, cells))
    console.print(table)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("whole frontier against", no_wrap=True)
    for heading in ("points over log tokens", "over log sequential tokens"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in of_set["areas"]:
        cells = [_interval(each[axis]) for axis in ("tokens", "sequential_tokens")]
        table.add_row(*map(Text, (each["baseline"], *cells)))
    console.print(table)


def _gain(found: Findings) -> str:
    """What was expected of the selected controller, and what came of it."""
    from autotts_core.report.findings import GAINS

    told = [
        f"{words} {_interval(found.results['gain'][key])}"
        for key, words in GAINS.items()
        if found.results["gain"][key]
    ]
    return f"Gain on SC@64 over the rule's budgets, points: {'; '.join(told)}."


def _interval(interval: Mapping[str, float]) -> str:
    return f"{interval['mean']:+.2f} ({interval['low']:+.2f} to {interval['high']:+.2f})"
