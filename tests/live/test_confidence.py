"""Confidence live is what a store of the same branches has."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from autotts_sim.engine import SimulatedEngine

from autotts_core.collecting.collector import sampled
from autotts_core.controller_spec import load_controllers
from autotts_core.engine_branch import BranchSettings, EngineBranch, EngineQuestion
from autotts_core.grader import ExactGrader
from autotts_core.live.branch import LiveBranch
from autotts_core.live.solving import LiveAnswer, Solver
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry

SETTINGS = BranchSettings(
    interval_tokens=100, max_tokens=1500, top_logprobs=5, confidence_window=150
)


async def started() -> tuple[SimulatedEngine, EngineQuestion]:
    engine = SimulatedEngine.configure({"mean_tokens": 800})
    await engine.start("toy")
    benchmark = registry().get("benchmark", "arithmetic").configure({"form": "completion"})
    tokenizer = ModelTokenizer(engine.tokenizer("toy"))
    return engine, tokenizer.asked(benchmark, benchmark.questions()[2].text)


@pytest.mark.parametrize("seed", range(3))
def test_a_live_branch_has_the_confidence_of_a_collected_one(seed: int) -> None:
    async def run() -> None:
        engine, question = await started()
        trace, _ = await sampled(EngineBranch(engine, question, SETTINGS, seed))
        assert trace.confidences is not None
        branch = LiveBranch(engine, question, SETTINGS, seed)
        found = [(await branch.advance(1)).confidence for _ in trace.confidences]
        assert branch.finished
        np.testing.assert_array_equal(found, np.fmin.accumulate(trace.confidences))
        whole = await LiveBranch(engine, question, SETTINGS, seed).read()
        assert whole.confidence == pytest.approx(found[-1])

    asyncio.run(run())


def test_deepconf_prunes_by_it() -> None:
    async def run() -> LiveAnswer:
        engine, question = await started()
        (controller,) = load_controllers("deepconf:warm_up=8,branches=24,tau=1.0")
        with ThreadPoolExecutor(1) as threads:
            solver = Solver(controller, 0.0, SETTINGS, 24, engine, ExactGrader(), "apart", threads)
            return await solver.solve(question)

    found = asyncio.run(run())
    kinds = [action.kind for action in found.actions]
    assert (kinds.count("read"), kinds.count("branch")) == (8, 16)
    assert kinds.count("prune") > 0
    assert found.answer
