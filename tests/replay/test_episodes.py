"""The record of one episode, on a store small enough to work it out by hand."""

from pathlib import Path

import pytest

from autotts_core.errors import StoreError
from autotts_core.plugins import registry
from autotts_core.replay.interpreted import replay_episode
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace


def whole(final: str, tokens: int = 400) -> BranchTrace:
    return BranchTrace([], tokens, final)


def test_actions_tell_what_was_revealed(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [BranchTrace(["x", "a"], 1200, "a"), whole("b", 100)])
    controller = registry().get("controller", "parallel-probe").configure({"branches": 2})
    episode = replay_episode(controller, store, 0, 0, 0.0)
    actions = episode.record.actions()
    assert [(a.kind, a.branch, a.depth, a.answer, a.tokens, a.finished) for a in actions] == [
        ("branch", 0, 1, 0, 500, False),
        ("branch", 1, 1, 1, 100, True),
        ("advance", 0, 2, 2, 1000, False),
        ("advance", 0, 3, 2, 1200, True),
    ]
    assert [a.batch for a in actions] == sorted(a.batch for a in actions)
    assert [episode.record.text(k) for k in range(3)] == ["x", "b", "a"]


def test_a_question_out_of_range_is_named(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole("a")], [whole("a")])
    controller = registry().get("controller", "asc").configure({})
    with pytest.raises(StoreError, match=r"toy/sums has no question 2: .* 0 to 1"):
        replay_episode(controller, store, 2, 0, 0.0)
