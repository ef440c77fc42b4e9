"""All that can be found wrong with a recipe before any work starts."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from autotts_core.controller_spec import load_controllers
from autotts_core.errors import (
    AutoTTSError,
    OptionError,
    PluginError,
    StoreError,
    UnknownNameError,
)
from autotts_core.plugins import registry
from autotts_core.recipe.reading import ReadRecipe
from autotts_core.recipe.schema import CollectedStores, StoresToCollect
from autotts_core.recipe.stores import (
    configured_backend,
    matching,
    refuse_sampling,
    requests,
    role_of,
    source_of_whole_traces,
)
from autotts_core.schedule import check_schedule
from autotts_core.store import ReplayStore, find_stores
from autotts_core.store.manifest import check_name


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
        *_budget_problems(read),
        *_baseline_problems(read),
        *_store_problems(read),
    ]


def _grid_problems(read: ReadRecipe) -> Iterator[Problem]:
    for k, (before, after) in enumerate(pairwise(read.recipe.betas), start=1):
        if after <= before:
            yield Problem(f"{read.at('betas', k)}: {after:g} follows {before:g}: let β rise.")
    low, high = read.recipe.selection.span
    if low >= high:
        yield Problem(
            f"{read.at('selection', 'span')}: from {low:g} to {high:g} spans nothing: "
            "let the second be the larger."
        )


def _explorer_problems(read: ReadRecipe) -> Iterator[Problem]:
    chosen = read.recipe.explorer
    try:
        explorer = registry().get("explorer", chosen.name)
    except AutoTTSError as error:
        yield _not_installed(read.at("explorer", "name"), "explorer", chosen.name, error)
        return
    try:
        explorer.configure(chosen.options)
    except OptionError as error:
        yield from _option_problems(read, ("explorer", "options"), chosen.options, error)
    if explorer.paid and read.recipe.budget.dollars == 0:
        yield Problem(
            f"{read.at('budget', 'dollars')}: explorer {chosen.name!r} costs money, so that "
            "nothing can be proposed for $0: give it a budget, or leave this out for no limit."
        )


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
        except (UnknownNameError, PluginError) as error:
            name = spec.strip().partition(":")[0]
            yield _not_installed(where, "controller", name, error)
        except AutoTTSError as error:
            yield from _mistakes(where, error)


def _not_installed(where: str, kind: str, name: str, error: AutoTTSError) -> Problem:
    """What the registry says of a name, and how to come by a plugin that offers it."""
    text = f"{where}: {error}"
    if isinstance(error, UnknownNameError) and not _near(name, registry().offered(kind)):
        text += (
            "\n`autotts plugins` lists what is installed. By convention, the plugin that offers "
            f"{name!r} is called autotts-{name}."
        )
    return Problem(text, missing=True)


def _mistakes(where: str, error: AutoTTSError) -> Iterator[Problem]:
    for line in str(error).splitlines():
        yield Problem(f"{where}: {line}")


def _option_problems(
    read: ReadRecipe, key: tuple[str | int, ...], options: Mapping[str, Any], error: OptionError
) -> Iterator[Problem]:
    """One problem for each line of `error`, placed at the option that the line names."""
    for line in str(error).splitlines():
        named = (option for option in options if f"option '{option}'" in line)
        yield Problem(f"{read.at(*key, *list(named)[:1])}: {line}")


def _near(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, known, n=1, cutoff=0.5)


@dataclass(frozen=True, slots=True)
class _Named:
    """A store by its name; `there` unless it is still to be made."""

    name: str
    entry: int
    there: ReplayStore | None = None

    def __str__(self) -> str:
        return f"stores.{self.entry}" + (f" ({self.there.path})" if self.there else "")


def _store_problems(read: ReadRecipe) -> Iterator[Problem]:
    recipe = read.recipe
    stores: dict[str, _Named] = {}
    unknown = False
    for number, entry in enumerate(recipe.stores):
        if isinstance(entry, CollectedStores):
            found, of_entry = _collected(read, number, entry)
        else:
            found, of_entry = (
                list(_request_problems(read, number, entry)),
                _requested(number, entry),
            )
        yield from found
        # Where the stores of an entry are not known, a pattern may be for one of them.
        unknown = unknown or not of_entry
        for store in of_entry:
            if store.name in stores:
                yield Problem(
                    f"{read.at('stores', number)}: the store {store.name} is there twice: from "
                    f"{stores[store.name]} and from {store}. Name it in one place."
                )
            stores.setdefault(store.name, store)
    if not unknown:
        yield from _pattern_problems(read, stores)
    yield from _role_problems(read, stores)


def _pattern_problems(read: ReadRecipe, names: Iterable[str]) -> Iterator[Problem]:
    names = sorted(names)
    for role in ("search", "held_out"):
        for k, pattern in enumerate(getattr(read.recipe, role)):
            if any(matching([pattern], name) for name in names):
                continue
            hint = "".join(f" Did you mean {near!r}?" for near in _near(pattern, names))
            yield Problem(
                f"{read.at(role, k)}: no store matches {pattern!r}.{hint} "
                f"The stores are: {', '.join(names)}."
            )


def _role_problems(read: ReadRecipe, stores: Mapping[str, _Named]) -> Iterator[Problem]:
    """Stores that are searched on and held out, under one name or under two."""
    recipe = read.recipe
    searched_on: dict[Sequence[str], str] = {}
    for name, store in stores.items():
        if store.there and matching(recipe.search, name):
            searched_on.setdefault(_checksums(store.there), name)
    for name, store in stores.items():
        kept = matching(recipe.held_out, name)
        if not kept:
            continue
        where = read.at("held_out", recipe.held_out.index(kept[0]))
        if searched := matching(recipe.search, name):
            yield Problem(
                f"{where}: the store {name} is search and held-out at once: "
                f"{kept[0]!r} matches it, and so does {searched[0]!r} in 'search'."
            )
        elif store.there and (twin := searched_on.get(_checksums(store.there))):
            yield Problem(
                f"{where}: the store {name} holds the same traces as {twin}, which is searched on: "
                "hold out traces of other questions."
            )


def _checksums(store: ReplayStore) -> tuple[str, ...]:
    # A store's digest is of its names, too; these tell copies under another name.
    return tuple(entry.sha256 for _, entry in sorted(store.manifest.files.items()))


def _collected(
    read: ReadRecipe, number: int, entry: CollectedStores
) -> tuple[list[Problem], list[_Named]]:
    """What is wrong with stores that should be there already, and the stores."""
    where = read.at("stores", number, "path")
    found, stores = [], []
    try:
        paths = find_stores([entry.path])
    except StoreError as error:
        return [Problem(f"{where}: {error}", missing=True)], []
    for path in paths:
        try:
            store = ReplayStore.open(path)
            stores.append(_Named(store.name, number, store))
        except StoreError as error:
            found.append(Problem(f"{where}: {error}", missing=True))
    # A store that cannot be opened may have any name: then nothing is known of the others.
    return found, [] if found else stores


def _requested(number: int, entry: StoresToCollect) -> list[_Named]:
    return [_Named(name, number) for name in dict.fromkeys(name for name, _ in requests(entry))]


def _request_problems(read: ReadRecipe, number: int, entry: StoresToCollect) -> Iterator[Problem]:
    """What is wrong with stores that a backend should make."""
    for key, names in (("models", entry.models), ("benchmarks", entry.benchmarks)):
        for k, name in enumerate(names):
            where = read.at("stores", number, key, k)
            if name in names[:k]:
                yield Problem(f"{where}: {name!r} is there already, as {key}.{names.index(name)}.")
            try:
                check_name(name)
            except ValueError as error:
                yield Problem(f"{where}: {name!r} {error}.")
    where = read.at("stores", number, "backend")
    try:
        backend = configured_backend(entry)
    except OptionError as error:
        yield from _option_problems(read, ("stores", number, "options"), entry.options, error)
        return
    except AutoTTSError as error:
        yield _not_installed(where, "trace backend", entry.backend, error)
        return
    try:
        source = source_of_whole_traces(backend)
    except AutoTTSError as error:
        yield Problem(f"{where}: {error}", missing=True)
        return
    try:
        refuse_sampling(entry)
    except AutoTTSError as error:
        yield Problem(f"{read.at('stores', number, 'sampling')}: {error}")
    told = set()
    for name, request in requests(entry):
        if role_of(read.recipe, name) == "unused":
            continue
        try:
            source.check(request)
        except AutoTTSError as error:
            # What is wrong with a model is wrong with it on every benchmark.
            if str(error) not in told:
                # A file that is not here may be elsewhere; anything else would be wrong there, too.
                yield Problem(f"{where}: {error}", missing=isinstance(error, StoreError))
            told.add(str(error))
