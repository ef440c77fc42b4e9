"""Compiled replay: a controller's kernel over a store's columns, on all cores."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import FunctionType

import numpy as np
import numpy.typing as npt
from numba.core.errors import NumbaWarning

from autotts_core.controller import Controller
from autotts_core.episode import MAX_TALLIES
from autotts_core.errors import ControllerError
from autotts_core.replay.compiled_episode import (
    BRANCH_FIELDS,
    CONFIDENCES,
    STATE_FIELDS,
    TALLY_FIELDS,
)
from autotts_core.replay.interpreted import replay_episode
from autotts_core.replay.interpreted_episode import UNLIMITED
from autotts_core.replay.kernel import Kernel, build_kernel, compile_kernel
from autotts_core.replay.orders import branch_orders
from autotts_core.replay.outcomes import OUTCOME_FIELDS, Outcomes, Progress, outcomes_of
from autotts_core.replay.policy import parameters, tagged, tagged_policy
from autotts_core.store.arrays import TraceArrays, Traced


class NotCompilable(Exception):  # noqa: N818
    """A policy that only interpreted replay can run, and why."""


def replay_compiled(
    controller: Controller,
    store: Traced,
    beta: float,
    seeds: range,
    budget: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """`replay` of a controller that has to compile; raises `NotCompilable` where it does not."""
    kernel = kernel_of(controller)
    arrays = store.load()
    questions = len(arrays.branch_start) - 1
    outcomes = np.zeros((questions, len(seeds), len(OUTCOME_FIELDS)), np.int64)
    orders, size_of = _orders(arrays, seeds)
    pool = orders.shape[2]
    classes = max(1, int(np.diff(arrays.class_start).max(initial=1)))
    arguments = (
        arrays.step_class,
        arrays.step_signal,
        arrays.step_start,
        arrays.branch_tokens,
        arrays.branch_start,
        classes,
        arrays.interval_tokens,
        arrays.exact_accounting,
        len(arrays.step_signal) > 0,
        orders.ravel(),
        size_of * len(seeds) * pool,
        len(seeds),
        pool,
        UNLIMITED if budget is None else budget,
        tuple(parameters(controller, beta)),
    )
    workers = workers or os.cpu_count() or 1

    def part(first: int, last: int) -> int:
        scratch = (
            np.empty(pool * BRANCH_FIELDS, np.int32),
            np.full(classes, -1, np.int32),
            np.empty(classes, np.int32),
            np.empty(MAX_TALLIES * 2 * classes, np.int32),
            np.empty(MAX_TALLIES * TALLY_FIELDS, np.int64),
            CONFIDENCES,
            np.empty(STATE_FIELDS, np.int64),
        )
        fault = kernel(*arguments, first, last, *scratch, outcomes.ravel())
        if progress:
            progress((last - first) * len(seeds))
        return fault

    if workers == 1:
        faults = [part(0, questions)]
    else:
        parts = range(min(questions, 8 * workers) + 1)
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
    return outcomes_of(arrays, fields, reasons)


@lru_cache(maxsize=4)
def _threads(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="autotts-replay")


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
def _kernel(policy: FunctionType, types: tuple[tuple[str, type], ...]) -> Kernel:
    kernel = build_kernel(tagged(policy), tuple(name for name, _ in types))
    try:
        with warnings.catch_warnings():
            # Numba's remarks on what it inferred; what it cannot compile, it raises.
            warnings.simplefilter("ignore", NumbaWarning)
            compile_kernel(kernel, tuple(kind for _, kind in types))
    except Exception as error:  # also what Numba itself trips over
        raise NotCompilable(_innermost_reason(error)) from None
    return kernel


def kernel_of(controller: Controller) -> Kernel:
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
