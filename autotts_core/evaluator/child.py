"""The evaluator's child: replays one untrusted controller, within limits that it cannot lift.

The first message brings the limits, the second the search
set's columns without gold answers or answer texts, the third the source; every further one asks
for a replay, for one episode, or for the schedule's parameters.
"""

from __future__ import annotations

import resource
import sys
import traceback
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from autotts_core.processes import connect
from autotts_core.wire import WireError, receive, send

if TYPE_CHECKING:
    from autotts_core.controller import Controller
    from autotts_core.replay.outcomes import Outcomes
    from autotts_core.store.arrays import TraceArrays
    from autotts_core.wire import Array

_MOST_STORES = 16 * 2**30


def main(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    try:
        message, _ = receive(requests, 0)
        _limit(message["cpu_seconds"], message["memory_bytes"])
        workers = message["workers"]
        described, arrays = receive(requests, _MOST_STORES)
        stores = _stores(described["stores"], arrays)
        message, _ = receive(requests, 0)
        controller = _controller(replies, message["source"], message["name"])
        while controller is not None:
            message, _ = receive(requests, 0)
            _answer(replies, controller, stores, message, workers)
    except WireError:
        return


def _limit(cpu_seconds: int, memory_bytes: int) -> None:
    for kind, most in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # macOS has no limit on address space.
        with suppress(ValueError) if sys.platform == "darwin" else nullcontext():
            resource.setrlimit(kind, (allowed, allowed))


def _stores(described: list[dict[str, Any]], arrays: list[Array]) -> list[BlindStore]:
    import numpy as np

    from autotts_core.store.arrays import TraceArrays

    stores = []
    for k, store in enumerate(described):
        branch_start, step_start, step_class, step_signal, branch_tokens, class_start = arrays[
            6 * k : 6 * k + 6
        ]
        stores.append(
            BlindStore(
                store["name"],
                TraceArrays(
                    branch_start=branch_start,
                    step_start=step_start,
                    step_class=step_class,
                    step_signal=step_signal,
                    branch_tokens=branch_tokens,
                    class_start=class_start,
                    class_correct=np.zeros(int(class_start[-1]), np.bool_),
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


def _controller(replies: BinaryIO, source: str, name: str) -> Controller | None:
    from autotts_core.controller_file import load_controller_source
    from autotts_core.errors import ControllerError
    from autotts_core.schedule import check_schedule, depends_on_beta

    try:
        controller = load_controller_source(source, name)()
        check_schedule(controller)
        send(replies, {"depends_on_beta": depends_on_beta(controller)})
    except ControllerError as error:
        send(replies, {"fault": str(error)})
        return None
    return controller


def _answer(
    replies: BinaryIO,
    controller: Controller,
    stores: list[BlindStore],
    message: dict[str, Any],
    workers: int,
) -> None:
    import numpy as np

    from autotts_core.errors import ControllerError
    from autotts_core.replay.interpreted import replay_episode
    from autotts_core.replay.outcomes import OUTCOME_FIELDS

    if "schedule" in message:
        send(replies, {"parameters": controller.schedule(message["schedule"])})
        return
    store, beta = stores[message["store"]], message["beta"]
    try:
        if "question" in message:
            episode = replay_episode(controller, store, message["question"], message["seed"], beta)
            performed, batch_ends = episode.record.ledger()
            send(
                replies,
                {"answer_class": episode.answer_class, "stop": episode.stop},
                [np.array(performed, np.int64).reshape(-1, 2), np.array(batch_ends, np.int64)],
            )
            return
        run = _compiled if message["compile"] else _interpreted
        outcomes, notes = run(controller, store, beta, range(message["seeds"]), workers)
        fields = np.stack([getattr(outcomes, name) for name in OUTCOME_FIELDS])
        send(replies, {"reasons": list(outcomes.stop_reasons), "warnings": notes}, [fields])
    except ControllerError as error:
        send(replies, {"fault": str(error)})
    except MemoryError:
        send(replies, {"fault": f"controller {controller.name!r} ran out of memory"})
    except WireError:
        raise
    except Exception:
        send(replies, {"failure": traceback.format_exc()})


def _compiled(
    controller: Controller, store: BlindStore, beta: float, seeds: range, workers: int
) -> tuple[Outcomes, list[str]]:
    """The outcomes, and what there is to say about how they came about."""
    from autotts_core.replay.compiled import NotCompilable, replay_compiled

    try:
        return replay_compiled(controller, store, beta, seeds, workers=workers), []
    except NotCompilable as reason:
        note = f"controller {controller.name!r} is interpreted, which is slow: {reason}"
        return _interpreted(controller, store, beta, seeds, workers)[0], [note]


def _interpreted(
    controller: Controller, store: BlindStore, beta: float, seeds: range, workers: int
) -> tuple[Outcomes, list[str]]:
    from autotts_core.replay.interpreted import replay_interpreted

    # In this process alone, for the limits forbid others.
    return replay_interpreted(controller, store, beta, seeds), []


if __name__ == "__main__":
    main(*connect())
