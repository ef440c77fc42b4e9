"""A store of our own making, whose questions are each awkward in their own way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from autotts_core.controller_spec import load_controllers
from autotts_core.replay.interpreted import ReplayedEpisode, replay_episode
from autotts_core.replay.picture import Picture, episode_picture
from autotts_core.store import ReplayStore, write_store
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet

HOSTILE = (
    "[bold]bold[/bold][/]",
    "\x1b[31mred\x1b]0;title\x07",
    "two\nlines\r\tand more",
    "\u202eright to left\u2069\u200f",
    "x" * 100_000,
    "e" + "\u0301" * 500,
    "漢字" * 80,
    "\x9b2J\x7f",
)

MIXED = QuestionTrace(
    id="six-by-seven",
    text="What is\n6 x 7?",
    gold_answer="42",
    branches=[
        BranchTrace(["36", "42", "42"], 1720, "42"),
        BranchTrace(["36", "36", "36", "", "42", "42"], 3100, "42"),
        BranchTrace(["7", "13"], 1203, "13"),
        BranchTrace(["42"], 800, "42"),
        BranchTrace(["13", "42", "42", "42", "42"], 2888, "42"),
        BranchTrace([], 300, "41"),
    ],
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawings must not depend on how the tests' own terminal is set up."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    """Questions: 0 a mixture, 1 hostile answers, 2 one branch, 3 a pool of 128."""
    branches = [BranchTrace([text] * (1 + k % 3), 1600 + k, text) for k, text in enumerate(HOSTILE)]
    many = [
        BranchTrace(
            [str(k % 3), str(k % 11), str(k % 40)] * (1 + k % 30), 1600 + 1500 * (k % 30), "7"
        )
        for k in range(128)
    ]
    path = tmp_path_factory.mktemp("stores") / "tiny" / "toy"
    write_store(
        path,
        TraceSet(
            model="tiny",
            benchmark="toy",
            interval_tokens=500,
            accounting="published",
            source="tiny/toy.json",
            questions=[
                MIXED,
                QuestionTrace("hostile", HOSTILE[1], HOSTILE[0], branches),
                QuestionTrace("2", "One?", "1", [BranchTrace(["1"] * 200, 100_123, "1")]),
                QuestionTrace("many", "Many?", "7", many),
            ],
        ),
    )
    return ReplayStore.open(path)


@pytest.fixture(scope="session")
def mixed() -> Path:
    return Path(__file__).parent / "controllers" / "mixed.py"


@pytest.fixture(scope="session")
def idle() -> Path:
    return Path(__file__).parent / "controllers" / "idle.py"


Replay = Callable[..., tuple[ReplayedEpisode, Picture]]


@pytest.fixture(scope="session")
def replayed(store: ReplayStore) -> Replay:
    """Replays a question under a controller: the episode, and its picture."""

    def replay(
        spec: object, question: int, seed: int = 0, budget: int | None = None
    ) -> tuple[ReplayedEpisode, Picture]:
        [controller] = load_controllers(str(spec))
        episode = replay_episode(controller, store, question, seed, 0.5, budget)
        picture = episode_picture(episode, store, question, seed, controller.name, 0.5, budget)
        return episode, picture

    return replay
