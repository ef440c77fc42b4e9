"""Ledgers come from where untrusted code runs: what no episode can have done is refused."""

from __future__ import annotations

import numpy as np
import pytest

from autotts_core.evaluator.parent import TamperedError, counted_outcomes
from autotts_core.replay.interpreted_episode import InterpretedEpisode, recorded_question
from autotts_core.replay.ledger import BRANCH, PRUNE, READ, Ledgers, performed, rows_of
from autotts_core.replay.outcomes import Outcomes
from autotts_core.store import ReplayStore
from autotts_core.store.tables import MOST_STEPS
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

INTERVAL = 500


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    branches = [BranchTrace(["a", "b", "c"], 1520, "c") for _ in range(3)]
    return toy_store(tmp_path_factory.mktemp("stores"), branches, accounting="exact")


def counted(
    store: ReplayStore, rows: list[tuple[int, int]], answer: int = -1, end: int | None = None
) -> Outcomes:
    ends = np.array([[len(rows) if end is None else end]], np.int64)
    ledgers = Ledgers(np.array(rows, np.int16).reshape(-1, 2), ends)
    answers, stops = np.array([[answer]], np.int64), np.zeros((1, 1), np.int64)
    return counted_outcomes(store.load(), range(1), answers, stops, ledgers, ("done",))


@pytest.mark.parametrize(
    ("rows", "tokens", "sequential", "pruned"),
    [
        ([], 0, 0, 0),
        ([(0, READ), (1, READ)], 3040, 1520, 0),
        ([(~0, READ), (1, READ)], 3040, 3040, 0),
        ([(0, BRANCH), (~1, BRANCH), (0, 1), (~1, 2)], 500 * 2 + 500 * 3, 1500, 0),
        ([(0, BRANCH), (0, 1), (~0, PRUNE)], 1000, 1000, 1),
        ([(~0, BRANCH), (0, MOST_STEPS)], 1520, 1520, 0),
        ([(0, BRANCH), (0, PRUNE), (0, PRUNE)], 500, 500, 1),
        ([(0, READ), (0, 1), (~0, 7)], 1520, 1520, 0),
    ],
)
def test_costs_are_counted_by_the_rows(
    store: ReplayStore, rows: list[tuple[int, int]], tokens: int, sequential: int, pruned: int
) -> None:
    found = counted(store, rows)
    assert found.tokens.tolist() == [[tokens]]
    assert found.sequential_tokens.tolist() == [[sequential]]
    assert found.pruned.tolist() == [[pruned]]


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ([(1, READ)], -1),
        ([(~1, READ)], -1),
        ([(0, READ), (0, READ)], -1),
        ([(i, READ) for i in range(4)], -1),
        ([(0, 1)], -1),
        ([(0, READ), (1, 1)], -1),
        ([(0, READ), (MOST_STEPS, 1)], -1),
        ([(0, READ), (~MOST_STEPS, PRUNE)], -1),
        ([(0, BRANCH), (0, PRUNE), (0, 1)], -1),
        ([(0, BRANCH), (0, -3)], -1),
        ([(0, BRANCH), (0, -MOST_STEPS - 1)], -1),
        ([(0, BRANCH)], 1),  # the class of the branch's second interval
        ([(0, READ)], 0),
        ([(0, READ)], 3),
        ([(0, READ)], -2),
        ([], 0),
    ],
)
def test_what_no_episode_can_have_done_is_refused(
    store: ReplayStore, rows: list[tuple[int, int]], answer: int
) -> None:
    with pytest.raises(TamperedError, match=r"impossible ledger \(question 0, seed 0\)"):
        counted(store, rows, answer)


@pytest.mark.parametrize("end", [-1, 2, 2**40])
def test_an_end_outside_of_the_rows_is_refused(store: ReplayStore, end: int) -> None:
    with pytest.raises(TamperedError):
        counted(store, [(0, READ)], end=end)


def test_rows_say_what_was_performed_and_where_batches_end() -> None:
    asked = [(0, BRANCH), (1, BRANCH), (0, 2), (1, PRUNE), (2, READ)]
    assert performed(rows_of(asked, [2, 4])) == (asked, [2, 4])
    assert performed(rows_of([], [])) == ([], [])
    # Where nothing was asked for in between, there is no batch.
    assert performed(rows_of(asked, [0, 2, 2, 5])) == (asked, [2, 5])
    assert performed(rows_of([(0, BRANCH), (0, 10**12)], [])) == (
        [(0, BRANCH), (0, MOST_STEPS)],
        [],
    )


def test_a_branch_that_has_ended_is_asked_for_nothing_more(store: ReplayStore) -> None:
    episode = InterpretedEpisode(recorded_question(store.load(), 0), [0, 1, 2])
    for _ in range(2):
        episode.branch()
    for i in (0, 1, 0, 1, 0, 0, 1, 0):
        episode.advance(i)
    performed, ends = map(list, episode.ledger())
    # Four steps each: what came after the last of them is not there.
    assert performed == [(0, BRANCH), (1, BRANCH), *((i, 1) for i in (0, 1, 0, 1, 0, 1))]
    assert ends == [8]
    episode.advance(0)
    assert episode.ledger() == (performed, ends)
    episode.prune(1)
    with pytest.raises(ValueError, match="branch 1 was pruned"):
        episode.advance(1)
    for ask in (episode.prune, episode.advance, episode.answer):
        with pytest.raises(IndexError, match="branch 2 was never opened"):
            ask(2)
