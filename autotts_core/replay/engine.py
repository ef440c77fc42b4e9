"""Replaying a store under a controller: compiled where that is possible, else interpreted."""

import multiprocessing
import os
import traceback
import warnings
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache, partial
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

import autotts_core
from autotts_core.controller import Controller, Params
from autotts_core.errors import ControllerError, StoreError
from autotts_core.legacy import LegacyController
from autotts_core.replay.interpreted import (
    UNLIMITED,
    BudgetExhausted,
    InterpretedEpisode,
    RecordedQuestion,
    recorded_question,
)
from autotts_core.replay.orders import branch_orders
from autotts_core.replay.outcomes import (
    BUDGET_EXHAUSTED,
    BUDGET_STOP,
    OUTCOME_FIELDS,
    Outcomes,
)
from autotts_core.replay.policy_source import (
    NO_RETURN,
    TaggedPolicy,
    refuse_unrepeatable,
    tag_returns,
)
from autotts_core.store import ReplayStore
from autotts_core.store.arrays import TraceArrays

if TYPE_CHECKING:
    from autotts_core.replay.kernel import Kernel

Progress = Callable[[int], None]
"""Called with a number of episodes whenever so many more are done."""


class ReplayedEpisode(NamedTuple):
    """One interpreted episode: its record, its answer's class (-1 for none), why it stopped."""

    record: InterpretedEpisode
    answer_class: int
    stop: str


