"""Votes that need not be whole: a list with the weight of each answer id."""

import math


def cast(votes: list[float], answer: int, weight: float) -> None:
    """Give `answer` `weight` more votes; -1 (no answer) gets none."""
    if answer >= 0:
        while len(votes) <= answer:
            votes.append(0.0)
        votes[answer] += weight


def leading(votes: list[float]) -> int:
    """The answer with the most votes, the first revealed on a tie; -1 without votes."""
    leader = -1
    most = 0.0
    for answer in range(len(votes)):
        if votes[answer] > most:
            leader = answer
            most = votes[answer]
    return leader


def certainty(votes: list[float], leader: int) -> float:
    """How many standard deviations the leader is ahead of the second; -1 without a leader.

    By the normal approximation of the Beta posterior, so that votes need not be whole.
    """
    if leader < 0:
        return -1.0
    second = 0.0
    for answer in range(len(votes)):
        if answer != leader and votes[answer] > second:
            second = votes[answer]
    return (votes[leader] - second) / math.sqrt(votes[leader] + second + 1.0)
