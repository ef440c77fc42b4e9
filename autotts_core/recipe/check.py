"""All that can be found wrong with a recipe before any work starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from autotts_core.controller_spec import load_controllers
from autotts_core.errors import AutoTTSError, StoreError, UnknownNameError, nearest
from autotts_core.plugins import registry
from autotts_core.recipe.reading import ReadRecipe
from autotts_core.recipe.schema import CollectedStores, StoresToCollect
from autotts_core.recipe.stores import (
    configured_backend,
    configured_executor,
    matching,
    requests,
    stores_of_entry,
)
from autotts_core.schedule import check_schedule
from autotts_core.trace_backend import TraceSource


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, with file, line and key.

    `missing` is true for what this machine lacks (a plugin, a store) and another may have;
    false for a mistake in the recipe.
    """

    text: str
    missing: bool = False


def problems(read: ReadRecipe) -> list[Problem]:
    """Everything that keeps `read` from being run here; nothing if it can be."""
    return [
        *_grid_problems(read),
        *_explorer_problems(read),
        *_tuner_problems(read),
        *_budget_problems(read),
        *_baseline_problems(read),
        *_store_problems(read),
    ]


def _grid_problems(read: ReadRecipe) -> Iterator[Problem]:
    for k, (before, after) in enumerate(pairwise(read.recipe.betas), start=1):
        if after <= before:
            yield Problem(f"{read.at('betas', k)}: {after:g} follows {before:g}: let β rise.")
    for key in ("span", "sequential_span"):
        low, high = getattr(read.recipe.selection, key)
        if low >= high:
            yield Problem(
                f"{read.at('selection', key)}: from {low:g} to {high:g} spans nothing: "
                "let the second be the larger."
            )


def _explorer_problems(read: ReadRecipe) -> Iterator[Problem]:
    chosen = read.recipe.explorer
    try:
        explorer = registry().get("explorer", chosen.name)
    except AutoTTSError as error:
        yield _not_installed(read.at("explorer", "name"), error)
        return
    try:
        lacking = explorer.configure(chosen.options).lacks(read.recipe.budget)
    except AutoTTSError as error:
        yield Problem(f"{read.at('explorer', 'options')}: {error}")
    else:
        if lacking:
            yield Problem(f"{read.at('explorer', 'name')}: {lacking}", missing=True)
    if explorer.paid and read.recipe.budget.dollars == 0:
        yield Problem(
            f"{read.at('budget', 'dollars')}: explorer {chosen.name!r} costs money, so that "
            "nothing can be proposed for $0: give it a budget, or leave this out for no limit."
        )


def _tuner_problems(read: ReadRecipe) -> Iterator[Problem]:
    chosen = read.recipe.tune
    if chosen is None:
        return
    try:
        tuner = registry().get("tuner", chosen.name)
    except AutoTTSError as error:
        yield _not_installed(read.at("tune", "name"), error)
        return
    try:
        tuner.configure(chosen.options)
    except AutoTTSError as error:
        yield Problem(f"{read.at('tune', 'options')}: {error}")


def _budget_problems(read: ReadRecipe) -> Iterator[Problem]:
    budget, limits = read.recipe.budget, read.recipe.limits
    if budget.seconds is not None and budget.seconds < _LEAST_SECONDS:
        yield Problem(
            f"{read.at('budget', 'seconds')}: {budget.seconds:g} seconds are less than scoring "
            f"one proposal takes: give {_LEAST_SECONDS} or more."
        )
    if limits.seconds < _LEAST_SECONDS:
        yield Problem(
            f"{read.at('limits', 'seconds')}: {limits.seconds:g} seconds are less than compiling "
            f"one controller takes: give {_LEAST_SECONDS} or more."
        )


_LEAST_SECONDS = 10


def _baseline_problems(read: ReadRecipe) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for k, spec in enumerate(read.recipe.baselines):
        where = read.at("baselines", k)
        if spec in seen:
            yield Problem(f"{where}: {spec!r} is there already, as baselines.{seen[spec]}.")
        seen.setdefault(spec, k)
        try:
            for controller in load_controllers(spec):
                check_schedule(controller)
        except UnknownNameError as error:
            yield _not_installed(where, error)
        except AutoTTSError as error:
            yield Problem(f"{where}: {error}")


def _not_installed(where: str, error: AutoTTSError) -> Problem:
    return Problem(f"{where}: {error}", missing=isinstance(error, UnknownNameError))


def _store_problems(read: ReadRecipe) -> Iterator[Problem]:
    recipe = read.recipe
    names: dict[str, int] = {}
    unknown = False
    for number, entry in enumerate(recipe.stores):
        found, of_entry = _entry_problems(read, number, entry)
        yield from found
        # Where the stores of an entry are not known, a pattern may be for one of them.
        unknown = unknown or not of_entry
        for name in of_entry:
            if name in names:
                yield Problem(
                    f"{read.at('stores', number)}: the store {name} comes from "
                    f"stores.{names[name]}, too: name it in one of them."
                )
            names.setdefault(name, number)
    for role in ("search", "held_out"):
        for k, pattern in enumerate(getattr(recipe, role)):
            if not unknown and not any(matching([pattern], name) for name in names):
                hint = nearest(pattern, names)
                yield Problem(f"{read.at(role, k)}: no store matches {pattern!r}. {hint}")
    for name in names:
        searched, kept = matching(recipe.search, name), matching(recipe.held_out, name)
        if searched and kept:
            k = recipe.held_out.index(kept[0])
            yield Problem(
                f"{read.at('held_out', k)}: the store {name} is search and held-out at once: "
                f"{kept[0]!r} matches it, and so does {searched[0]!r} in 'search'."
            )


def _entry_problems(
    read: ReadRecipe, number: int, entry: CollectedStores | StoresToCollect
) -> tuple[list[Problem], list[str]]:
    """What is wrong with one entry of `stores`, and the names of its stores, where known."""
    if isinstance(entry, CollectedStores):
        try:
            planned = list(stores_of_entry(read.recipe, number, entry))
        except AutoTTSError as error:
            return [Problem(f"{read.at('stores', number, 'path')}: {error}", missing=True)], []
        return [], [each.name for each in planned]
    names = [name for name, _ in requests(entry)]
    where = read.at("stores", number, "backend")
    try:
        backend = configured_backend(entry)
    except UnknownNameError as error:
        return [Problem(f"{where}: {error}", missing=True)], names
    except AutoTTSError as error:
        return [Problem(f"{read.at('stores', number, 'options')}: {error}")], names
    try:
        configured_executor(entry)
    except AutoTTSError as error:
        return [_not_installed(read.at("stores", number, "sampling", "executor"), error)], names
    try:
        list(stores_of_entry(read.recipe, number, entry))
    except AutoTTSError as error:
        # A file that is not here may be elsewhere; anything else would be wrong there, too.
        lacking = isinstance(error, StoreError) or not isinstance(backend, TraceSource)
        return [Problem(f"{where}: {error}", missing=lacking)], names
    return [], names