def replay(
    controller: Controller,
    store: ReplayStore,
    beta: float,
    seeds: range,
    budget: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Replay every question of `store` once per seed, on `workers` threads (all cores).

    Compiled; a policy that does not compile is interpreted, with a warning that says why.
    The result does not depend on the number of workers. Raises `ControllerError` for the
    first episode in which the controller breaks its contract.
    """
    if isinstance(controller, LegacyController):
        return replay_interpreted(controller, store, beta, seeds, budget, workers, progress)
    try:
        kernel = kernel_of(controller)
    except NotCompilable as reason:
        warnings.warn(
            f"controller {controller.name!r} is interpreted, which is slow: {reason}", stacklevel=2
        )
        return replay_interpreted(controller, store, beta, seeds, budget, workers, progress)
    return _replay_compiled(kernel, controller, store, beta, seeds, budget, workers, progress)


class NotCompilable(Exception):  # noqa: N818
    """A policy that only interpreted replay can run, and why."""


def _replay_compiled(
    kernel: "Kernel",
    controller: Controller,
    store: ReplayStore,
    beta: float,
    seeds: range,
    budget: int | None,
    workers: int | None,
    progress: Progress | None,
) -> Outcomes:
    arrays = store.load()
    parameters = _parameters(controller, beta)
    questions = len(arrays.branch_start) - 1
    outcomes = np.zeros((questions, len(seeds), len(OUTCOME_FIELDS)), np.int64)
    orders, size_of = _orders(arrays, seeds)
    arguments = (
        arrays.step_class,
        arrays.step_signal,
        arrays.step_start,
        arrays.branch_tokens,
        arrays.branch_start,
        max(1, int(np.diff(arrays.class_start).max(initial=1))),
        arrays.interval_tokens,
        arrays.exact_accounting,
        len(arrays.step_signal) > 0,
        orders,
        size_of,
        UNLIMITED if budget is None else budget,
        tuple(parameters),
    )
    workers = workers or os.cpu_count() or 1

    def part(first: int, last: int) -> int:
        fault = kernel(*arguments, first, last, outcomes)
        if progress:
            progress((last - first) * len(seeds))
        return fault

    if workers == 1:
        faults = [part(0, questions)]
    else:
        parts = range(min(questions, 4 * workers) + 1)
        bounds = [questions * k // (len(parts) - 1) for k in parts]
        faults = list(_threads(workers).map(part, bounds[:-1], bounds[1:]))
    for fault in faults:
        if fault >= 0:
            question, seed = fault // len(seeds), seeds[fault % len(seeds)]
            replay_episode(controller, store, question, seed, beta, budget)
            raise ControllerError(
                f"controller {controller.name!r} fails when compiled but not when interpreted "
                f"(question {question}, seed {seed}, β = {beta:g})"
            )
    fields = dict(zip(OUTCOME_FIELDS, np.moveaxis(outcomes, 2, 0), strict=True))
    reasons = tagged_policy(controller).reasons
    return _outcomes(arrays, fields, reasons)


@lru_cache(maxsize=4)
def _threads(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="autotts-replay")


def _outcomes(
    arrays: TraceArrays, fields: dict[str, npt.NDArray[np.int64]], reasons: tuple[str, ...]
) -> Outcomes:
    answer_class = fields["answer_class"]
    # Index -1 stands for "no answer" and finds the False at the end.
    right = np.append(arrays.class_correct, False)
    place = np.where(answer_class >= 0, arrays.class_start[:-1, None] + answer_class, -1)
    return Outcomes(correct=right[place], stop_reasons=(*reasons, BUDGET_EXHAUSTED), **fields)


@lru_cache(maxsize=64)
def _orders(
    arrays: TraceArrays, seeds: range
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Branch orders (sizes, seeds, most branches), and which size each question has."""
    sizes, size_of = np.unique(np.diff(arrays.branch_start), return_inverse=True)
    orders = np.zeros((len(sizes), len(seeds), int(sizes.max(initial=0))), np.int32)
    for row, size in zip(orders, sizes.tolist(), strict=True):
        row[:, :size] = branch_orders(size, seeds)
    return orders, size_of.astype(np.int64)


@lru_cache(maxsize=256)
def _tagged(policy: FunctionType) -> TaggedPolicy:
    refuse_unrepeatable(policy)
    return tag_returns(policy)


def tagged_policy(controller: Controller) -> TaggedPolicy:
    """The controller's policy with its returns tagged (see `policy_source`)."""
    if isinstance(controller, LegacyController):
        return TaggedPolicy(controller.solve, ("answered",), (str(controller.path),))
    policy = type(controller).policy
    assert isinstance(policy, FunctionType)
    return _tagged(policy)


@lru_cache(maxsize=256)
def _kernel(policy: FunctionType, parameters: tuple[tuple[str, type], ...]) -> "Kernel":
    from autotts_core.replay.kernel import build_kernel, compile_kernel

    kernel = build_kernel(_tagged(policy), tuple(name for name, _ in parameters))
    try:
        compile_kernel(kernel, tuple(kind for _, kind in parameters))
    except Exception as error:  # also what Numba itself trips over
        raise NotCompilable(_innermost_reason(error)) from None
    return kernel


def kernel_of(controller: Controller) -> "Kernel":
    """The controller's compiled kernel; raises `NotCompilable` with Numba's reason."""
    params = controller.schedule(0.5)
    policy = type(controller).policy
    assert isinstance(policy, FunctionType)
    return _kernel(policy, tuple((name, type(value)) for name, value in params.items()))


def _innermost_reason(error: Exception) -> str:
    """What Numba could not compile and where, out of its account of every attempt."""
    told = str(error).rpartition("raised a specific error:")[2].splitlines()
    lines = [line.strip().removeprefix("TypingError: ") for line in told if line.strip()]
    causes = [line for line in lines if not line.startswith("Failed in nopython mode")]
    places = [line for line in lines if line.startswith('File "') and "kernel.py" not in line]
    cause = causes[0] if causes else type(error).__name__
    return f"{cause} ({places[0].rstrip(':')})" if places else cause


def replay_interpreted(
    controller: Controller,
    store: ReplayStore,
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
    rows = []
    with ExitStack() as stack:
        results: Iterable[list[tuple[int, ...]]]
        if workers is None or workers == 1:
            results = map(shard, range(questions))
        else:
            context = multiprocessing.get_context("spawn")
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))
            results = pool.map(shard, range(questions))
        for result in results:
            rows.append(result)
            if progress:
                progress(len(seeds))
    values = np.array(rows, np.int64).reshape(questions, len(seeds), len(OUTCOME_FIELDS))
    fields = dict(zip(OUTCOME_FIELDS, np.moveaxis(values, 2, 0), strict=True))
    return _outcomes(store.load(), fields, tagged_policy(controller).reasons)


