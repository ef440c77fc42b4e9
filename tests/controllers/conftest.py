"""Controller files, and a small store of our own making to replay them on."""

import random
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from autotts_core.store import ReplayStore, write_store
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet

WriteFile = Callable[..., Path]

SOUND = '''\
"""Reads a few branches.

And takes the majority.
"""

from autotts_core.voting import majority

INCREASING = ("width",)


def schedule(beta):
    return {"width": 2 + round(6 * beta)}


def policy(episode, p):
    for _ in range(p.width):
        episode.read()
    return majority([episode.answer(i) for i in range(episode.branches)])  # all read
'''


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Write a controller file; returns its path."""

    def write(source: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    """Six questions of 70 branches, ragged, with answers missing and answers that change."""
    rng = random.Random(7)

    def branch(answers: list[str]) -> BranchTrace:
        intervals = rng.randrange(12)
        probes = [rng.choice(answers) for _ in range(intervals)]
        return BranchTrace(probes, 500 * intervals + rng.randrange(1, 500), rng.choice(answers))

    questions = [
        QuestionTrace(
            id=str(k),
            text=f"Question {k}?",
            gold_answer="42",
            branches=[branch(["42"] * (k + 1) + ["41", "", "7"]) for _ in range(70)],
        )
        for k in range(6)
    ]
    path = tmp_path_factory.mktemp("stores") / "toy"
    write_store(
        path,
        TraceSet(
            model="tiny",
            benchmark="toy",
            interval_tokens=500,
            accounting="published",
            source="made by a test",
            questions=questions,
        ),
    )
    return ReplayStore.open(path)
