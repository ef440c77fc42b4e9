"""Live episodes on a recorded engine come to what interpreted replay comes to."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from autotts_core.controller_spec import load_controllers
from autotts_core.grader import ExactGrader
from autotts_core.live.recorded import RecordedEngine
from autotts_core.live.solving import LiveAnswer, Solver
from autotts_core.replay.interpreted import ReplayedEpisode, replay_episode
from autotts_core.store import ReplayStore

SIZES = [(1, 3), pytest.param((6, 4), marks=pytest.mark.slow)]
"""Questions and seeds: every controller soon, and hundreds of episodes among the slow tests."""

Size = tuple[int, int]


def episodes(size: Size) -> list[tuple[int, int]]:
    questions, seeds = size
    return [(question, seed) for question in range(questions) for seed in range(seeds)]


async def live(
    store: ReplayStore,
    spec: str,
    beta: float,
    size: Size,
    at_once: int,
    pace: float,
    budget: int | None = None,
) -> list[LiveAnswer]:
    (controller,) = load_controllers(spec)
    slots = asyncio.Semaphore(at_once)
    with ThreadPoolExecutor(at_once) as threads:

        async def one(question: int, seed: int) -> LiveAnswer:
            engine = RecordedEngine(store, question, seed, pace)
            unreadable = store.manifest.unreadable
            solver = Solver(
                controller,
                beta,
                engine.settings(),
                engine.branches,
                engine,
                ExactGrader(),
                unreadable,
                threads,
            )
            async with slots:
                answer = await solver.solve(engine.question(), budget=budget)
            assert engine.running == 0
            return answer

        return await asyncio.gather(*(one(*episode) for episode in episodes(size)))


def replayed(
    store: ReplayStore, spec: str, beta: float, size: Size, budget: int | None = None
) -> list[ReplayedEpisode]:
    (controller,) = load_controllers(spec)
    return [
        replay_episode(controller, store, question, seed, beta, budget)
        for question, seed in episodes(size)
    ]


def assert_same(answers: list[LiveAnswer], replays: list[ReplayedEpisode]) -> None:
    assert answers
    for found, expected in zip(answers, replays, strict=True):
        record = expected.record
        answer = record.revealed.index(expected.answer_class) if expected.answer_class >= 0 else -1
        assert (found.answer, found.stop) == (record.text(answer), expected.stop)
        assert found.tokens == record.spent
        assert found.sequential_tokens == record.sequential_tokens
        assert list(found.actions) == record.actions()
        latest = {each.branch: each.answer for each in found.actions}
        assert sorted(found.agreeing) == [i for i, a in sorted(latest.items()) if a == answer >= 0]


SPECS = [
    ("self-consistency:branches=16", 0.0),
    ("asc:max_branches=16", 0.0),
    ("esc:max_branches=16,window=4", 0.0),
    ("parallel-probe:branches=16", 0.0),
    ("cmc", 0.5),
    ("cmc", 1.0),
    ("brevity", 0.0),
    ("brevity", 1.0),
    ("deadline", 0.5),
]


@pytest.mark.parametrize("size", SIZES, ids=["few", "many"])
@pytest.mark.parametrize(("spec", "beta"), SPECS)
@pytest.mark.parametrize(
    ("at_once", "pace"),
    [pytest.param(1, 0.0, marks=pytest.mark.slow, id="alone"), pytest.param(64, 1e-6, id="64")],
)
def test_a_live_run_on_a_recorded_engine_is_the_replay(
    store: ReplayStore, spec: str, beta: float, size: Size, at_once: int, pace: float
) -> None:
    answers = asyncio.run(live(store, spec, beta, size, at_once, pace))
    assert_same(answers, replayed(store, spec, beta, size))


@pytest.mark.parametrize("budget", [5_000, 50_000])
@pytest.mark.parametrize("spec", ["cmc", "self-consistency:branches=16"])
def test_budgets_end_a_live_run_where_they_end_the_replay(
    store: ReplayStore, spec: str, budget: int
) -> None:
    answers = asyncio.run(live(store, spec, 1.0, (2, 3), 64, 0.0, budget))
    assert_same(answers, replayed(store, spec, 1.0, (2, 3), budget))
