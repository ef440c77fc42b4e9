"""Whatever an engine does wrong, what can be had is had, and nothing is left running."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from autotts_sim.engine import SimulatedEngine

from autotts_core import retrying_engine
from autotts_core.controller_spec import load_controllers
from autotts_core.engine_branch import BranchSettings
from autotts_core.errors import EngineError
from autotts_core.faulty_engine import Faults, FaultyEngine
from autotts_core.grader import ExactGrader
from autotts_core.live.solving import LiveAnswer, Solver
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.retrying_engine import RetryingEngine
from autotts_core.trace_backend import Sampling


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying_engine, "_FIRST_WAIT", 0.0)


async def solved(engine: FaultyEngine) -> LiveAnswer:
    await engine.start("toy")
    form = registry().get("benchmark", "arithmetic").configure({"form": "completion"})
    asked = ModelTokenizer(engine.tokenizer("toy")).asked(form, "What is 17 + 25 - 4?")
    (controller,) = load_controllers("cmc")
    settings = BranchSettings(100, 2000)
    with ThreadPoolExecutor(1) as threads:
        solver = Solver(
            controller, 1.0, settings, 64, RetryingEngine(engine), ExactGrader(), "apart", threads
        )
        return await solver.solve(asked)


PASSING = {
    "overloaded": Faults(overloaded=0.2),
    "cut": Faults(cut=0.2),
    "slow": Faults(slow=0.2),
    "aborted": Faults(aborted=0.2),
    "too_long": Faults(too_long=0.2),
    "empty": Faults(empty=0.2),
    "wrong_logprobs": Faults(wrong_logprobs=0.2),
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_changes_no_answer_and_no_token(fault: str) -> None:
    faulty = FaultyEngine(SimulatedEngine(), PASSING[fault], slow_seconds=0.01)
    found = asyncio.run(solved(faulty))
    sound = asyncio.run(solved(FaultyEngine(SimulatedEngine(), Faults())))
    assert faulty.met[fault] > 5
    assert (found.answer, found.tokens, found.actions) == (
        sound.answer, sound.tokens, sound.actions,
    )  # fmt: skip
    assert [branch.text for branch in found.branches] == [branch.text for branch in sound.branches]
    assert faulty.running == 0


def test_what_stays_ends_it_at_once() -> None:
    faulty = FaultyEngine(SimulatedEngine(), Faults(refused=0.05))

    async def run() -> None:
        with pytest.raises(EngineError, match="refused for good"):
            await solved(faulty)
        await asyncio.sleep(0)
        assert faulty.running == 0

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["aborted", "too_long", "empty", "wrong_logprobs"])
def test_replies_that_are_never_right_are_an_engine_error(fault: str) -> None:
    faulty = FaultyEngine(SimulatedEngine(), Faults(**{fault: 1.0}))

    async def run() -> None:
        await faulty.start("toy")
        with pytest.raises(EngineError, match="the engine") as raised:
            await RetryingEngine(faulty, attempts=3).generate([65], 10, Sampling())
        assert raised.value.transient

    asyncio.run(run())
    assert faulty.met[fault] == 3


def test_faults_are_seeded_and_as_frequent_as_they_are_told_to_be() -> None:
    async def met(seed: int) -> dict[str, int]:
        faulty = FaultyEngine(SimulatedEngine(), Faults(overloaded=0.3, cut=0.1), seed)
        await faulty.start("toy")
        asked = [faulty.generate([65], 10, Sampling(seed=k)) for k in range(1000)]
        await asyncio.gather(*asked, return_exceptions=True)
        return dict(faulty.met)

    first, again, other = (asyncio.run(met(seed)) for seed in (0, 0, 1))
    assert first == again != other
    assert 250 < first["overloaded"] < 350
    assert 60 < first["cut"] < 140


def test_down_nothing_is_answered_until_it_is_back() -> None:
    faulty = FaultyEngine(SimulatedEngine(), Faults())

    async def run() -> None:
        await faulty.start("toy")
        faulty.down = True
        asked = asyncio.create_task(
            RetryingEngine(faulty, attempts=10_000).generate([65], 10, Sampling())
        )
        while faulty.met["down"] < 3:
            await asyncio.sleep(0)
        faulty.down = False
        assert (await asked).token_ids

    asyncio.run(run())
