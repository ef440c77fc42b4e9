"""Scores untrusted controller source: a child process replays it, this one grades."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import ValidationError

from autotts_core.confinement import LAYERS
from autotts_core.controller_source import check_source
from autotts_core.errors import ControllerError
from autotts_core.evaluator.messages import (
    Loaded,
    Message,
    PlayedEpisode,
    ReplayedStore,
    Rescheduled,
    Scheduled,
    Trouble,
)
from autotts_core.evaluator.workers import MachineryError, Template, Worker, forget, template
from autotts_core.frontier import Frontier, Point, QuestionMeans
from autotts_core.replay.interpreted import ReplayedEpisode
from autotts_core.replay.interpreted_episode import InterpretedEpisode, recorded_question
from autotts_core.replay.ledger import Ledgers, compiled_recount, most_rows, performed
from autotts_core.replay.orders import branch_orders, branch_orders_of
from autotts_core.replay.outcomes import Outcomes, outcomes_of
from autotts_core.wire import Array, GarbledError, WireError, receive, send

if TYPE_CHECKING:
    from autotts_core.recipe.schema import Limits
    from autotts_core.store import ReplayStore
    from autotts_core.store.arrays import TraceArrays

Result = TypeVar("Result")
AnyMessage = TypeVar("AnyMessage", bound=Message)

_TRIES = 3
_WORTH_COMPILING = 500
"""Episodes at one β from which on compiling takes less time than it saves."""


@dataclass(frozen=True, slots=True)
class EpisodeKey:
    """Which episode: store and question by number."""

    store: int
    question: int
    seed: int
    beta: float


@dataclass(frozen=True, slots=True)
class ControllerSource:
    """A controller as untrusted source or, where there is no `text`, an installed one's name."""

    name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """Outcomes, and the ledgers that they were counted by."""

    outcomes: Outcomes
    ledgers: Ledgers


@dataclass(frozen=True)
class Evaluator:
    """Evaluates controller source on `stores` with `seeds` 0 to N - 1.

    Every evaluation has a worker process of its own. It holds no gold answers, is confined by
    `layers` (see `autotts_core.confinement`), and its process group is killed when it ends, fails
    or is late.
    """

    stores: Sequence[ReplayStore]
    seeds: int
    limits: Limits
    workers: int
    layers: tuple[str, ...] = LAYERS

    @property
    def compiles(self) -> bool:
        """Whether there is so much to replay that compiling saves time."""
        questions = sum(store.manifest.counts.questions for store in self.stores)
        return questions * self.seeds >= _WORTH_COMPILING

    def evaluate(self, source: str, name: str, betas: Sequence[float]) -> Frontier:
        """Check `source` and score it at each of `betas` on every store.

        A controller that does not depend on β has one point, with β None. Raises
        `ControllerError` for a fault of the controller, `MachineryError` where evaluating
        failed for another reason, three times.
        """
        check_source(source)
        return self.tried(lambda: self._frontier(source, name, betas))

    def episodes(self, source: str, name: str, keys: Sequence[EpisodeKey]) -> list[ReplayedEpisode]:
        """These episodes with everything that was done in them; errors as `evaluate` has."""
        check_source(source)
        return self.tried(lambda: list(self._episodes(source, name, keys)))

    def schedule(self, source: str, name: str, betas: Sequence[float]) -> list[dict[str, float]]:
        """The parameters that the schedule gives at each of `betas`; errors as `evaluate` has."""
        check_source(source)
        return self.tried(lambda: self._schedule(source, name, betas))

    def tried(self, attempt: Callable[[], Result]) -> Result:
        """`attempt`, tried again where the machinery fails."""
        for left in reversed(range(_TRIES)):
            try:
                return attempt()
            except MachineryError:
                if left == 0:
                    raise
                time.sleep(0.5)
        raise AssertionError

    @contextmanager
    def variants(
        self, source: str, name: str, betas: Sequence[float]
    ) -> Iterator[Callable[[str], Frontier]]:
        """Scores sources that are `source` but for their schedules, one after the other.

        Compiles once for all of them. Their policies are taken for granted, not looked at, so
        that what comes of it has to be evaluated for itself before it counts. Errors as
        `evaluate` has; after one that a schedule is to blame for, others can be scored.
        """
        check_source(source)
        with self.worked(ControllerSource(name, source)) as child:

            def scored(variant: str) -> Frontier:
                check_source(variant)
                child.reschedule(variant)
                return self._scored(child, name, betas)

            yield scored

    def _frontier(self, source: str, name: str, betas: Sequence[float]) -> Frontier:
        with self.worked(ControllerSource(name, source)) as child:
            grid: Sequence[float | None] = betas if child.depends_on_beta else (None,)
            return self._scored(child, name, grid)

    def _scored(self, child: Worked, name: str, grid: Sequence[float | None]) -> Frontier:
        from autotts_core.evaluation import score_source

        points = []
        places = product([beta or 0.0 for beta in grid], range(len(self.stores)))
        every = child.replayed(places)
        for beta in grid:
            outcomes = [found.outcomes for found in islice(every, len(self.stores))]
            points.append(
                Point(
                    tuple(
                        score_source(each, name, store, beta, range(self.seeds))
                        for each, store in zip(outcomes, self.stores, strict=True)
                    ),
                    tuple(map(QuestionMeans.of, outcomes)),
                )
            )
        return Frontier(tuple(points))

    def _episodes(
        self, source: str, name: str, keys: Iterable[EpisodeKey]
    ) -> Iterator[ReplayedEpisode]:
        with self.worked(ControllerSource(name, source)) as child:
            for key in keys:
                yield child.episode(key)

    def _schedule(self, source: str, name: str, betas: Sequence[float]) -> list[dict[str, float]]:
        with self.worked(ControllerSource(name, source)) as child:
            return [child.parameters(beta) for beta in betas]

    @contextmanager
    def worked(self, source: ControllerSource) -> Iterator[Worked]:
        """A worker that has loaded a controller."""
        warm = template(self.stores, self.layers, self.compiles)
        with _running(warm, self.limits.seconds) as process:
            child = Worked(process, self)
            child.start(source)
            yield child


