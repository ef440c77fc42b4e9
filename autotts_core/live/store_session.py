"""Asking a store's questions live as they were asked when it was collected."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.engine_branch import BranchSettings
from autotts_core.errors import OptionError, StoreError, UnknownNameError
from autotts_core.live.questions import LiveQuestion
from autotts_core.live.session import Session
from autotts_core.plugins import registry

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark
    from autotts_core.controller import Controller
    from autotts_core.grader import Grader
    from autotts_core.store import ReplayStore
    from autotts_core.trace_backend import Engine, EngineFacts

Given = Mapping[str, "int | float | None"]
"""Settings of branches by the names that `BranchSettings` has for them, None where not given."""

_NEEDED = ("max_tokens", "temperature", "top_p", "top_k")


def store_benchmark(store: ReplayStore, name: str | None, options: Mapping[str, str]) -> Benchmark:
    """The benchmark in whose form the store's questions are asked: `name`, or the store's own.

    Raises `OptionError` where it is not known, or asks or probes otherwise than the store did.
    """
    try:
        benchmark = registry().get("benchmark", name or store.benchmark).configure(options)
    except UnknownNameError as error:
        raise OptionError(
            f"{store.path}: is of the benchmark {store.benchmark!r}. {error} Say with --benchmark "
            "in whose form its questions are to be asked."
            if name is None
            else str(error)
        ) from None
    manifest = store.manifest
    for what, then, now in (
        ("asked", manifest.prompt, benchmark.prompt_form()),
        ("probed", manifest.probe, benchmark.probe_suffix()),
    ):
        if then is not None and then != now:
            raise OptionError(
                f"{store.path}: was {what} with {then[-80:]!r}, and {benchmark.name!r} would do it "
                f"with {now[-80:]!r}. Another form is a --benchmark-option, or another --benchmark."
            )
    return benchmark


def store_session(
    store: ReplayStore,
    engine: Engine,
    benchmark: Benchmark,
    grader: Grader,
    controller: Controller,
    beta: float,
    model: str | None,
    given: Given,
) -> Session:
    """What answers the store's questions as it was collected, where `given` says nothing else.

    Raises `OptionError` for settings that neither the store nor `given` has, and for a grader
    that is not the one which the store's answers were graded by.
    """
    manifest = store.manifest
    then = (manifest.grader.name, manifest.grader.version)
    if then != (grader.name, grader.version):
        raise OptionError(
            f"{store.path}: was graded by {then[0]} {then[1]}, and {grader.name} {grader.version} "
            "is installed: their accuracies do not compare. `autotts traces grade` grades it again."
        )
    return Session(
        model or store.model,
        engine,
        benchmark,
        grader,
        manifest.unreadable,
        controller,
        beta,
        store_settings(store, given),
        int(max(pool_sizes(store))),
    )


def store_settings(store: ReplayStore, given: Given) -> BranchSettings:
    """How the store's branches were generated, but for what `given` says otherwise."""
    known = {field.name for field in fields(BranchSettings)}
    recorded = (store.manifest.sampling or {}).items()
    chosen: dict[str, Any] = {name: value for name, value in recorded if name in known}
    chosen |= {name: value for name, value in given.items() if value is not None}
    missing = [name for name in _NEEDED if chosen.get(name) is None]
    if missing:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise OptionError(
            f"{store.path}: does not say how its branches were sampled: give {flags}."
        )
    return BranchSettings(**chosen | {"interval_tokens": store.manifest.interval_tokens})


def differences(store: ReplayStore, session: Session) -> list[str]:
    """What is otherwise than when the store was collected, or not known to be the same."""
    manifest = store.manifest
    found = []
    directory = Path(session.model)
    model = directory.name if directory.is_dir() else session.model
    if model != store.model:
        found.append(f"the store is of the model {store.model!r}, live it is {model!r}")
    if session.benchmark.name != store.benchmark:
        found.append(
            f"the store is of the benchmark {store.benchmark!r}, asked in the form of "
            f"{session.benchmark.name!r}"
        )
    if manifest.prompt is None or manifest.probe is None:
        found.append("the store does not say in what form its questions were asked and probed")
    now = asdict(session.settings)
    found += [
        f"{name} was {then}, live it is {now[name]}"
        for name, then in (manifest.sampling or {}).items()
        if name in now and now[name] != then
    ]
    if manifest.accounting != "exact":
        found.append("the store's accounting is published: it is replayed with the exact one here")
    return found


def engine_difference(store: ReplayStore, facts: EngineFacts) -> str | None:
    """How the engine is another one than the store's, if it is or may be."""
    engine = store.manifest.engine
    if engine is None:
        return "the store does not say what engine it was collected on"
    if (engine.name, engine.version) == (facts.name, facts.version):
        return None
    return (
        f"the store was collected on {engine.name} {engine.version}, live it is {facts.name} "
        f"{facts.version}"
    )


def pool_sizes(store: ReplayStore) -> list[int]:
    """How many branches each of the store's questions has."""
    starts = store.load().branch_start
    return [int(size) for size in starts[1:] - starts[:-1]]


def chosen_questions(store: ReplayStore, count: int | None, seed: int | None) -> list[int]:
    """The numbers of `count` questions, all unless given: the first, or drawn with `seed`."""
    numbers = range(len(store.question_ids))
    if not numbers:
        raise StoreError(f"{store.path}: the store has no questions.")
    count = len(numbers) if count is None else count
    if count > len(numbers):
        raise OptionError(f"{store.path}: has {len(numbers)} questions, not {count}.")
    if seed is None:
        return list(numbers[:count])
    return sorted(random.Random(seed).sample(numbers, count))


def store_questions(store: ReplayStore, numbers: list[int]) -> list[LiveQuestion]:
    """The store's questions with these numbers, called by their ids where each has its own."""
    ids = store.question_ids
    unique = max(Counter(ids).values()) == 1
    return [
        LiveQuestion(
            ids[number] if unique else str(number),
            store.question_texts[number],
            store.gold_answers[number],
        )
        for number in numbers
    ]
