"""`autotts simulate`: replay stores out of thin air."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from autotts_sim.presets import PRESETS


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--preset",
    "presets",
    multiple=True,
    type=click.Choice(list(PRESETS)),
    help="A simulated model; may be given several times.  [default: all of them]",
)
@click.option(
    "--questions",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Questions in a benchmark.",
)
@click.option(
    "--branches",
    type=click.IntRange(min=1),
    default=128,
    show_default=True,
    help="Branches of each question.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed gives the same stores, byte for byte.",
)
@click.option(
    "--benchmark",
    metavar="NAME",
    default="sim",
    show_default=True,
    help="What the benchmark is called; another name has other questions.",
)
@click.option(
    "--heldout",
    is_flag=True,
    help="Also write the benchmark NAME-heldout: a held-out set, other questions of the same kind.",
)
def simulate(
    out: Path,
    presets: tuple[str, ...],
    questions: int,
    branches: int,
    seed: int,
    benchmark: str,
    heldout: bool,
) -> None:
    """Write replay stores of simulated branches, as OUT/MODEL/BENCHMARK.

    No model is called: branches are drawn at random from statistics of published traces, to
    look like those of a small, a medium and a large reasoning model. Good for trying things
    out; no result on them says anything about a real model.
    """
    from autotts_core.store import write_stores
    from autotts_sim import simulator

    benchmarks = [benchmark, f"{benchmark}-heldout"] if heldout else [benchmark]
    stores = write_stores(
        out,
        (
            simulator.simulate(preset, questions, branches, seed, name)
            # A preset that is given twice is one store.
            for preset in dict.fromkeys(presets or PRESETS)
            for name in benchmarks
        ),
    )
    click.echo(f"Questions: {questions}. Branches of each: {branches}. Simulated stores:")
    for store in stores:
        click.echo(f"  {store}")
    click.echo(f"Next: autotts evaluate --traces {shlex.quote(str(out))}")
