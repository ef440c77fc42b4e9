"""Budgets end a live episode, are exceeded by no more than they say, and keep it parallel."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from autotts_core.controller_file import load_controller_source
from autotts_core.controller_spec import load_controllers
from autotts_core.grader import ExactGrader
from autotts_core.live.recorded import RecordedEngine
from autotts_core.live.solving import SEQUENTIAL_BUDGET_EXHAUSTED, LiveAnswer, Solver
from autotts_core.replay.outcomes import BUDGET_EXHAUSTED
from autotts_core.store import ReplayStore

CHASE = """
def schedule(beta):
    return {"width": 8}


def policy(episode, p):
    for _ in range(p.width):
        episode.branch()
    for _ in range(1000):
        for i in range(episode.branches):
            episode.advance(i)
        episode.answer(0)
    return -1
"""


def solved(
    engine: RecordedEngine,
    spec: str,
    budget: int | None = None,
    sequential_budget: int | None = None,
) -> LiveAnswer:
    if spec == "chase":
        controller = load_controller_source(CHASE, spec)()
    else:
        (controller,) = load_controllers(spec)

    async def run() -> LiveAnswer:
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
            return await solver.solve(
                engine.question(), budget=budget, sequential_budget=sequential_budget
            )

    return asyncio.run(run())


def spent_at_last_request(found: LiveAnswer) -> tuple[int, int]:
    """Tokens spent before the last thing that was generated, and in the whole episode."""
    tokens: dict[int, int] = {}
    before = 0
    for action in found.actions:
        if action.intervals:
            before = sum(tokens.values())
            tokens[action.branch] = action.tokens
    return before, sum(tokens.values())


@pytest.mark.parametrize("spec", ["chase", "cmc", "self-consistency:branches=16"])
@pytest.mark.parametrize("budget", [1, 3_000, 20_000])
def test_tokens_exceed_their_budget_by_the_last_request_at_most(
    store: ReplayStore, spec: str, budget: int
) -> None:
    found = solved(RecordedEngine(store, 0, 0), spec, budget)
    before, whole = spent_at_last_request(found)
    assert before < budget <= whole == found.tokens
    assert found.limited


def test_the_majority_so_far_is_the_answer_and_the_limit_is_named(store: ReplayStore) -> None:
    found = solved(RecordedEngine(store, 0, 0), "chase", budget=20_000)
    assert (found.stop, found.limited, found.answer != "") == (BUDGET_EXHAUSTED, True, True)
    whole = solved(RecordedEngine(store, 0, 0), "self-consistency:branches=16")
    assert not whole.limited


@pytest.mark.parametrize("budget", [500, 1_700, 4_000])
def test_sequential_tokens_exceed_their_budget_by_one_interval_at_most(
    store: ReplayStore, budget: int
) -> None:
    engine = RecordedEngine(store, 0, 0)
    found = solved(engine, "chase", sequential_budget=budget)
    assert (found.stop, found.limited) == (SEQUENTIAL_BUDGET_EXHAUSTED, True)
    assert budget <= found.sequential_tokens < budget + engine.settings().interval_tokens
    # What is asked for at once counts once.
    assert len(found.branches) == 8
    assert found.tokens > 3 * found.sequential_tokens


def test_a_spent_path_opens_no_branch(store: ReplayStore) -> None:
    """ASC reads one branch after another: the one that exceeds the budget is the last."""
    found = solved(RecordedEngine(store, 0, 0), "asc:max_branches=16", sequential_budget=25_000)
    assert found.limited
    assert found.tokens == found.sequential_tokens >= 25_000
    assert found.tokens - found.branches[-1].tokens < 25_000


def test_branches_run_in_parallel_as_long_as_the_budget_is_sure_to_last(
    store: ReplayStore,
) -> None:
    engine = RecordedEngine(store, 0, 0, 1e-6)
    solved(engine, "chase", budget=20_000)
    assert engine.most_running == 8
    alone = RecordedEngine(store, 0, 0, 1e-6)
    solved(alone, "chase", budget=1_200)
    assert alone.most_running < 4
