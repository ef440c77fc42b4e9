"""Branches that an exported controller's test replays, and what comes of it."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from autotts_core.controller import Controller
from autotts_core.replay.interpreted import replay_interpreted
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

QUESTIONS, BRANCHES, INTERVAL = 3, 64, 500

Branch = tuple[list[str], int, str]
"""Probes, tokens, final answer."""
Outcome = tuple[int, int, bool]
"""Tokens, sequential tokens, whether the answer is right."""


def sample_branches() -> list[list[Branch]]:
    """Branches of three questions, from easy to hard; the right answer is "a". Always the same."""
    rng = random.Random(0)
    return [[_branch(rng, right) for _ in range(BRANCHES)] for right in (0.9, 0.6, 0.3)]


def _branch(rng: random.Random, right: float) -> Branch:
    intervals = 2 + int(rng.expovariate(0.15))
    final = "a" if rng.random() < right else rng.choice("bcd")
    settles = rng.randrange(intervals + 1)
    probes = [final if k >= settles else rng.choice("abcd") for k in range(intervals)]
    return probes, intervals * INTERVAL + rng.randrange(1, INTERVAL), final


def sample_outcomes(controller: Controller, beta: float) -> list[Outcome]:
    """What the controller comes to on each of `sample_branches`, with seed 0."""
    with tempfile.TemporaryDirectory() as directory:
        questions = [[BranchTrace(*each) for each in own] for own in sample_branches()]
        store = toy_store(Path(directory), *questions)
        found = replay_interpreted(controller, store, beta, range(1))
    return [
        (int(found.tokens[q, 0]), int(found.sequential_tokens[q, 0]), bool(found.correct[q, 0]))
        for q in range(QUESTIONS)
    ]
