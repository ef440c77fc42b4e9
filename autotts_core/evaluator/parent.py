"""Scores untrusted controller source: a child process replays it, this one grades."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from autotts_core.controller_source import check_source
from autotts_core.errors import AutoTTSError, ControllerError
from autotts_core.frontier import Frontier, Point, QuestionMeans
from autotts_core.processes import ChildProcess, child_process
from autotts_core.replay.interpreted import ReplayedEpisode
from autotts_core.replay.interpreted_episode import InterpretedEpisode, recorded_question
from autotts_core.replay.orders import branch_orders
from autotts_core.replay.outcomes import OUTCOME_FIELDS, Outcomes, outcomes_of
from autotts_core.wire import Array, WireError, receive, send

if TYPE_CHECKING:
    from autotts_core.recipe.schema import Limits
    from autotts_core.store import ReplayStore

Result = TypeVar("Result")

_TRIES = 3
_WORTH_COMPILING = 500
"""Episodes at one β from which on compiling takes less time than it saves."""
_MOST_MESSAGE = 2**31
_MOST_PARAMETERS = 1000


class MachineryError(AutoTTSError):
    """An evaluation that failed through no fault of the controller."""


@dataclass(frozen=True, slots=True)
class EpisodeKey:
    """Which episode: store and question by number."""

    store: int
    question: int
    seed: int
    beta: float


@dataclass(frozen=True)
class Evaluator:
    """Evaluates controller source on `stores` with `seeds` 0 to N - 1.

    Every evaluation has a child process of its own. It holds no gold answers, has limits on
    time, memory and files, and its process group is killed when it ends, fails or is late.
    """

    stores: Sequence[ReplayStore]
    seeds: int
    limits: Limits
    workers: int

    def evaluate(self, source: str, name: str, betas: Sequence[float]) -> Frontier:
        """Check `source` and score it at each of `betas` on every store.

        A controller that does not depend on β has one point, with β None. Raises
        `ControllerError` for a fault of the controller, `MachineryError` where evaluating
        failed for another reason, three times.
        """
        check_source(source)
        return self._tried(lambda: self._frontier(source, name, betas))

    def episodes(self, source: str, name: str, keys: Sequence[EpisodeKey]) -> list[ReplayedEpisode]:
        """These episodes with everything that was done in them; errors as `evaluate` has."""
        check_source(source)
        return self._tried(lambda: list(self._episodes(source, name, keys)))

    def schedule(self, source: str, name: str, betas: Sequence[float]) -> list[dict[str, float]]:
        """The parameters that the schedule gives at each of `betas`; errors as `evaluate` has."""
        check_source(source)
        return self._tried(lambda: self._schedule(source, name, betas))

    def _tried(self, attempt: Callable[[], Result]) -> Result:
        for left in reversed(range(_TRIES)):
            try:
                return attempt()
            except MachineryError:
                if left == 0:
                    raise
                time.sleep(0.5)
        raise AssertionError

    def _frontier(self, source: str, name: str, betas: Sequence[float]) -> Frontier:
        from autotts_core.evaluation import score_source

        with self._child(source, name) as child:
            grid: Sequence[float | None] = betas if child.depends_on_beta else (None,)
            points = []
            for beta in grid:
                outcomes = [child.replay(k, beta or 0.0) for k in range(len(self.stores))]
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
        with self._child(source, name) as child:
            for key in keys:
                yield child.episode(key)

    def _schedule(self, source: str, name: str, betas: Sequence[float]) -> list[dict[str, float]]:
        with self._child(source, name) as child:
            return [child.parameters(beta) for beta in betas]

    @contextmanager
    def _child(self, source: str, name: str) -> Iterator[_Child]:
        with _running_child(self.limits.seconds) as process:
            child = _Child(process, self)
            child.start(source, name)
            yield child


class _Watchdog:
    """Kills a child that is late."""

    def __init__(self, child: ChildProcess, seconds: float) -> None:
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
def _running_child(seconds: float) -> Iterator[ChildProcess]:
    with tempfile.TemporaryFile() as errors, ExitStack() as stack:
        try:
            process = stack.enter_context(
                child_process(
                    "autotts_core.evaluator.child", _environment(), subprocess.DEVNULL, errors
                )
            )
        except OSError as error:
            raise MachineryError(f"No process could be started: {error}.") from error
        watchdog = stack.enter_context(_Watchdog(process, seconds))
        try:
            yield process
        except WireError as error:
            # It may still be running, where it sent nonsense.
            process.kill()
            code = process.popen.wait()
            if watchdog.barked:
                raise ControllerError(
                    f"the controller did not finish within {seconds:g} seconds"
                ) from None
            errors.seek(0)
            said = errors.read()[-2000:].decode(errors="replace")
            raise _explained(code, error, said) from None


def _environment() -> dict[str, str]:
    """What the child may know of this one's environment: no keys, no caches."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {
        **kept,
        # A place where nothing can be written: compiled untrusted code is kept nowhere.
        "AUTOTTS_CACHE_DIR": os.path.join(os.devnull, "none"),  # noqa: PTH118
    }


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


