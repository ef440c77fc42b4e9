"""The picture of a live episode is that of its replay, and can be drawn at any time."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from autotts_core.cli.live_picture import LivePicture
from autotts_core.cli.picture import episode_lines
from autotts_core.controller_spec import label, load_controllers
from autotts_core.grader import ExactGrader
from autotts_core.live.episode import LiveEpisode
from autotts_core.live.picture import live_picture
from autotts_core.live.recorded import RecordedEngine
from autotts_core.live.solving import LiveAnswer, Solver
from autotts_core.replay.interpreted import replay_episode
from autotts_core.replay.picture import EpisodePicture, episode_picture
from autotts_core.store import ReplayStore


async def solved(
    store: ReplayStore, spec: str, seed: int, watched: list[LiveEpisode], pace: float = 0.0
) -> LiveAnswer:
    (controller,) = load_controllers(spec)
    engine = RecordedEngine(store, 0, seed, pace)
    with ThreadPoolExecutor(1) as threads:
        solver = Solver(
            controller,
            1.0,
            engine.settings(),
            engine.branches,
            engine,
            ExactGrader(),
            store.manifest.unreadable,
            threads,
        )
        return await solver.solve(engine.question(), watch=watched.append)


def comparable(picture: EpisodePicture) -> dict[str, Any]:
    """What both kinds of episode know."""
    found = asdict(picture)
    for branch in found["branches"]:
        branch.pop("recorded", None)
        branch.pop("recorded_tokens", None)
    for answer in found["answers"]:
        answer.pop("correct")
    keys = (
        "interval_tokens", "pool", "branches", "answers", "answer", "stop", "tokens",
        "sequential_tokens",
    )  # fmt: skip
    return {key: found[key] for key in keys}


@pytest.mark.parametrize(
    "spec", ["parallel-probe:branches=16", "brevity", pytest.param("cmc", marks=pytest.mark.slow)]
)
def test_its_end_is_drawn_as_the_replay_is(store: ReplayStore, spec: str) -> None:
    seed = 1
    watched: list[LiveEpisode] = []
    found = asyncio.run(solved(store, spec, seed, watched))
    live = live_picture(watched[0], found.answer, found.stop)
    (controller,) = load_controllers(spec)
    replayed = replay_episode(controller, store, 0, seed, 1.0)
    picture = episode_picture(replayed, store, 0, seed, label(controller), 1.0)
    assert comparable(live) == comparable(picture)


def test_on_its_way_it_grows_and_always_fits(store: ReplayStore) -> None:
    pictures = []
    frames = []
    watched: list[LiveEpisode] = []
    screen = Console(
        width=80,
        height=24,
        force_terminal=True,
        color_system="truecolor",
        file=io.StringIO(),
    )

    def watch(drawn: LivePicture) -> None:
        pictures.append(live_picture(watched[0]))
        with screen.capture() as frame:
            screen.print(drawn)
        frames.append(frame.get())

    async def run() -> LiveAnswer:
        drawn = LivePicture("title", "question\nof several lines " * 20)
        solving = asyncio.create_task(solved(store, "brevity", 0, watched, 2e-6))
        while not watched:
            await asyncio.sleep(0.001)
        drawn.watch(watched[0])
        while not solving.done():
            watch(drawn)
            await asyncio.sleep(0.02)
        return await solving

    found = asyncio.run(run())
    tokens = [picture.tokens for picture in pictures]
    assert tokens == sorted(tokens)
    assert 0 < tokens[len(tokens) // 2] < found.tokens
    assert all(picture.stop == "" for picture in pictures)
    assert any(
        not branch.finished and branch.tokens for picture in pictures for branch in picture.branches
    )
    # Of an interval that has run, its answer is seen when the controller has seen it.
    assert any(None in branch.cells for picture in pictures for branch in picture.branches)
    assert max(frame.count("\n") for frame in frames) < 24
    assert any("more" in frame for frame in frames)


def test_before_anything_has_happened_it_says_so(store: ReplayStore) -> None:
    screen = Console(width=80, file=io.StringIO())
    with screen.capture() as frame:
        screen.print(LivePicture("title", "question"))
    assert frame.get() == "starting the engine\n"
    nothing = EpisodePicture(
        interval_tokens=500, pool=8, branches=(), answers=(), answer=-1, stop="", tokens=0,
        sequential_tokens=0,
    )  # fmt: skip
    lines = [line.plain for line in episode_lines(nothing, screen, 24)]
    assert lines == ["No branch is open yet.", "", "0 of 8 branches", "", "No answer yet."]
    assert all(cell_len(line) <= 80 for line in lines)
