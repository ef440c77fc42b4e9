"""The policies that are searched: one program with parts that can be left out.

`policy` is compiled once for all candidates: which parts a candidate has (`PARTS`) and how its
knobs run with β (`space.KNOBS`) are parameters. What a candidate hands in is the same text
without the parts that it lacks; see `writing`.
"""

import math
from typing import Any

from autotts_core.episode import Episode

PARTS = (
    "weighs",
    "listens",
    "hurries",
    "calms",
    "overtakes",
    "quits",
    "prunes",
    "cuts",
    "bursts",
    "widens",
    "refills",
    "waves",
)


def policy(episode: Episode, p: Any) -> int:
    votes = [0.0]
    voters = 0
    first_end = 0
    held = [0] * 128
    latest = [-1] * 128
    disagreed = [0] * 128
    calm = 0
    for _ in range(p.width):
        episode.branch()
    live = [i for i in range(episode.branches)]  # noqa: C416
    for r in range(200):
        running = []
        for i in live:
            if episode.finished(i):
                voters += 1
                if p.weighs or p.cuts:  # noqa: SIM102
                    if voters == 1:
                        first_end = episode.depth(i)
                if p.weighs:
                    cast(votes, episode.answer(i), (first_end / episode.depth(i)) ** p.brevity)
                else:
                    cast(votes, episode.answer(i), 1.0)
            else:
                running.append(i)
        live = running
        if p.listens:
            heard = votes.copy()
            for i in live:
                held[i] = held[i] + 1 if episode.answer(i) == latest[i] else 0
                latest[i] = episode.answer(i)
                if held[i] >= p.hold:
                    cast(heard, latest[i], p.voice)
            leader = leading(heard)
            ahead = certainty(heard, leader)
        else:
            leader = leading(votes)
            ahead = certainty(votes, leader)
        needed = p.sure
        if p.hurries:
            needed *= 1.0 - r / p.horizon
        if p.calms:
            calm = calm + 1 if ahead >= needed else 0
            if voters >= p.enough and calm >= p.calm:
                return leader  # sure for long enough
        else:
            if voters >= p.enough and ahead >= needed:
                return leader  # sure enough
        if p.overtakes:  # noqa: SIM102
            if voters >= p.enough and lead(votes, leader) > p.swing * len(live):
                return leader  # hardly to be overtaken
        if p.quits:  # noqa: SIM102
            if voters >= p.quorum and ahead <= p.hope:
                return leader  # without hope
        if p.prunes:  # noqa: SIM102
            if r >= p.warm_up and leader >= 0:
                live = prune_disagreeing(episode, live, disagreed, leader, p.patience)
        if p.cuts:  # noqa: SIM102
            if voters > 0:
                live = prune_long(episode, live, p.stretch * first_end)
        opening = 0
        if p.widens:  # noqa: SIM102
            if r >= p.warm_up:
                opening = p.wider
        if p.refills:
            opening = max(opening, p.width - len(live))
        if p.waves:  # noqa: SIM102
            if len(live) == 0:
                opening = max(opening, p.width)
        for i in live:
            if p.bursts:
                agrees = voters > 0 and episode.answer(i) == leader
                episode.advance(i, p.burst if agrees else 1)
            else:
                episode.advance(i)
        if p.widens or p.refills or p.waves:
            for _ in range(min(opening, p.most - episode.branches)):
                i = episode.branch()
                if i >= 0:
                    live.append(i)
        if len(live) == 0:
            return leader  # no branch left running
    return leader  # out of rounds


def cast(votes: list[float], answer: int, weight: float) -> None:
    """Give `answer` `weight` more votes."""
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
    ahead = lead(votes, leader)
    return ahead / math.sqrt(2.0 * votes[leader] - ahead + 1.0)


def lead(votes: list[float], leader: int) -> float:
    """How many votes the leader is ahead of the second."""
    if leader < 0 or leader >= len(votes):
        return 0.0
    second = 0.0
    for answer in range(len(votes)):
        if answer != leader and votes[answer] > second:
            second = votes[answer]
    return votes[leader] - second


def prune_disagreeing(
    episode: Episode, live: list[int], disagreed: list[int], leader: int, patience: int
) -> list[int]:
    """Prune branches that disagreed with the leader for too long; returns the others."""
    kept = []
    for i in live:
        disagreed[i] = disagreed[i] + 1 if episode.answer(i) != leader else 0
        if disagreed[i] >= patience:
            episode.prune(i)
        else:
            kept.append(i)
    return kept


def prune_long(episode: Episode, live: list[int], longest: float) -> list[int]:
    """Prune branches that have run for `longest` intervals; returns the others."""
    kept = []
    for i in live:
        if episode.depth(i) >= longest:
            episode.prune(i)
        else:
            kept.append(i)
    return kept
