"""Small stores of our own making."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autotts_core.replay.orders import branch_orders
from autotts_core.store import ReplayStore, write_store
from autotts_core.trace_importer import ImportedTraces
from autotts_core.traces import BranchTrace, QuestionTrace

MakeStore = Callable[..., ReplayStore]


def in_opening_order(branches: Sequence[BranchTrace]) -> list[BranchTrace]:
    """Place branches so that seed 0 opens them in the order given."""
    placed = list(branches)
    for branch, place in zip(branches, branch_orders(len(branches), range(1))[0], strict=True):
        placed[place] = branch
    return placed


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """A store of questions, each given as its branches in the order in which seed 0 opens them."""
    made = 0

    def make(
        *questions: Sequence[BranchTrace],
        gold: str = "a",
        accounting: str = "published",
        interval_tokens: int = 500,
    ) -> ReplayStore:
        nonlocal made
        made += 1
        path = tmp_path / f"store{made}"
        traces = ImportedTraces(
            model="toy",
            benchmark="sums",
            interval_tokens=interval_tokens,
            accounting=accounting,
            source="made by a test",
            questions=[
                QuestionTrace(str(k), f"question {k}", gold, in_opening_order(branches))
                for k, branches in enumerate(questions)
            ],
        )
        write_store(path, traces)
        return ReplayStore.open(path)

    return make