class TamperedError(GarbledError):
    """A worker handed back what no controller can have done."""


def _understood(kind: type[AnyMessage], message: dict[str, Any]) -> AnyMessage:
    """A worker's `message`, as it has to be; raises `TamperedError` where it is not."""
    try:
        return kind.model_validate(message)
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        place = ".".join(map(str, problem["loc"]))[:100]
        raise TamperedError(f"an impossible message ({place}: {problem['msg']})") from None


class _Watchdog:
    """Kills a child that is late."""

    def __init__(self, child: Worker, seconds: float) -> None:
        self.barked = False
        self._child = child
        self._timer = threading.Timer(seconds, self._bark)
        self._timer.daemon = True

    def __enter__(self) -> _Watchdog:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _bark(self) -> None:
        self.barked = True
        self._child.kill()


@contextmanager
def _running(template: Template, seconds: float) -> Iterator[Worker]:
    with template.worker() as worker, _Watchdog(worker, seconds) as watchdog:
        try:
            yield worker
        except WireError as error:
            # It may still be running, where it sent nonsense.
            worker.kill()
            try:
                code = worker.wait()
            except OSError as gone:
                forget(template)
                raise MachineryError(f"{gone}.\n{template.said()}") from None
            if isinstance(error, GarbledError):
                raise ControllerError(
                    f"the controller tampered with its results: {error}"
                ) from None
            if watchdog.barked:
                raise ControllerError(
                    f"the controller did not finish within {seconds:g} seconds"
                ) from None
            raise _explained(code, error, template.said()) from None


def _explained(code: int, error: WireError, said: str) -> ControllerError | MachineryError:
    """Why a child ended before it answered."""
    if code == -signal.SIGXCPU:
        return ControllerError("the controller used up its CPU time")
    if code in (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGFPE):
        return ControllerError(
            f"the controller crashed with {signal.Signals(-code).name}: look for recursion "
            "without an end"
        )
    return MachineryError(
        f"The process that evaluates a controller ended early (status {code}, {error}).\n{said}"
    )


