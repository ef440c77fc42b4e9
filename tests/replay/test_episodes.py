"""Budgets, records and missing answers, on stores small enough to work them out by hand."""

from pathlib import Path
from typing import Any

import pytest

from autotts_core.errors import StoreError
from autotts_core.plugins import registry
from autotts_core.replay.engine import replay
from autotts_core.replay.interpreted import replay_episode, replay_interpreted
from autotts_core.store import ReplayStore
from autotts_core.testing import assert_same_outcomes, toy_store
from autotts_core.traces import BranchTrace


def whole(final: str, tokens: int = 400) -> BranchTrace:
    return BranchTrace([], tokens, final)


def played(
    store: ReplayStore, name: str, beta: float = 0.0, budget: int | None = None, **options: Any
) -> tuple[str, int, int, int, str]:
    """(answer, tokens, sequential tokens, branches, reason), the same in both worlds."""
    controller = registry().get("controller", name).configure(options)
    o = replay(controller, store, beta, range(1), budget)
    assert_same_outcomes(o, replay_interpreted(controller, store, beta, range(1), budget))
    return (
        store.load().class_text[o.answer_class[0, 0]] if o.answer_class[0, 0] >= 0 else "",
        int(o.tokens[0, 0]),
        int(o.sequential_tokens[0, 0]),
        int(o.branches[0, 0]),
        o.stop_reasons[o.stop[0, 0]],
    )


def test_a_budget_ends_the_episode_with_the_majority_so_far(tmp_path: Path) -> None:
    branch = BranchTrace(["a"] * 6, 3100, "a")
    other = BranchTrace(["b"] * 6, 3100, "b")
    store = toy_store(tmp_path, [other, branch, branch])
    result = played(store, "parallel-probe", branches=3, budget=2400)
    assert result == ("a", 2500, 1000, 3, "budget exhausted")
    # Opening stops at the budget too.
    assert played(store, "self-consistency", branches=3, budget=3000)[1:4] == (3100, 3100, 1)


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


def test_unanswered_branches_do_not_vote(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole(""), whole(""), whole("a")])
    assert played(store, "self-consistency", branches=3)[0] == "a"
    store = toy_store(tmp_path, [whole(""), whole("")])
    assert played(store, "self-consistency", branches=2)[0] == ""


def test_a_question_out_of_range_is_named(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole("a")], [whole("a")])
    controller = registry().get("controller", "asc").configure({})
    with pytest.raises(StoreError, match=r"toy/sums has no question 2: .* 0 to 1"):
        replay_episode(controller, store, 2, 0, 0.0)
