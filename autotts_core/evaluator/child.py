"""A worker: replays one untrusted controller, within limits that it cannot lift.

The first message brings the limits and the source; every further one asks for a replay, for one
episode, for the schedule's parameters, or for an audit.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from autotts_core.confinement import confine
from autotts_core.errors import ControllerError, text_of
from autotts_core.wire import WireError, receive, send

if TYPE_CHECKING:
    from autotts_core.controller import Controller
    from autotts_core.replay.ledger import Ledgers
    from autotts_core.store.arrays import TraceArrays
    from autotts_core.wire import Array

_MOST_EPISODES = 2**28

MOST_TOLD = 4000
"""Characters of a fault."""

COLUMNS = (
    "branch_start",
    "step_start",
    "step_class",
    "step_signal",
    "step_confidence",
    "branch_tokens",
    "class_start",
)
"""What of a store's traces a worker holds."""

_WARM_UP = """
def schedule(beta):
    return {"most": 2, "sure": 0.9}


def policy(episode, p):
    votes = episode.tally()
    values = [0]
    for _ in range(p.most):
        i = episode.branch()
        episode.advance(i)
        episode.advance(i, 2)
        if episode.read() < 0 or episode.finished(i) or episode.pruned(i):
            values.append(episode.answer(i))
        if votes.confidence() > p.sure and episode.depth(i) > episode.tokens(i):
            episode.prune(i)
        if episode.signal(i) > 0.0 or episode.spent > episode.remaining:
            votes.add(episode.answer(i))
    if votes.count(votes.runner_up()) + votes.votes() > episode.branches + len(values):
        return votes.leader()
    return -1
"""


def serve(
    requests: BinaryIO, replies: BinaryIO, stores: list[BlindStore], layers: tuple[str, ...]
) -> None:
    """Answer requests until there are no more."""
    try:
        message, _ = receive(requests, 0)
        if message["source"] is None:
            # An installed controller is found, and read, before files are out of reach.
            from autotts_core.replay.policy import tagged_policy

            tagged_policy(_load(message))
        confine(layers, message["cpu_seconds"], message["memory_bytes"])
        controller = _controller(replies, message)
        while controller is not None:
            request, arrays = receive(requests, _MOST_EPISODES)
            if "audit" in request:
                from autotts_core.evaluator.asking import audited

                audited(requests, replies, controller, *arrays)
            elif "reschedule" in request:
                controller = _rescheduled(replies, controller, request["reschedule"])
            else:
                _answer(replies, controller, stores, request, message["workers"])
    except WireError:
        return


def warm_up() -> None:
    """Load and compile now what every worker would have to load and compile for itself."""
    import numpy as np

    from autotts_core.controller_file import load_controller_source
    from autotts_core.replay.compiled import replay_compiled
    from autotts_core.store.arrays import TraceArrays

    traces = TraceArrays(
        branch_start=np.array([0, 4], np.int64),
        step_start=np.arange(0, 9, 2, dtype=np.int64),
        step_class=np.zeros(8, np.int32),
        step_signal=np.zeros(8, np.float32),
        branch_tokens=np.full(4, 2, np.int32),
        class_start=np.array([0, 1], np.int64),
        class_correct=np.zeros(1, np.bool_),
        interval_tokens=1,
        exact_accounting=True,
        read_class_text=list,
    )
    controller = load_controller_source(_WARM_UP, "warm_up")()
    # In this thread: with others there is no forking.
    replay_compiled(controller, BlindStore("warm_up", traces), 0.5, range(1), workers=1)


def blind_stores(described: list[dict[str, Any]], arrays: list[Array]) -> list[BlindStore]:
    """The stores that the parent described, with no answer marked right."""
    import numpy as np

    from autotts_core.store.arrays import TraceArrays

    stores = []
    for k, store in enumerate(described):
        columns = dict(zip(COLUMNS, arrays[len(COLUMNS) * k :], strict=False))
        stores.append(
            BlindStore(
                store["name"],
                TraceArrays(
                    **columns,
                    class_correct=np.zeros(int(columns["class_start"][-1]), np.bool_),
                    interval_tokens=store["interval_tokens"],
                    exact_accounting=store["exact_accounting"],
                    read_class_text=list,
                ),
            )
        )
    return stores


@dataclass(frozen=True)
class BlindStore:
    """A store's traces with no answer marked right."""

    name: str
    arrays: TraceArrays

    def load(self) -> TraceArrays:
        """The traces."""
        return self.arrays


def _load(message: dict[str, Any]) -> Controller:
    from autotts_core.controller_file import load_controller_source
    from autotts_core.controller_spec import load_controllers

    if message["source"] is None:
        return load_controllers(message["name"])[0]
    return load_controller_source(message["source"], message["name"])()