def _interpret(
    controller: Controller,
    store: ReplayStore,
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
        for episode in _episodes(controller, store, question, seeds, beta, budget)
    ]


def replay_episode(
    controller: Controller,
    store: ReplayStore,
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
    return next(_episodes(controller, store, question, range(seed, seed + 1), beta, budget))


def _episodes(
    controller: Controller,
    store: ReplayStore,
    question: int,
    seeds: range,
    beta: float,
    budget: int | None,
) -> Iterator[ReplayedEpisode]:
    recorded = recorded_question(store.load(), question)
    policy = tagged_policy(controller)
    p = _parameters(controller, beta)
    orders = branch_orders(len(recorded.tokens), seeds).tolist()
    for seed, order in zip(seeds, orders, strict=True):
        try:
            yield _play(policy, p, recorded, order, UNLIMITED if budget is None else budget)
        except Exception as error:
            where = f"controller {controller.name!r}, β = {beta:g}, {store.name}, "
            where += f"question {question}, seed {seed}"
            raise ControllerError(f"{where}: {_fault(error)}") from error


def _play(
    policy: TaggedPolicy, p: Any, question: RecordedQuestion, order: Sequence[int], budget: int
) -> ReplayedEpisode:
    episode = InterpretedEpisode(question, order, budget)
    try:
        answer, stop = policy.function(episode, p)
    except BudgetExhausted:
        answer, reason = episode.standing_majority(), BUDGET_EXHAUSTED
    else:
        reason = policy.reasons[stop]
        episode.spent  # noqa: B018 (what is outstanding may still go wrong)
        _check_answer(answer, len(episode.revealed), policy.places[stop])
    return ReplayedEpisode(episode, episode.revealed[answer] if answer >= 0 else -1, reason)


def _check_answer(answer: object, revealed: int, place: str) -> None:
    if answer == NO_RETURN:
        raise ValueError(f"ended without returning an answer id ({place})")
    if isinstance(answer, bool) or not isinstance(answer, int | np.integer):
        raise TypeError(f"returned {answer!r}, not an answer id ({place})")
    if not -1 <= answer < revealed:
        raise ValueError(
            f"returned the id {answer}, which this episode never revealed: "
            f"it revealed {revealed} answers, and -1 means none ({place})"
        )


def _parameters(controller: Controller, beta: float) -> Any:
    """The schedule at β as a named tuple, in the order and of the types that β = 0.5 has."""
    expected, params = controller.schedule(0.5), controller.schedule(beta)
    types, found = ({k: type(v) for k, v in given.items()} for given in (expected, params))
    if types != found:
        raise ControllerError(
            f"controller {controller.name!r}: its schedule gives other parameters or types at "
            f"β = {beta:g} than at β = 0.5: {_typed(params)} and {_typed(expected)}"
        )
    return _named_tuple(tuple(expected))(**params)


def _typed(params: Params) -> str:
    return ", ".join(f"{name} {type(value).__name__}" for name, value in params.items())


@lru_cache(maxsize=256)
def _named_tuple(names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    return namedtuple("Params", names)


def _fault(error: Exception) -> str:
    """What was raised, and the deepest line of the controller's own code that led to it."""
    here = str(Path(autotts_core.__file__).parent)
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(here)
    ]
    place = (
        f" ({frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line})" if frames else ""
    )
    return f"{type(error).__name__}: {error}{place}"
