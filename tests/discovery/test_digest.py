"""What a digest finds in episodes that were worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autotts_core.discovery.digest import Digest, digest
from autotts_core.evaluator import Evaluator
from autotts_core.evaluator.parent import EpisodeKey
from autotts_core.frontier import Frontier, Point, QuestionMeans
from autotts_core.recipe.schema import Limits
from autotts_core.store import ReplayStore
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

HASTY = '''\
"""Deepen two branches twice, prune the second, deepen the first."""


def schedule(beta):
    return {"deep": 2}


def policy(episode, p):
    a, b = episode.branch(), episode.branch()
    for _ in range(p.deep):
        episode.advance(a)
        episode.advance(b)
    episode.answer(a)
    episode.prune(b)
    episode.advance(a)
    return episode.answer(a)  # pruned the other
'''


def store_of(directory: Path, *branches: BranchTrace) -> ReplayStore:
    return toy_store(directory, list(branches))


def digested(store: ReplayStore, best: Frontier | None = None) -> Digest:
    evaluator = Evaluator([store], 1, Limits(), 1)
    frontier = evaluator.evaluate(HASTY, "hasty", (1.0,))
    keys = [EpisodeKey(0, 0, 0, 0.0)]
    episodes = evaluator.episodes(HASTY, "hasty", keys)
    return digest(frontier, [store], range(1), best, keys, episodes)


def test_tokens_after_the_decision_and_right_branches_pruned(tmp_path: Path) -> None:
    long = BranchTrace(["b", "a", "a", "a", "a"], 2600, "a")
    right_in_the_end = BranchTrace(["c", "c", "c", "a"], 2100, "a")
    found = digested(store_of(tmp_path, long, right_in_the_end))
    (waste,) = found.waste
    # Nothing is read before each branch has run three intervals: there "a" ties with "c", and
    # one more interval follows.
    assert waste.pruned_right == 1
    assert waste.stopped_early == 0
    assert waste.stops == {"pruned the other": 1.0}
    assert waste.decided_share == 500 / 3500
    assert found.lost_to_sc64 == ()


def test_stopping_wrong_where_self_consistency_is_right(tmp_path: Path) -> None:
    wrong = BranchTrace(["b"] * 6, 3100, "b")
    right = BranchTrace(["b", "b", "b", "a"], 2100, "a")
    found = digested(store_of(tmp_path, wrong, right, right, right))
    (waste,) = found.waste
    assert (waste.stopped_early, waste.pruned_right) == (1.0, 1.0)
    (lost,) = found.lost_to_sc64
    assert (lost.store, lost.question, lost.accuracy, lost.compared) == ("toy/sums", 0, 0.0, 100.0)
    assert Digest.from_json(found.to_json()) == found


def test_questions_that_an_earlier_proposal_had_right(tmp_path: Path) -> None:
    wrong = BranchTrace(["b"] * 6, 3100, "b")
    store = store_of(tmp_path, wrong, wrong)
    own = Evaluator([store], 1, Limits(), 1).evaluate(HASTY, "hasty", (1.0,))
    before = Frontier(
        (Point(own.points[0].scores, (QuestionMeans(*(np.array([100.0]) for _ in range(3))),)),)
    )
    (lost,) = digested(store, before).lost_to_best
    assert (lost.accuracy, lost.compared) == (0.0, 100.0)
