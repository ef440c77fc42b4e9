"""`autotts report`: what runs have found, as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from autotts_core.cli.show import RUNS_OPTION, find_run
from autotts_core.report import MOST_EPISODES


@click.command()
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@RUNS_OPTION
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file.  [default: report.html in the run's directory; with several runs, here]",
)
@click.option(
    "--episodes",
    type=click.IntRange(min=0),
    default=MOST_EPISODES,
    show_default=True,
    help="Episodes of each run that the file carries at most.",
)
def report(names: tuple[str, ...], root: Path, out: Path | None, episodes: int) -> None:
    """Make a run's report again, or one report that compares several runs.

    RUN is a run's directory, or the beginning of its name in the directory of runs. The report
    is one file that needs no network; open it in a browser.
    """
    from autotts_core.discovery.run_directory import RunDirectory
    from autotts_core.report.writing import write_report

    runs = [RunDirectory(find_run(name, root)) for name in names]
    path = out or (runs[0].report if len(runs) == 1 else Path("report.html"))
    for section in write_report(runs, path, episodes):
        for text in section.missing:
            click.echo(f"{section.name}: {text}", err=True)
    click.echo(path)