class _Child:
    """One child with one controller."""

    def __init__(self, process: ChildProcess, evaluator: Evaluator) -> None:
        self._process = process
        self._stores = evaluator.stores
        self._evaluator = evaluator
        questions = sum(store.manifest.counts.questions for store in evaluator.stores)
        self._compile = questions * evaluator.seeds >= _WORTH_COMPILING
        self.depends_on_beta = True

    def start(self, source: str, name: str) -> None:
        limits, workers = self._evaluator.limits, self._evaluator.workers
        requests = self._process.requests
        cpu_seconds = int(limits.seconds * (workers + 1)) + 1
        memory = int(limits.memory_gib * 2**30)
        send(
            requests,
            {"cpu_seconds": cpu_seconds, "memory_bytes": memory, "workers": workers},
        )
        described: list[dict[str, Any]] = []
        arrays: list[Array] = []
        for store in self._stores:
            traces = store.load()
            described.append(
                {
                    "name": store.name,
                    "interval_tokens": traces.interval_tokens,
                    "exact_accounting": traces.exact_accounting,
                }
            )
            arrays += [
                traces.branch_start,
                traces.step_start,
                traces.step_class,
                traces.step_signal,
                traces.branch_tokens,
                traces.class_start,
            ]
        send(requests, {"stores": described}, arrays)
        send(requests, {"source": source, "name": name})
        self.depends_on_beta = bool(self._reply(0)[0]["depends_on_beta"])

    def replay(self, store: int, beta: float) -> Outcomes:
        """Every question of a store with every seed, graded here."""
        seeds = self._evaluator.seeds
        request = {"store": store, "beta": beta, "seeds": seeds, "compile": self._compile}
        send(self._process.requests, request)
        message, arrays = self._reply(_MOST_MESSAGE)
        for note in message.get("warnings", ()):
            warnings.warn(str(note), stacklevel=2)
        traces = self._stores[store].load()
        reasons = tuple(str(reason)[:200] for reason in message["reasons"])
        shape = (len(OUTCOME_FIELDS), len(traces.branch_start) - 1, seeds)
        if len(arrays) != 1 or arrays[0].shape != shape or arrays[0].dtype != np.int64:
            raise WireError("outcomes of another shape than was asked for")
        fields = dict(zip(OUTCOME_FIELDS, arrays[0], strict=True))
        classes = np.diff(traces.class_start)[:, None]
        if ((fields["answer_class"] < -1) | (fields["answer_class"] >= classes)).any():
            raise WireError("answers that the store does not have")
        if ((fields["stop"] < -1) | (fields["stop"] >= len(reasons))).any():
            raise WireError("stops without a reason")
        return outcomes_of(traces, fields, reasons[:-1])

    def parameters(self, beta: float) -> dict[str, float]:
        """What the schedule gives at `beta`."""
        send(self._process.requests, {"schedule": beta})
        given = self._reply(0)[0]["parameters"]
        if not isinstance(given, dict) or len(given) > _MOST_PARAMETERS:
            raise WireError("parameters that no schedule gives")
        if not all(isinstance(value, int | float) for value in given.values()):
            raise WireError("parameters that are no numbers")
        return {str(key): value for key, value in given.items()}

    def episode(self, key: EpisodeKey) -> ReplayedEpisode:
        """One episode: the child's ledger is repeated here, where its costs are counted."""
        request = {
            "store": key.store,
            "question": key.question,
            "seed": key.seed,
            "beta": key.beta,
        }
        send(self._process.requests, request)
        message, arrays = self._reply(_MOST_MESSAGE)
        traces = self._stores[key.store].load()
        recorded = recorded_question(traces, key.question)
        order = branch_orders(len(recorded.tokens), range(key.seed, key.seed + 1))[0].tolist()
        ledger = [(int(i), int(asked)) for i, asked in arrays[0].tolist()]
        try:
            record = InterpretedEpisode.repeated(recorded, order, ledger, arrays[1].tolist())
        except (ValueError, IndexError) as error:
            raise WireError(f"an impossible ledger: {error}") from error
        answer_class = int(message["answer_class"])
        if answer_class not in (-1, *record.revealed):
            raise WireError("an answer that the episode never revealed")
        return ReplayedEpisode(record, answer_class, str(message["stop"])[:200])

    def _reply(self, most_bytes: int) -> tuple[dict[str, Any], list[Array]]:
        message, arrays = receive(self._process.replies, most_bytes)
        if "fault" in message:
            raise ControllerError(str(message["fault"]))
        if "failure" in message:
            raise MachineryError(f"Evaluating a controller failed:\n{message['failure']}")
        return message, arrays