def _controller(replies: BinaryIO, message: dict[str, Any]) -> Controller | None:
    from autotts_core.schedule import check_schedule, depends_on_beta

    try:
        controller = _load(message)
        check_schedule(controller)
        send(replies, {"depends_on_beta": depends_on_beta(controller)})
    except ControllerError as error:
        send(replies, {"fault": text_of(error)[:MOST_TOLD]})
        return None
    except BaseException as error:
        told = f"loading the controller raised {type(error).__name__}: {text_of(error)}"
        send(replies, {"fault": told[:MOST_TOLD]})
        return None
    return controller


def _rescheduled(replies: BinaryIO, controller: Controller, source: str) -> Controller:
    """`controller` with the schedule of `source`; as it was, where that has a fault."""
    from autotts_core.controller_file import load_controller_source
    from autotts_core.schedule import check_schedule

    try:
        other = load_controller_source(source, controller.name)()
        check_schedule(other)
        controller.schedule = other.schedule  # type: ignore[method-assign]
        send(replies, {"rescheduled": True})
    except ControllerError as error:
        send(replies, {"fault": text_of(error)[:MOST_TOLD]})
    except BaseException as error:
        told = f"loading the schedule raised {type(error).__name__}: {text_of(error)}"
        send(replies, {"fault": told[:MOST_TOLD]})
    return controller


def _answer(
    replies: BinaryIO,
    controller: Controller,
    stores: list[BlindStore],
    message: dict[str, Any],
    workers: int,
) -> None:
    from autotts_core.replay.interpreted import replay_episode
    from autotts_core.replay.ledger import rows_of
    from autotts_core.schedule import evaluated

    try:
        if "schedule" in message:
            send(replies, {"parameters": evaluated(controller, message["schedule"])})
            return
        store, beta = stores[message["store"]], message["beta"]
        if "question" in message:
            episode = replay_episode(controller, store, message["question"], message["seed"], beta)
            rows = rows_of(*episode.record.ledger())
            send(replies, {"answer_class": episode.answer_class, "stop": episode.stop}, [rows])
            return
        run = _compiled if message["compile"] else _interpreted
        replayed = run(controller, store, beta, range(message["seeds"]), workers)
        send(
            replies,
            {"reasons": list(replayed.reasons), "warnings": replayed.notes},
            [replayed.answers, replayed.stops, replayed.ledgers.rows, replayed.ledgers.ends],
        )
    except ControllerError as error:
        send(replies, {"fault": text_of(error)[:MOST_TOLD]})
    except MemoryError:
        send(replies, {"fault": f"controller {controller.name!r} ran out of memory"})
    except WireError:
        raise
    except Exception:
        send(replies, {"failure": traceback.format_exc()[-MOST_TOLD:]})
    except BaseException as error:
        send(replies, {"fault": f"the controller raised {type(error).__name__}"})


@dataclass(frozen=True)
class _Replayed:
    """What the parent cannot count for itself, and what there is to say about how it came."""

    answers: Array
    stops: Array
    reasons: tuple[str, ...]
    ledgers: Ledgers
    notes: list[str]


def _compiled(
    controller: Controller, store: BlindStore, beta: float, seeds: range, workers: int
) -> _Replayed:
    from autotts_core.replay.compiled import NotCompilable, replay_recorded

    try:
        outcomes, ledgers = replay_recorded(controller, store, beta, seeds, workers)
    except NotCompilable as reason:
        note = f"controller {controller.name!r} is interpreted, which is slow: {reason}"
        replayed = _interpreted(controller, store, beta, seeds, workers)
        return replace(replayed, notes=[note])
    return _Replayed(outcomes.answer_class, outcomes.stop, outcomes.stop_reasons, ledgers, [])


def _interpreted(
    controller: Controller, store: BlindStore, beta: float, seeds: range, workers: int
) -> _Replayed:
    """In this process alone, whatever `workers`: the limits forbid others."""
    import numpy as np

    from autotts_core.replay.interpreted import replay_question
    from autotts_core.replay.ledger import Ledgers, rows_of
    from autotts_core.replay.outcomes import BUDGET_EXHAUSTED
    from autotts_core.replay.policy import tagged_policy

    reasons = tagged_policy(controller).reasons
    shape = (len(store.load().branch_start) - 1, len(seeds))
    answers, stops, parts = [], [], []
    for question in range(shape[0]):
        for episode in replay_question(controller, store, question, seeds, beta):
            answers.append(episode.answer_class)
            stops.append(reasons.index(episode.stop))
            parts.append(rows_of(*episode.record.ledger()))
    return _Replayed(
        np.array(answers, np.int64).reshape(shape),
        np.array(stops, np.int64).reshape(shape),
        (*reasons, BUDGET_EXHAUSTED),
        Ledgers(np.concatenate(parts), np.cumsum([len(rows) for rows in parts]).reshape(shape)),
        [],
    )
