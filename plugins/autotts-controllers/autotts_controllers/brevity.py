"""Brevity, the controller that AutoTTS's own search found on the traces of AIME24."""

from typing import Any

from autotts_controllers.weighted_votes import cast, certainty, leading
from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode


class Brevity(Controller):
    """Branches run side by side, and those that finish vote: the sooner, the more.

    Stops when enough have voted and the leader has been ahead by enough standard deviations
    for some rounds. Prunes branches that keep disagreeing with the leader; opens as many again
    when all have ended. The explorer `random-search` wrote it; see the documentation for the
    run, its evidence and its limits.
    """

    name = "brevity"
    summary = "Who finishes first has most of a vote; stop when the vote has been sure for a while"
    increasing = ("width", "most", "sure")

    def schedule(self, beta: float) -> Params:
        return {
            "width": round(5 * 3.6**beta),
            "most": round(7 * 7.286**beta),
            "enough": 2,
            "sure": round(0.68 + 1.77 * beta, 3),
            "calm": 6,
            "brevity": 0.76,
            "warm_up": 14,
            "patience": 25,
        }

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        votes = [0.0]
        voters = 0
        first_end = 0
        calm = 0
        disagreed = [0] * 64
        for _ in range(p.width):
            episode.branch()
        live = [i for i in range(episode.branches)]  # noqa: C416
        leader = -1
        for r in range(200):
            running = []
            for i in live:
                if episode.finished(i):
                    voters += 1
                    if voters == 1:
                        first_end = episode.depth(i)
                    cast(votes, episode.answer(i), (first_end / episode.depth(i)) ** p.brevity)
                else:
                    running.append(i)
            live = running

            leader = leading(votes)
            calm = calm + 1 if certainty(votes, leader) >= p.sure else 0
            if voters >= p.enough and calm >= p.calm:
                return leader  # sure for long enough

            if r >= p.warm_up and leader >= 0:
                live = prune_disagreeing(episode, live, disagreed, leader, p.patience)
            wave = min(p.width, p.most - episode.branches) if len(live) == 0 else 0
            for i in live:
                episode.advance(i)
            for _ in range(wave):
                i = episode.branch()
                if i >= 0:
                    live.append(i)
            if len(live) == 0:
                return leader  # no branch left running
        return leader  # out of rounds


def prune_disagreeing(
    episode: Episode, live: list[int], disagreed: list[int], leader: int, patience: int
) -> list[int]:
    """Prune branches that disagreed with the leader for `patience` rounds; returns the others."""
    kept = []
    for i in live:
        disagreed[i] = disagreed[i] + 1 if episode.answer(i) != leader else 0
        if disagreed[i] >= patience:
            episode.prune(i)
        else:
            kept.append(i)
    return kept
