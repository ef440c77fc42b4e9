"""What confinement costs: proposals confined and not, a full audit, and how prompt limits are.

    uv run python benchmarks/confinement.py --traces ../shared/data/traces [--json]

`--traces` takes a tree of replay stores, or of trace files that an importer reads. A proposal is
evaluated over the default β grid on all of them, as often as not in a confined worker as in this
process, which is warm: it has compiled a controller before. Each time its source is new, because
a proposal's is.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from autotts_search.space import ANCESTORS
from autotts_search.writing import write

from autotts_core.confinement import LAYERS, LIMITS_ONLY
from autotts_core.controller_file import load_controller_source
from autotts_core.controller_source import check_source
from autotts_core.errors import ControllerError
from autotts_core.evaluation import evaluate
from autotts_core.evaluator import Evaluator
from autotts_core.evaluator.audit import audit
from autotts_core.evaluator.parent import ControllerSource
from autotts_core.plugins import registry
from autotts_core.recipe.schema import Limits, Recipe
from autotts_core.schedule import check_schedule
from autotts_core.store import ReplayStore, find_stores, write_stores

BETAS: Sequence[float] = Recipe.model_fields["betas"].default
SEEDS: int = Recipe.model_fields["seeds"].default
PROPOSALS = ("cmc", "parallel-probe", "asc")
LIMIT = 5.0

_ENDLESS = """
def schedule(beta):
    n = 1
    {in_schedule}
    return {{"most": n}}


def policy(episode, p):
    n = p.most
    {in_policy}
    return -1 + 0 * n
"""
_LOOP = "while n > 0:\n        n = 3 - n"
_MUCH_TO_COMPILE = "\n    ".join(
    f"n += {k} if n % {k} < {k // 2} else episode.branches" for k in range(2, 1500)
)
ENDLESS = {
    "Python": _ENDLESS.format(in_schedule="", in_policy=f'kept = {{"a": 1, 2: "b"}}\n    {_LOOP}'),
    "compiled code": _ENDLESS.format(in_schedule="", in_policy=_LOOP),
    "the compiler": _ENDLESS.format(in_schedule="", in_policy=_MUCH_TO_COMPILE),
    "the schedule": _ENDLESS.format(in_schedule=_LOOP, in_policy=""),
}


@click.command()
@click.option("--traces", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--importer", default="autotts-json", show_default=True)
@click.option("--match", default="*aime24*", show_default=True, help="Which trace files.")
@click.option("--repeat", default=7, show_default=True)
@click.option("--workers", default=os.cpu_count() or 1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(traces: Path, importer: str, match: str, repeat: int, workers: int, as_json: bool) -> None:
    """Measure confinement on the stores in TRACES."""
    with tempfile.TemporaryDirectory() as scratch:
        if any(traces.rglob("manifest.json")):
            paths = find_stores([traces])
        else:
            reader = registry().get("trace importer", importer).configure({})
            files = sorted(path for path in traces.rglob("*.json") if path.match(match))
            paths = write_stores(Path(scratch) / "stores", reader.read(files))
        stores = [ReplayStore.open(path) for path in paths]
        confined = Evaluator(stores, SEEDS, Limits(), workers)
        limited = Evaluator(stores, SEEDS, Limits(), workers, LIMITS_ONLY)
        ways = {
            "in this process": lambda source: _unconfined(source, stores, workers),
            "limits only": lambda source: limited.evaluate(source, "controller", BETAS),
            "confined": lambda source: confined.evaluate(source, "controller", BETAS),
        }
        costs = {name: _costs(name, ways, repeat) for name in PROPOSALS}
        audited = {name: _audited(name, confined) for name in PROPOSALS}
    late = {where: _late(source, stores) for where, source in ENDLESS.items()}
    if as_json:
        found = {"seconds": costs, "audit_seconds": audited, "seconds_after_limit": late}
        click.echo(json.dumps(found, indent=1))
        return
    click.echo(
        f"{len(stores)} stores, {SEEDS} seeds, {len(BETAS)} β, {workers} threads; "
        f"median of {repeat}, confined by {', '.join(LAYERS)}\n"
    )
    click.echo(f"{'seconds for a proposal':24}" + "".join(f"{way:>18}" for way in ways))
    for name, seconds in costs.items():
        click.echo(f"{name:24}" + "".join(f"{seconds[way]:18.2f}" for way in ways))
    total = {way: sum(seconds[way] for seconds in costs.values()) for way in ways}
    ratios = [total[way] / total["in this process"] for way in ways]
    click.echo(f"{'ratio':24}" + "".join(f"{ratio:18.2f}" for ratio in ratios))
    click.echo("\naudit: " + "; ".join(audited_text(*each) for each in audited.items()))
    click.echo(
        f"seconds after a limit of {LIMIT:g} s: "
        + "; ".join(f"{where} {seconds:.2f}" for where, seconds in late.items())
    )


def audited_text(name: str, found: tuple[int, float]) -> str:
    """One audit in words."""
    episodes, seconds = found
    return f"{name} {episodes:,} episodes in {seconds:.1f} s"


def _costs(name: str, ways: dict[str, Callable[[str], object]], repeat: int) -> dict[str, float]:
    """The median seconds that each way takes for a proposal, in turns."""
    taken: dict[str, list[float]] = {way: [] for way in ways}
    # The first turn warms up.
    for turn in range(repeat + 1):
        for way, run in ways.items():
            source = _new(name)
            began = time.perf_counter()
            run(source)
            if turn:
                taken[way].append(time.perf_counter() - began)
    return {way: statistics.median(seconds) for way, seconds in taken.items()}


_written = iter(range(10**9))


def _new(name: str) -> str:
    """A source that nothing has compiled before."""
    head, mark, tail = write(ANCESTORS[name]).partition("def policy(")
    signature, colon, body = tail.partition(":\n")
    return f"{head}{mark}{signature}{colon}    # {os.getpid()}.{next(_written)}\n{body}"


def _unconfined(source: str, stores: Sequence[ReplayStore], workers: int) -> None:
    check_source(source)
    controller = load_controller_source(source, f"proposal{next(_written)}")()
    check_schedule(controller)
    for beta in BETAS:
        for store in stores:
            evaluate(controller, store, beta, range(SEEDS), workers=workers)


def _audited(name: str, evaluator: Evaluator) -> tuple[int, float]:
    began = time.perf_counter()
    found = audit(evaluator, ControllerSource("controller", _new(name)), BETAS)
    if found.difference:
        raise click.ClickException(f"{name} failed its audit: {found.difference}")
    return found.episodes, time.perf_counter() - began


def _late(source: str, stores: Sequence[ReplayStore]) -> float:
    """How long after the limit a controller that never ends is told to have been ended."""
    evaluator = Evaluator(stores, SEEDS, Limits(seconds=LIMIT), 1)
    began = time.perf_counter()
    try:
        evaluator.evaluate(source, "controller", (0.5,))
    except ControllerError as error:
        if "did not finish" not in str(error):
            raise
        return time.perf_counter() - began - LIMIT
    raise click.ClickException("a controller without end has ended")


if __name__ == "__main__":
    main()
