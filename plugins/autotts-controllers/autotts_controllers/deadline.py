"""Deadline, the fast counterpart of Brevity that AutoTTS's own search found on AIME24's traces."""

from typing import Any

from autotts_controllers.weighted_votes import cast, certainty, leading
from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode


class Deadline(Controller):
    """Many branches run side by side, those that finish vote, and time makes it less demanding.

    Stops when the leader is ahead by enough standard deviations: ever fewer from round to round,
    and none at the horizon. Spends tokens to be fast: nothing waits for long branches. The
    explorer `random-search` wrote it where sequential tokens were all that counted; see the
    documentation for the run, its evidence and its limits.
    """

    name = "deadline"
    summary = "Many at once; stop when the vote is sure, and be less demanding from round to round"
    increasing = ("width", "sure", "horizon")

    def schedule(self, beta: float) -> Params:
        return {
            "width": round(52 * 1.115**beta),
            "sure": round(1.96 + 1.16 * beta, 3),
            "horizon": round(18 * 2.278**beta),
        }

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        votes = [0.0]
        voters = 0
        leader = -1
        for _ in range(p.width):
            episode.branch()
        live = [i for i in range(episode.branches)]  # noqa: C416
        for r in range(200):
            running = []
            for i in live:
                if episode.finished(i):
                    voters += 1
                    cast(votes, episode.answer(i), 1.0)
                else:
                    running.append(i)
            live = running
            leader = leading(votes)
            if voters > 0 and certainty(votes, leader) >= p.sure * (1.0 - r / p.horizon):
                return leader  # sure enough
            for i in live:
                episode.advance(i)
            if len(live) == 0:
                return leader  # no branch left running
        return leader  # out of rounds
