"""A run from its recipe to its results: stores, search, held-out scores.

The search is a process of its own (`autotts_core.discovery.search`). This one never runs an
explorer; it opens the held-out stores when a controller has been selected.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from autotts_core import __version__
from autotts_core.collecting.collection import Collection
from autotts_core.collecting.collector import Tally
from autotts_core.collection import collect_store, store_folder
from autotts_core.confinement import LAYERS
from autotts_core.discovery.baselines import baseline_frontier
from autotts_core.discovery.results import results
from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.discovery.workbench import Report
from autotts_core.errors import AutoTTSError, RecipeError, StoreError
from autotts_core.evaluator.parent import Evaluator
from autotts_core.files import remove_drafts, write_atomically
from autotts_core.frontier import SCORES
from autotts_core.plugins import registry
from autotts_core.processes import child_process
from autotts_core.recipe.reading import read_recipe, resolved_yaml
from autotts_core.recipe.schema import Recipe
from autotts_core.recipe.stores import PlannedStore, planned_stores
from autotts_core.store import ReplayStore
from autotts_core.store.manifest import MANIFEST
from autotts_core.wire import WireError, receive, send

SEARCH, HELD_OUT = "search", "held-out"


@dataclass(frozen=True)
class RunStore:
    """A store that a run uses: its role, and files that hold the same traces."""

    role: str
    store: ReplayStore
    originals: tuple[Path, ...]


def run_recipe(
    recipe: Recipe,
    path: Path,
    stores_root: Path,
    workers: int,
    report: Report,
    layers: tuple[str, ...] = LAYERS,
) -> RunDirectory:
    """Do everything that `recipe` asks for in the directory `path`; what is done, is not again.

    Stores that have to be made go below `stores_root`. `report` hears of progress; proposals
    are confined by `layers`. A run that has nothing to select from ends with the baselines'
    results. Raises `AutoTTSError` where the directory holds another run, or a store has changed.
    """
    run = RunDirectory(path)
    with run.locked():
        remove_drafts(run.path)
        _write_recipe(run, recipe)
        stores = list(_obtained(recipe, stores_root, report))
        _check_disjoint(stores)
        _write_stores(run, stores)
        run.note("run started")
        registry().notify("autotts_run_started", run=path)
        if not run.selection.exists():
            _search(run, stores, workers, report, layers)
        if any(each.role == HELD_OUT for each in stores):
            _score_held_out(run, recipe, stores, workers, report, layers)
        if not run.results.exists():
            search, held_out = (
                [each.store for each in stores if each.role == role] for role in (SEARCH, HELD_OUT)
            )
            run.write_json(run.results, results(run, search, held_out))
            run.note("run finished")
        # A report is about the selected controller.
        if run.selected.exists() and not run.report.exists():
            report({"kind": "report"})
            _write_report(run)
        registry().notify("autotts_run_finished", run=path)
    return run


def _write_report(run: RunDirectory) -> None:
    # Templates and highlighting are loaded only when a run comes to its end.
    from autotts_core.report.writing import write_report

    write_report([run], run.report)


def _write_recipe(run: RunDirectory, recipe: Recipe) -> None:
    if not run.recipe.exists():
        write_atomically(run.recipe, resolved_yaml(recipe).encode())
    elif (before := read_recipe(run.recipe).recipe) != recipe:
        theirs, ours = before.model_dump(), recipe.model_dump()
        different = ", ".join(key for key in ours if theirs[key] != ours[key])
        raise RecipeError(
            f"{run.path}: holds a run of another recipe, which differs in: {different}. Choose "
            "another directory with --out, or remove this one."
        )
    if not run.environment.exists():
        run.write_json(run.environment, _environment())


def _environment() -> dict[str, Any]:
    def installed(distribution: str) -> str | None:
        try:
            return version(distribution)
        except PackageNotFoundError:
            return None

    return {
        "autotts-core": __version__,
        "plugins": registry().distributions(),
        "libraries": {name: installed(name) for name in ("numba", "numpy", "pyarrow")},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
    }


def _obtained(recipe: Recipe, stores_root: Path, report: Report) -> Iterator[RunStore]:
    for planned in planned_stores(recipe):
        if planned.role == "unused":
            continue
        originals: Sequence[Path] = ()
        if planned.path is not None:
            path = planned.path
        elif planned.collection is not None:
            path = _collected(planned, planned.collection, stores_root, report)
        else:
            assert planned.request is not None
            assert planned.backend is not None
            if not store_folder(planned.backend, planned.request, stores_root).exists():
                report({"kind": "store", "name": planned.name})
            path = collect_store(planned.backend, planned.request, stores_root)
            originals = planned.backend.originals(planned.request)
        yield RunStore(planned.role, ReplayStore.open(path), tuple(originals))


def _collected(
    planned: PlannedStore, collection: Collection, stores_root: Path, report: Report
) -> Path:
    # Engines are driven from an event loop, which nothing else of a run needs.
    import asyncio

    from autotts_core.collecting.collecting import collect
    from autotts_core.collecting.sharded import collect_sharded

    def tell(tally: Tally) -> None:
        report({"kind": "collected", "name": collection.name} | asdict(tally))

    engine = planned.engine
    assert engine is not None
    path = collection.folder(engine, stores_root)
    if (path / MANIFEST).exists():
        return path
    report({"kind": "store", "name": collection.name})
    if planned.executor is None:
        asyncio.run(collect(collection, engine, path, tell))
    else:
        collect_sharded(collection, engine, planned.executor, path, tell)
    return path


def _check_disjoint(stores: Sequence[RunStore]) -> None:
    """Raise where the same content is in both sets, under whatever names."""
    by_digest = {each.store.digest: each.store for each in stores if each.role == SEARCH}
    for each in stores:
        if each.role == HELD_OUT and each.store.digest in by_digest:
            raise RecipeError(
                f"{each.store.path}: is held out, but holds the same traces as "
                f"{by_digest[each.store.digest].path}, which is searched on."
            )


def _write_stores(run: RunDirectory, stores: Sequence[RunStore]) -> None:
    rows = [
        {
            "name": each.store.name,
            "role": each.role,
            "path": str(each.store.path.absolute()),
            "digest": each.store.digest,
        }
        for each in stores
    ]
    if run.stores.exists():
        before = {row["name"]: row["digest"] for row in run.read_json(run.stores)}
        for row in rows:
            if before.get(row["name"]) != row["digest"]:
                raise StoreError(
                    f"{row['path']}: is not the store that this run began with. Restore it, or "
                    "begin a new run with --out."
                )
    run.write_json(run.stores, rows)


def _search(
    run: RunDirectory,
    stores: Sequence[RunStore],
    workers: int,
    report: Report,
    layers: tuple[str, ...],
) -> None:
    hidden = [
        path
        for each in stores
        if each.role == HELD_OUT
        for path in (each.store.path, *each.originals)
    ]
    request = {
        "run": str(run.path.absolute()),
        "stores": [str(each.store.path.absolute()) for each in stores if each.role == SEARCH],
        "hidden": [str(path.absolute()) for path in hidden],
        "workers": workers,
        "layers": layers,
    }
    module = "autotts_core.discovery.search"
    # What an explorer prints must not mix with what this command prints.
    with child_process(module, os.environ, sys.stderr, sys.stderr) as child:
        try:
            send(child.requests, request)
            while True:
                event, _ = receive(child.replies, 0)
                if event["kind"] == "error":
                    run.note("search failed", error=event["text"])
                    trace = event.get("traceback")
                    raise AutoTTSError(event["text"] + (f"\n{trace}" if trace else ""))
                if event["kind"] == "finished":
                    return
                if event["kind"] == "round finished":
                    registry().notify("autotts_round_finished", run=run.path, round=event["round"])
                report(event)
        except WireError:
            code = child.popen.wait()
    raise AutoTTSError(
        f"{run.path}: the process that searches ended early (status {code}). Nothing that was "
        "finished is lost: the same command goes on from there."
    )


def _score_held_out(
    run: RunDirectory,
    recipe: Recipe,
    stores: Sequence[RunStore],
    workers: int,
    report: Report,
    layers: tuple[str, ...],
) -> None:
    """Score the selected controller, if any, and the baselines where nothing was chosen."""
    held_out = [each.store for each in stores if each.role == HELD_OUT]
    folder = run.held_out / "selected"
    if run.selected.exists() and not (folder / SCORES).exists():
        report({"kind": "held-out", "spec": "the selected controller"})
        evaluator = Evaluator(held_out, recipe.seeds, recipe.limits, workers, layers)
        source = run.selected.read_text(encoding="utf-8")
        frontier = evaluator.evaluate(source, "controller", recipe.betas)
        with run.new_folder(folder) as draft:
            frontier.write(draft)
    for number, spec in enumerate(recipe.baselines):
        folder = run.held_out_baseline(number)
        if (folder / SCORES).exists():
            continue
        report({"kind": "held-out", "spec": spec})
        frontier = baseline_frontier(spec, held_out, recipe.betas, range(recipe.seeds), workers)
        with run.new_folder(folder) as draft:
            frontier.write(draft)
