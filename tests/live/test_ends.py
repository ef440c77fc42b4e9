"""However a live episode ends, nothing is left running, and the right one is to blame."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from autotts_core.controller_file import load_controller_source
from autotts_core.controller_spec import load_controllers
from autotts_core.errors import ControllerError
from autotts_core.grader import ExactGrader
from autotts_core.live.recorded import RecordedEngine
from autotts_core.live.solving import OUT_OF_TIME, LiveAnswer, Solver
from autotts_core.store import ReplayStore
from autotts_core.trace_backend import Continuation, Sampling

SLOW = 1e-5
"""Seconds a token: a branch takes a tenth of a second or so."""


async def solved(
    engine: RecordedEngine, spec: str = "parallel-probe:branches=16", seconds: float | None = None
) -> LiveAnswer:
    (controller,) = load_controllers(spec)
    with ThreadPoolExecutor(1) as threads:
        solver = Solver(
            controller,
            1.0,
            engine.settings(),
            engine.branches,
            engine,
            ExactGrader(),
            "vote",
            threads,
        )
        return await solver.solve(engine.question(), seconds=seconds)


def test_out_of_time_the_majority_so_far_is_the_answer(store: ReplayStore) -> None:
    engine = RecordedEngine(store, 0, 0, SLOW)
    found = asyncio.run(solved(engine, seconds=0.1))
    whole = asyncio.run(solved(RecordedEngine(store, 0, 0)))
    assert (found.stop, found.answer != "") == (OUT_OF_TIME, True)
    assert 0 < found.tokens < whole.tokens
    # It did what the whole one did, as far as it came.
    assert list(found.actions) == list(whole.actions)[: len(found.actions)]
    assert engine.running == 0


def test_without_any_answer_there_is_none(store: ReplayStore) -> None:
    found = asyncio.run(solved(RecordedEngine(store, 0, 0, 1.0), seconds=0.05))
    assert (found.answer, found.stop, found.tokens) == ("", OUT_OF_TIME, 0)


def test_cancelled_it_leaves_no_request_running(store: ReplayStore) -> None:
    engine = RecordedEngine(store, 0, 0, 1.0)

    async def cancelled() -> None:
        task = asyncio.create_task(solved(engine))
        while engine.running < 16:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while engine.running:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(cancelled(), 60))
    assert engine.most_running == 16


class Failing(RecordedEngine):
    """Fails at its hundredth request."""

    name: ClassVar[str] = "failing"
    requests = 0

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        self.requests += 1
        if self.requests == 100:
            raise ConnectionResetError("the server has gone")
        return await super().generate(prefix, max_tokens, sampling)


def test_what_the_engine_raises_is_not_the_controllers_fault(store: ReplayStore) -> None:
    engine = Failing(store, 0, 0, SLOW)

    async def failed() -> None:
        with pytest.raises(ConnectionResetError, match="the server has gone"):
            await solved(engine)
        # At once: what is left over would otherwise be cancelled with the event loop.
        await asyncio.sleep(0)
        assert engine.running == 0

    asyncio.run(failed())


FAULTY = """
def schedule(beta):
    return {"width": 4}


def policy(episode, p):
    for _ in range(p.width):
        episode.branch()
    return 1 // (episode.depth(0) - 1)
"""


def test_what_the_controller_raises_is(store: ReplayStore) -> None:
    controller = load_controller_source(FAULTY, "faulty")()
    engine = RecordedEngine(store, 0, 0)

    async def run() -> LiveAnswer:
        with ThreadPoolExecutor(1) as threads:
            grader = ExactGrader()
            solver = Solver(
                controller, 0.5, engine.settings(), engine.branches, engine, grader, "vote", threads
            )
            return await solver.solve(engine.question())

    with pytest.raises(ControllerError, match=r"'faulty', β = 0\.5.*ZeroDivisionError.*line 9"):
        asyncio.run(run())
    assert engine.running == 0
