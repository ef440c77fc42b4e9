"""`autotts export`: a selected controller out of its run."""

from __future__ import annotations

from pathlib import Path

import click

from autotts_core.cli.show import RUNS_OPTION, find_run


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "form",
    type=click.Choice(["plugin", "file"]),
    required=True,
    help="A distribution in the new directory TARGET, or the one source file TARGET.",
)
@click.option("--name", help="What the plugin's controller is called.  [default: as TARGET]")
@RUNS_OPTION
def export(run: str, target: Path, form: str, name: str | None, root: Path) -> None:
    """Take the controller that RUN selected out of it, to install or to send around.

    RUN is a run's directory, or the beginning of its name in the directory of runs.
    """
    from autotts_core.discovery.run_directory import RunDirectory
    from autotts_core.export.files import export_file, export_plugin
    from autotts_core.report.findings import Findings

    found = Findings.of_selected(RunDirectory(find_run(run, root)))
    if form == "file":
        if name is not None:
            raise click.UsageError("--name is for plugins: a file's controller is called like it.")
        export_file(found, target)
    else:
        name = name or target.resolve().name.removeprefix("autotts-")
        export_plugin(found, target, name)
    click.echo(target)