class Worked:
    """One worker with one controller."""

    def __init__(self, process: Worker, evaluator: Evaluator) -> None:
        self.process = process
        self._stores = evaluator.stores
        self._evaluator = evaluator
        self._compile = evaluator.compiles
        self.depends_on_beta = True

    def start(self, source: ControllerSource) -> None:
        """Confine the worker and load the controller."""
        limits, workers = self._evaluator.limits, self._evaluator.workers
        requests = self.process.requests
        cpu_seconds = int(limits.seconds * (workers + 1)) + 1
        memory = int(limits.memory_gib * 2**30)
        send(
            requests,
            {
                "cpu_seconds": cpu_seconds,
                "memory_bytes": memory,
                "workers": workers,
                "source": source.text,
                "name": source.name,
            },
        )
        self.depends_on_beta = self.reply(Loaded, 0)[0].depends_on_beta

    def replayed(self, places: Iterable[tuple[float, int]]) -> Iterator[Replayed]:
        """Every question with every seed, at each β and on each store by number, as they come.

        The worker replays the next while this process counts and grades the last.
        """
        asked: deque[int] = deque()
        for beta, store in places:
            request = {"store": store, "beta": beta, "seeds": self._evaluator.seeds}
            send(self.process.requests, request | {"compile": self._compile})
            asked.append(store)
            if len(asked) > 1:
                yield self._replayed(asked.popleft())
        while asked:
            yield self._replayed(asked.popleft())

    def _replayed(self, store: int) -> Replayed:
        seeds = self._evaluator.seeds
        traces = self._stores[store].load()
        shape = (len(traces.branch_start) - 1, seeds)
        message, arrays = self.reply(ReplayedStore, _most_bytes(traces, seeds))
        for note in message.warnings:
            warnings.warn(note, stacklevel=2)
        reasons = tuple(message.reasons)
        layouts = [(array.dtype.str, array.shape) for array in arrays]
        rows = arrays[2].shape[:1] if len(arrays) == 4 and arrays[2].ndim else (0,)
        if layouts != [("<i8", shape), ("<i8", shape), ("<i2", (*rows, 2)), ("<i8", shape)]:
            raise TamperedError("outcomes of another shape than was asked for")
        answers, stops, ledgers = arrays[0], arrays[1], Ledgers(arrays[2], arrays[3])
        if ((stops < -1) | (stops >= len(reasons))).any():
            raise TamperedError("stops without a reason")
        outcomes = counted_outcomes(traces, range(seeds), answers, stops, ledgers, reasons[:-1])
        return Replayed(outcomes, ledgers)

    def reschedule(self, source: str) -> None:
        """Put the schedule of `source` in the place of the controller's."""
        send(self.process.requests, {"reschedule": source})
        self.reply(Rescheduled, 0)

    def parameters(self, beta: float) -> dict[str, float]:
        """What the schedule gives at `beta`."""
        send(self.process.requests, {"schedule": beta})
        return self.reply(Scheduled, 0)[0].parameters

    def episode(self, key: EpisodeKey) -> ReplayedEpisode:
        """One episode: the child's ledger is repeated here, where its costs are counted."""
        request = {
            "store": key.store,
            "question": key.question,
            "seed": key.seed,
            "beta": key.beta,
        }
        send(self.process.requests, request)
        traces = self._stores[key.store].load()
        message, arrays = self.reply(PlayedEpisode, _most_bytes(traces, 1))
        if [(array.dtype.str, array.shape[1:]) for array in arrays] != [("<i2", (2,))]:
            raise TamperedError("a ledger of another shape than was asked for")
        recorded = recorded_question(traces, key.question)
        order = branch_orders(len(recorded.tokens), range(key.seed, key.seed + 1))[0].tolist()
        try:
            record = InterpretedEpisode.repeated(recorded, order, *performed(arrays[0]))
        except (ValueError, IndexError) as error:
            raise TamperedError(f"an impossible ledger: {error}") from error
        if message.answer_class not in (-1, *record.revealed):
            raise TamperedError("an answer that the episode never revealed")
        return ReplayedEpisode(record, message.answer_class, message.stop)

    def reply(self, kind: type[AnyMessage], most_bytes: int) -> tuple[AnyMessage, list[Array]]:
        """The worker's next message, with arrays of so many bytes; it may tell of a fault."""
        message, arrays = receive(self.process.replies, most_bytes)
        if "fault" in message or "failure" in message:
            trouble = _understood(Trouble, message)
            if trouble.failure is None:
                raise ControllerError(str(trouble.fault))
            raise MachineryError(f"Evaluating a controller failed:\n{trouble.failure}")
        return _understood(kind, message), arrays


def _most_bytes(traces: TraceArrays, seeds: int) -> int:
    """What outcomes and ledgers of all questions with so many seeds take at most."""
    questions = len(traces.branch_start) - 1
    rows = most_rows(len(traces.branch_tokens), len(traces.step_class), seeds)
    return 4 * int(rows) + 3 * 8 * questions * seeds


def counted_outcomes(
    traces: TraceArrays,
    seeds: range,
    answers: Array,
    stops: Array,
    ledgers: Ledgers,
    reasons: tuple[str, ...],
) -> Outcomes:
    """What a worker says it answered, with all costs counted here and graded here.

    Raises `TamperedError` for a ledger that no episode can have, and for answers that an episode
    never revealed.
    """
    orders, size_of = branch_orders_of(traces, seeds)
    counted = np.zeros((*answers.shape, 5), np.int64)
    wrong = compiled_recount()(
        traces.step_class,
        traces.step_start,
        traces.branch_tokens,
        traces.branch_start,
        traces.class_start,
        traces.interval_tokens,
        traces.exact_accounting,
        orders,
        size_of,
        ledgers.rows,
        ledgers.ends,
        answers,
        counted,
    )
    if wrong >= 0:
        question, seed = divmod(int(wrong), len(seeds))
        raise TamperedError(f"an impossible ledger (question {question}, seed {seeds[seed]})")
    names = ("tokens", "sequential_tokens", "branches", "pruned", "intervals")
    costs = dict(zip(names, np.moveaxis(counted, 2, 0), strict=True))
    return outcomes_of(traces, {"answer_class": answers, "stop": stops, **costs}, reasons)
