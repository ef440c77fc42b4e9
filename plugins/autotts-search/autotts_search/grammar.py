"""The policies that are searched: one program with parts that can be left out.

`policy` is compiled once for all candidates: which parts a candidate has (`PARTS`) and how its
knobs run with β (`KNOBS`) are parameters. What a candidate hands in is the same text without
the parts that it lacks; see `writing`.
"""

from typing import Any

from autotts_core.episode import Episode
from autotts_core.voting import Tally, deepest_first, majority

PARTS = ("prunes", "bursts", "settles", "widens")


def policy(episode: Episode, p: Any) -> int:
    votes = episode.tally()
    disagreed = [0] * 128
    standing = -1
    steady = 0
    for _ in range(p.width):
        episode.branch()
    live = finishers_vote(episode, votes, [i for i in range(episode.branches)])  # noqa: C416
    for r in range(p.rounds):
        leader = votes.leader()
        if p.prunes:  # noqa: SIM102
            if r >= p.warm_up and leader >= 0:
                live = prune_disagreeing(episode, live, disagreed, leader, p.patience)
        if p.bursts:
            deepest_first(episode, live)
            for i in live:
                agrees = leader >= 0 and episode.answer(i) == leader
                episode.advance(i, p.burst if agrees else 1)
        else:
            for i in live:
                episode.advance(i)
        live = finishers_vote(episode, votes, live)
        if votes.votes() >= p.enough and votes.confidence() >= p.sure:
            return votes.leader()  # confident
        if votes.votes() >= p.plenty:
            return votes.leader()  # enough branches finished
        if p.settles:
            latest = majority(
                [episode.answer(i) for i in range(episode.branches) if not episode.pruned(i)]
            )
            steady = steady + 1 if latest == standing else 0
            standing = latest
            if steady >= p.stable and standing >= 0:
                return standing  # the latest answers are stable
        if p.widens:  # noqa: SIM102
            if r >= p.warm_up:
                first = episode.branches
                for _ in range(min(p.wider, p.most - first)):
                    episode.branch()
                opened = [i for i in range(first, episode.branches)]  # noqa: C416
                live += finishers_vote(episode, votes, opened)
        if len(live) == 0:
            break
    if votes.votes() > 0:
        return votes.leader()  # out of rounds or branches
    return majority([episode.answer(i) for i in range(episode.branches)])  # nothing finished


def finishers_vote(episode: Episode, votes: Tally, branches: list[int]) -> list[int]:
    """Let finished branches vote, in the order given; returns the others."""
    running = []
    for i in branches:
        if episode.finished(i):
            votes.add(episode.answer(i))
        else:
            running.append(i)
    return running


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
