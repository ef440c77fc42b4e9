"""Compiled replay: a controller's kernel over a store's columns, on all cores."""

import os
import threading
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
from autotts_core.replay.ledger import Ledgers, most_rows
from autotts_core.replay.orders import branch_orders_of
from autotts_core.replay.outcomes import OUTCOME_FIELDS, Outcomes, Progress, outcomes_of
from autotts_core.replay.policy import parameters, tagged, tagged_policy
from autotts_core.store.arrays import Traced


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
    return _Replay(controller, store, beta, seeds, budget, progress).outcomes(workers)


def replay_recorded(
    controller: Controller, store: Traced, beta: float, seeds: range, workers: int
) -> tuple[Outcomes, Ledgers]:
    """`replay_compiled` without a budget, and every episode's ledger."""
    return _Replay(controller, store, beta, seeds, None, None).recorded(workers)


class _Replay:
    """One controller at one β on one store."""

    def __init__(
        self,
        controller: Controller,
        store: Traced,
        beta: float,
        seeds: range,
        budget: int | None,
        progress: Progress | None,
    ) -> None:
        self.again = (controller, store, seeds, beta, budget)
        self.kernel = kernel_of(controller)
        self.reasons = tagged_policy(controller).reasons
        self.progress = progress
        self.arrays = arrays = store.load()
        self.questions = len(arrays.branch_start) - 1
        self.values = np.zeros((self.questions, len(seeds), len(OUTCOME_FIELDS)), np.int64)
        orders, size_of = branch_orders_of(arrays, seeds)
        self.pool = orders.shape[2]
        self.classes = max(1, int(np.diff(arrays.class_start).max(initial=1)))
        self.arguments = (
            arrays.step_class,
            arrays.step_signal,
            arrays.step_confidence,
            arrays.step_start,
            arrays.branch_tokens,
            arrays.branch_start,
            self.classes,
            arrays.interval_tokens,
            arrays.exact_accounting,
            len(arrays.step_signal) > 0,
            len(arrays.step_confidence) > 0,
            orders.ravel(),
            size_of * len(seeds) * self.pool,
            len(seeds),
            self.pool,
            UNLIMITED if budget is None else budget,
            tuple(parameters(controller, beta)),
        )

    def outcomes(self, workers: int | None) -> Outcomes:
        """On so many threads."""
        workers = workers or os.cpu_count() or 1
        rows, ends = np.empty(2, np.int16), np.empty(1, np.int64)

        def part(first: int, last: int) -> None:
            self._run(first, last, False, rows, ends)

        if workers == 1:
            part(0, self.questions)
        else:
            parts = range(min(self.questions, 8 * workers) + 1)
            bounds = [self.questions * k // (len(parts) - 1) for k in parts]
            list(_threads(workers).map(part, bounds[:-1], bounds[1:]))
        return self._outcomes()

    def recorded(self, workers: int) -> tuple[Outcomes, Ledgers]:
        """On so many threads, with ledgers."""
        seeds = self.values.shape[1]
        steps = np.diff(self.arrays.step_start[self.arrays.branch_start])
        room = 2 * int(most_rows(np.diff(self.arrays.branch_start), steps, seeds).max()) + 2
        # One for each thread: memory is dear when it is touched for the first time.
        buffers = threading.local()

        def question(q: int) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]]:
            ends = np.empty(seeds, np.int64)
            if not hasattr(buffers, "rows"):
                buffers.rows = np.empty(room, np.int16)
            self._run(q, q + 1, True, buffers.rows, ends)
            return buffers.rows[: 2 * ends[-1]].reshape(-1, 2).copy(), ends

        parts = list(_threads(workers).map(question, range(self.questions)))
        offsets = np.cumsum([0, *(len(rows) for rows, _ in parts)])
        ends = np.stack([ends + offset for (_, ends), offset in zip(parts, offsets, strict=False)])
        return self._outcomes(), Ledgers(np.concatenate([rows for rows, _ in parts]), ends)

    def _run(self, first: int, last: int, recording: bool, rows: object, ends: object) -> None:
        scratch = (
            np.empty(self.pool * BRANCH_FIELDS, np.int32),
            np.full(self.classes, -1, np.int32),
            np.empty(self.classes, np.int32),
            np.empty(MAX_TALLIES * 2 * self.classes, np.int32),
            np.empty(MAX_TALLIES * TALLY_FIELDS, np.int64),
            CONFIDENCES,
            np.empty(STATE_FIELDS, np.int64),
        )
        outcomes = self.values.ravel()
        fault = self.kernel(*self.arguments, first, last, *scratch, outcomes, recording, rows, ends)
        controller, store, seeds, beta, budget = self.again
        if fault >= 0:
            question, seed = fault // len(seeds), seeds[fault % len(seeds)]
            replay_episode(controller, store, question, seed, beta, budget)
            raise ControllerError(
                f"controller {controller.name!r} fails when compiled but not when interpreted "
                f"(question {question}, seed {seed}, β = {beta:g})"
            )
        if self.progress:
            self.progress((last - first) * len(seeds))

    def _outcomes(self) -> Outcomes:
        fields = dict(zip(OUTCOME_FIELDS, np.moveaxis(self.values, 2, 0), strict=True))
        return outcomes_of(self.arrays, fields, self.reasons)


@lru_cache(maxsize=4)
def _threads(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="autotts-replay")


@lru_cache(maxsize=256)
def _kernel(policy: FunctionType, types: tuple[tuple[str, type], ...]) -> Kernel:
    kernel = build_kernel(tagged(policy), tuple(name for name, _ in types))
    try:
        with warnings.catch_warnings():
            # Numba's remarks on what it inferred; what it cannot compile, it raises.
            warnings.simplefilter("ignore", NumbaWarning)
            compile_kernel(kernel, tuple(kind for _, kind in types))
    except (OSError, MemoryError):  # the machine's fault, not the controller's
        raise
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
