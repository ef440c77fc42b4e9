"""Interpreted replay: controllers as plain Python, in this process or in several."""

import itertools
import multiprocessing
import os
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import autotts_core
from autotts_core.controller import Controller
from autotts_core.episode import Episode
from autotts_core.errors import ControllerError, StoreError, nearest, text_of
from autotts_core.replay.interpreted_episode import (
    UNLIMITED,
    BudgetExhausted,
    InterpretedEpisode,
    recorded_question,
)
from autotts_core.replay.orders import branch_orders
from autotts_core.replay.outcomes import (
    BUDGET_EXHAUSTED,
    BUDGET_STOP,
    OUTCOME_FIELDS,
    Outcomes,
    Progress,
    outcomes_of,
)
from autotts_core.replay.policy import check_answer, parameters, tagged_policy
from autotts_core.replay.policy_source import TaggedPolicy
from autotts_core.store.arrays import Traced


class ReplayedEpisode(NamedTuple):
    """One interpreted episode: its record, its answer's class (-1 for none), why it stopped."""

    record: InterpretedEpisode
    answer_class: int
    stop: str


def replay_interpreted(
    controller: Controller,
    store: Traced,
    beta: float,
    seeds: range,
    budget: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """`replay`, by plain Python: for policies that do not compile, and to check those that do.

    In this process unless `workers` says how many to start. They are spawned, so a script
    that asks for them needs the usual `if __name__ == "__main__":`.
    """
    questions = len(store.load().branch_start) - 1
    shard = partial(_interpret, controller, store, beta, seeds, budget)
    results: Iterable[list[tuple[int, ...]]]
    if workers is None or workers == 1:
        results = map(shard, range(questions))
    else:
        results = _processes(workers).map(shard, range(questions))
    rows = []
    for result in results:
        rows.append(result)
        if progress:
            progress(len(seeds))
    values = np.array(rows, np.int64).reshape(questions, len(seeds), len(OUTCOME_FIELDS))
    fields = dict(zip(OUTCOME_FIELDS, np.moveaxis(values, 2, 0), strict=True))
    return outcomes_of(store.load(), fields, tagged_policy(controller).reasons)


@lru_cache(maxsize=1)
def _processes(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Leave no worker behind when the process that started it is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _interpret(
    controller: Controller,
    store: Traced,
    beta: float,
    seeds: range,
    budget: int | None,
    question: int,
) -> list[tuple[int, ...]]:
    """One question's outcomes: a row of OUTCOME_FIELDS for each seed."""
    reasons = tagged_policy(controller).reasons
    return [
        (
            episode.answer_class,
            episode.record.spent,
            episode.record.sequential_tokens,
            episode.record.branches,
            episode.record.pruned_branches,
            episode.record.intervals,
            BUDGET_STOP if episode.stop == BUDGET_EXHAUSTED else reasons.index(episode.stop),
        )
        for episode in replay_question(controller, store, question, seeds, beta, budget)
    ]


def replay_episode(
    controller: Controller,
    store: Traced,
    question: int,
    seed: int,
    beta: float,
    budget: int | None = None,
) -> ReplayedEpisode:
    """One interpreted episode with its full record."""
    questions = len(store.load().branch_start) - 1
    if not 0 <= question < questions:
        raise StoreError(
            f"{store.name} has no question {question}: they are numbered 0 to {questions - 1}"
        )
    return next(replay_question(controller, store, question, range(seed, seed + 1), beta, budget))


def replay_question(
    controller: Controller,
    store: Traced,
    question: int,
    seeds: range,
    beta: float,
    budget: int | None = None,
) -> Iterator[ReplayedEpisode]:
    """One question's interpreted episodes, seed by seed."""
    orders = branch_orders(len(recorded_question(store.load(), question).tokens), seeds).tolist()
    return replay_orders(controller, store, question, orders, beta, budget, seeds)


def replay_orders(
    controller: Controller,
    store: Traced,
    question: int,
    orders: Iterable[Sequence[int]],
    beta: float,
    budget: int | None = None,
    seeds: Iterable[int] = itertools.count(),
) -> Iterator[ReplayedEpisode]:
    """One question's interpreted episodes, for each order in which its branches are opened.

    A branch may come several times in an order. `seeds` are what errors call the orders by.
    """
    recorded = recorded_question(store.load(), question)
    policy = tagged_policy(controller)
    p = parameters(controller, beta)
    for seed, order in zip(seeds, orders, strict=False):
        try:
            episode = InterpretedEpisode(recorded, order, UNLIMITED if budget is None else budget)
            yield play(policy, p, episode)
        except Exception as error:
            where = f"{store.name}, question {question}, seed {seed}"
            raise fault(controller, beta, where, error) from error


def fault(controller: Controller, beta: float, where: str, error: Exception) -> ControllerError:
    """What `error` says of the controller that raised it in the episode called `where`."""
    return ControllerError(f"controller {controller.name!r}, β = {beta:g}, {where}: {_told(error)}")


def play(policy: TaggedPolicy, p: Any, episode: InterpretedEpisode) -> ReplayedEpisode:
    """Let a policy with parameters `p` play a new episode; raises what it raises."""
    try:
        answer, stop = policy.function(episode, p)
    except BudgetExhausted:
        answer, reason = episode.standing_majority(), BUDGET_EXHAUSTED
    else:
        reason = policy.reasons[stop]
        episode.spent  # noqa: B018 (what is outstanding may still go wrong)
        check_answer(answer, len(episode.revealed), policy.places[stop])
    return ReplayedEpisode(episode, episode.revealed[answer] if answer >= 0 else -1, reason)


def _told(error: Exception) -> str:
    """What was raised, and the deepest line of the controller's own code that led to it."""
    here = str(Path(autotts_core.__file__).parent)
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(here)
    ]
    place = (
        f" ({frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line})" if frames else ""
    )
    return f"{type(error).__name__}: {_explained(error)}{place}"


def _explained(error: Exception) -> str:
    """The error's message; a misspelt member of the episode or of p is called by its name."""
    if not isinstance(error, AttributeError) or error.name is None:
        return text_of(error)
    if isinstance(error.obj, InterpretedEpisode):
        members = [name for name in dir(Episode) if not name.startswith("_")]
        return f"the episode has no {error.name!r}. {nearest(error.name, members)}"
    if hasattr(error.obj, "_fields"):
        return f"p has no {error.name!r}. {nearest(error.name, error.obj._fields)}"
    return str(error)
