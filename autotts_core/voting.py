"""What controllers vote and weigh evidence with.

Plain functions over answer ids, numbers and lists. A policy may call all of them: they run
interpreted as they stand, and are compiled with the policy for replay by the million.
"""

import math
from collections import Counter
from collections.abc import Sized
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from autotts_core.episode import Episode

_LEADER, _RUNNER_UP, _VOTES, _ROOM = range(4)


class Tally:
    """A running count of votes for answer ids; `Episode.tally` gives a new one.

    Knows the leader at any time without counting again. Its methods are compiled as they
    stand over storage of the same shape, `_reserve` alone excepted.
    """

    def __init__(self, revealed: Sized) -> None:
        self._revealed = revealed
        self._counts: list[int] = []
        self._first_votes: list[int] = []
        self._standing = [-1, -1, 0, 0]

    def add(self, answer: int) -> None:
        """Count one vote; -1 (no answer) is no vote, an id never revealed a `ValueError`."""
        if answer < 0:
            return
        standing, counts = self._standing, self._counts
        if answer >= standing[_ROOM]:
            self._reserve(answer)
        standing[_VOTES] += 1
        if counts[answer] == 0:
            self._first_votes[answer] = standing[_VOTES]
        counts[answer] += 1
        leader = standing[_LEADER]
        if answer == leader:
            return
        if leader < 0 or self._beats(answer, leader):
            standing[_RUNNER_UP] = leader
            standing[_LEADER] = answer
        elif standing[_RUNNER_UP] < 0 or self._beats(answer, standing[_RUNNER_UP]):
            standing[_RUNNER_UP] = answer

    def votes(self) -> int:
        """Number of votes counted."""
        return self._standing[_VOTES]

    def count(self, answer: int) -> int:
        """Number of votes for `answer`."""
        if answer < 0 or answer >= self._standing[_ROOM]:
            return 0
        return self._counts[answer]

    def leader(self) -> int:
        """The answer with the most votes, the first voted for on a tie; -1 without votes."""
        return self._standing[_LEADER]

    def runner_up(self) -> int:
        """The answer that would lead without the leader; -1 when there is none."""
        return self._standing[_RUNNER_UP]

    def confidence(self) -> float:
        """`beta_confidence` of the two largest counts, (n, 0) when there is one answer."""
        standing = self._standing
        return beta_confidence(self.count(standing[_LEADER]), self.count(standing[_RUNNER_UP]))

    def _beats(self, a: int, b: int) -> bool:
        votes, rival = self._counts[a], self._counts[b]
        first_votes = self._first_votes
        return votes > rival or (votes == rival and first_votes[a] < first_votes[b])

    def _reserve(self, answer: int) -> None:
        """Make room for the counts of ids up to `answer`, at 0."""
        if answer >= len(self._revealed):
            raise ValueError(f"a vote for the id {answer}, which this episode never revealed")
        room = self._standing[_ROOM]
        self._counts += [0] * (answer + 1 - room)
        self._first_votes += [0] * (answer + 1 - room)
        self._standing[_ROOM] = answer + 1


def majority(answers: list[int]) -> int:
    """The answer id that occurs most often, the first to occur on a tie.

    Ids of -1, and other negative numbers, do not vote; -1 when nothing is left.
    """
    # A Counter keeps the order of first occurrence, and `max` the first of equals.
    counts = Counter(answers)
    winner = max(counts, key=counts.__getitem__, default=-1)
    if winner >= 0:
        return winner
    return max((each for each in counts if each >= 0), key=counts.__getitem__, default=-1)


def _beta_table(size: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    # With whole counts the posterior is a binomial tail, exact in integers:
    # P(Beta(a + 1, b + 1) > 1/2) = P(Binomial(a + b + 1, 1/2) <= a).
    table = np.zeros((size, size))
    for n in range(1, 2 * size):
        below, term = 0, 1
        for a in range(min(n, size)):
            below += term
            term = term * (n - a) // (a + 1)
            if a > 0 and n - 1 - a < size:
                table[a, n - 1 - a] = below / 2**n
    return table


_TABLE_SIZE = 129
_TABLE = _beta_table(_TABLE_SIZE)


def beta_confidence(first: int, second: int) -> float:
    """P(p > 1/2) for p ~ Beta(first + 1, second + 1); 0 when `first` is 0.

    The stopping evidence of adaptive consistency (Aggarwal et al., 2023). Raises `ValueError`
    for a negative `second`.
    """
    if first <= 0:
        return 0.0
    if second < 0:
        raise ValueError("a count of votes below 0")
    if first < _TABLE_SIZE and second < _TABLE_SIZE:
        return float(_TABLE[first, second])
    return _beta_confidence_of_many(first, second)


def _beta_confidence_of_many(first: int, second: int) -> float:
    n = first + second + 1
    log_term = -n * math.log(2.0)
    below = math.exp(log_term)
    for k in range(1, second + 1):
        log_term += math.log((n - k + 1) / k)
        below += math.exp(log_term)
    return max(0.0, 1.0 - below)


def moving_average(average: float, value: float, alpha: float) -> float:
    """The exponential moving average after `value`, which weighs `alpha`."""
    return (1.0 - alpha) * average + alpha * value


def deepest_first(episode: "Episode", branches: list[int]) -> None:
    """Sort branch indices in place: deepest first, lower index first among equals."""
    branches.sort()
    branches.sort(key=episode.depth, reverse=True)
