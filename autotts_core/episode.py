"""The episode: the only thing that a controller ever touches."""

from typing import Protocol

from autotts_core.voting import Tally

MAX_TALLIES = 16
"""Tallies that one episode hands out."""


class Episode(Protocol):
    """One question being answered under control, replayed or live.

    Branches are numbered from 0 in the order in which they were opened. Answers are small
    integers, dense in the order in which this episode first revealed them: equal ids mean
    equal answers, -1 means none. Every method that takes a branch raises an error for one
    that was never opened.

    Work is asked for at once and awaited on the next read: several `branch`, `read` and
    `advance` calls followed by a read of any of their branches run in parallel, and count
    towards sequential tokens only by the longest of them.
    """

    @property
    def branches(self) -> int:
        """Number of branches opened so far."""

    @property
    def spent(self) -> int:
        """Tokens generated so far, over all branches (awaits outstanding work)."""

    @property
    def remaining(self) -> int:
        """Tokens left in the episode's budget (awaits outstanding work)."""

    def branch(self) -> int:
        """BRANCH: open a branch, run its first interval, reveal its probe.

        Returns the new branch's index, or -1 when the pool or the budget is exhausted.
        """

    def read(self) -> int:
        """Open a branch and run it to its end; returns as `branch` does."""

    def advance(self, i: int, intervals: int = 1) -> None:
        """CONTINUE x `intervals`, then PROBE; stops early at the branch's end.

        Does nothing on a finished branch; an error on a pruned one. Once the budget is
        spent, the episode ends with the majority of its unpruned branches' answers.
        """

    def prune(self, i: int) -> None:
        """PRUNE: give the branch up; it keeps its answer and can no longer advance."""

    def answer(self, i: int) -> int:
        """The latest revealed answer of branch `i`."""

    def finished(self, i: int) -> bool:
        """Whether branch `i` has reached its end, so that its answer is final."""

    def pruned(self, i: int) -> bool:
        """Whether branch `i` was pruned."""

    def depth(self, i: int) -> int:
        """Intervals that branch `i` has run, the last and shorter one included."""

    def tokens(self, i: int) -> int:
        """Tokens charged for branch `i`."""

    def signal(self, i: int) -> float:
        """Mean token log-probability of the last interval; nan where the store has none."""

    def confidence(self, i: int) -> float:
        """Lowest confidence of a window of the branch's tokens so far, as DeepConf has it.

        nan before the first window is full, and where the store has none.
        """

    def tally(self) -> Tally:
        """A new count of votes over answer ids; an episode hands out at most 16."""
