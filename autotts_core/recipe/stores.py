"""Which stores a recipe uses, and for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from autotts_core.collecting.collection import Collection
from autotts_core.engine_branch import BranchSettings
from autotts_core.errors import RecipeError
from autotts_core.executor import Executor
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.recipe.schema import (
    CollectedStores,
    Recipe,
    SamplingSettings,
    StoresToCollect,
)
from autotts_core.store import ReplayStore, find_stores
from autotts_core.trace_backend import Engine, StoreRequest, TraceBackend, TraceSource

Role = Literal["search", "held-out", "unused"]


@dataclass(frozen=True)
class PlannedStore:
    """A store by its name, MODEL/BENCHMARK.

    Either at `path` already, or to be made: by `backend` as `request` says, or on `engine` as
    `collection` says, by several of them where there is an `executor`. `entry` numbers the
    recipe's `stores`.
    """

    name: str
    role: Role
    entry: int
    path: Path | None = None
    request: StoreRequest | None = None
    backend: TraceSource | None = None
    collection: Collection | None = None
    engine: Engine | None = None
    executor: Executor | None = None


def planned_stores(recipe: Recipe) -> list[PlannedStore]:
    """Every store that the recipe names, in its order.

    Raises `AutoTTSError` for what is not there or not installed, and where a backend cannot
    give what it is asked for.
    """
    return [
        planned
        for number, entry in enumerate(recipe.stores)
        for planned in stores_of_entry(recipe, number, entry)
    ]


def stores_of_entry(
    recipe: Recipe, number: int, entry: CollectedStores | StoresToCollect
) -> Iterator[PlannedStore]:
    """The stores of one entry of the recipe's `stores`; raises as `planned_stores` does."""
    if isinstance(entry, CollectedStores):
        for path in find_stores([entry.path]):
            name = ReplayStore.open(path).name
            yield PlannedStore(name, role_of(recipe, name), number, path=path)
        return
    backend = configured_backend(entry)
    if isinstance(backend, Engine):
        executor = configured_executor(entry)
        for name, request in requests(entry):
            role = role_of(recipe, name)
            if role != "unused":
                ModelTokenizer(backend.tokenizer(request.model)).check()
            collection = collection_of(entry, request)
            yield PlannedStore(
                name, role, number, collection=collection, engine=backend, executor=executor
            )
        return
    if not isinstance(backend, TraceSource):
        raise RecipeError(
            f"trace backend {backend.name!r} neither generates nor hands over traces. That is a "
            "mistake in the backend: it has to be an Engine or a TraceSource."
        )
    if entry.sampling is not None:
        raise RecipeError(
            f"trace backend {backend.name!r} hands over whole traces: it samples nothing, so "
            "leave 'sampling' out."
        )
    for name, request in requests(entry):
        role = role_of(recipe, name)
        if role != "unused":
            backend.check(request)
        yield PlannedStore(name, role, number, request=request, backend=backend)


def collection_of(entry: StoresToCollect, request: StoreRequest) -> Collection:
    """What an engine is to be asked for, as `entry` says."""
    sampling = entry.sampling or SamplingSettings()
    settings = BranchSettings(
        interval_tokens=request.interval_tokens,
        max_tokens=sampling.max_tokens,
        probe_tokens=sampling.probe_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        top_logprobs=sampling.confidence,
        confidence_window=sampling.confidence_window,
    )
    benchmark = registry().get("benchmark", request.benchmark).configure(entry.benchmark_options)
    return Collection(
        request.model,
        benchmark,
        request.branches,
        settings,
        request.seed,
        sampling.at_once,
        sampling.texts,
    )


def configured_backend(entry: StoresToCollect) -> TraceBackend:
    """The entry's backend with its options; raises for an unknown one, or unknown options."""
    return registry().get("trace backend", entry.backend).configure(entry.options)


def configured_executor(entry: StoresToCollect) -> Executor | None:
    """The entry's executor, if any; raises for an unknown one, or unknown options."""
    chosen = entry.sampling.executor if entry.sampling else None
    if chosen is None:
        return None
    return registry().get("executor", chosen.name).configure(chosen.options)


def requests(entry: StoresToCollect) -> Iterator[tuple[str, StoreRequest]]:
    """The stores to be made, by name."""
    for model in entry.models:
        for benchmark in entry.benchmarks:
            request = StoreRequest(
                model, benchmark, entry.branches, entry.interval_tokens, entry.seed
            )
            yield request.name, request


def role_of(recipe: Recipe, name: str) -> Role:
    """What the recipe uses the store called `name` for."""
    if matching(recipe.search, name):
        return "search"
    return "held-out" if matching(recipe.held_out, name) else "unused"


def matching(patterns: Sequence[str], name: str) -> list[str]:
    """Those of `patterns` that `name` matches; case counts."""
    return [pattern for pattern in patterns if fnmatchcase(name, pattern)]
