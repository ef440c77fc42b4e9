"""CMC, the confidence momentum controller that AutoTTS's agent found (arXiv 2605.08083)."""

from typing import Any

from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode
from autotts_core.voting import Tally, deepest_first, majority, moving_average


class CMC(Controller):
    """Confidence momentum (arXiv 2605.08083, appendix D).

    Votes with finished branches alone. Stops when the moving average of the vote's confidence
    is high and not falling, widens while it is low and flat, and abandons branches that keep
    disagreeing with the leader.
    """

    name = "cmc"
    summary = "Confidence momentum: widen, deepen, abandon and stop by the trend of confidence"
    increasing = (
        "n_init",
        "max_branch_use",
        "warm_up",
        "abandon_patience",
        "window",
        "conf_thresh",
        "burst_aligned",
        "widen_burst",
        "min_complete",
    )
    decreasing = ("alpha", "delta_slack", "trend_thresh")

    def schedule(self, beta: float) -> Params:
        b = min(1.0, max(0.0, beta))
        return {
            "n_init": max(2, round(2 + 6 * b)),
            "max_branch_use": min(64, round(4 + 60 * b)),
            "warm_up": max(2, round(2 + 8 * b)),
            "abandon_patience": max(3, round(3 + 9 * b)),
            "window": max(2, round(2 + 6 * b)),
            "alpha": round(0.70 - 0.40 * b, 4),
            "conf_thresh": round(0.85 + 0.12 * b, 4),
            "delta_slack": round(0.04 - 0.03 * b, 4),
            "burst_aligned": max(1, round(1 + 2 * b)),
            "widen_burst": max(1, round(1 + 3 * b)),
            "trend_thresh": round(0.04 - 0.03 * b, 4),
            "min_complete": max(2, round(2 + 3 * b)),
        }

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        pool = episode.tally()
        disagreed = [0] * 64
        history = [0.0] * p.window
        ema = 0.0
        for _ in range(p.n_init):
            episode.branch()
        live = join_pool(episode, pool, [i for i in range(episode.branches)])  # noqa: C416

        for r in range(500):
            winner = pool.leader()
            ema = moving_average(ema, pool.confidence(), p.alpha)

            if r >= p.warm_up and winner >= 0:
                for i in live:
                    disagreed[i] = disagreed[i] + 1 if episode.answer(i) != winner else 0
                live = abandon(episode, live, disagreed, p.abandon_patience)

            deepest_first(episode, live)
            for i in live:
                aligned = r >= p.warm_up and winner >= 0 and episode.answer(i) == winner
                episode.advance(i, p.burst_aligned if aligned else 1)
            live = join_pool(episode, pool, live)

            ema = moving_average(ema, pool.confidence(), p.alpha)
            history[r % p.window] = ema
            oldest = history[(r + 1) % p.window] if r + 1 >= p.window else history[0]
            delta = ema - oldest
            if (
                r >= p.warm_up
                and pool.votes() >= p.min_complete
                and ema >= p.conf_thresh
                and delta >= -p.delta_slack
            ):
                return pool.leader()  # confident and not falling
            if len(live) == 0:
                break
            if (
                episode.branches < p.max_branch_use
                and delta <= p.trend_thresh
                and r >= max(1, p.warm_up // 2)
                and ema < p.conf_thresh
            ):
                first = episode.branches
                for _ in range(min(p.widen_burst, p.max_branch_use - first)):
                    episode.branch()
                opened = [i for i in range(first, episode.branches)]  # noqa: C416
                live += join_pool(episode, pool, opened)

        if pool.votes() > 0:
            return pool.leader()  # no branch left running
        standing = [i for i in range(episode.branches) if not episode.pruned(i)]
        return majority([episode.answer(i) for i in standing])  # nothing finished


def join_pool(episode: Episode, pool: Tally, branches: list[int]) -> list[int]:
    """Let finished branches vote, in the order given; returns the others."""
    running = []
    for i in branches:
        if episode.finished(i):
            pool.add(episode.answer(i))
        else:
            running.append(i)
    return running


def abandon(episode: Episode, live: list[int], disagreed: list[int], patience: int) -> list[int]:
    """Prune branches that disagreed too long, the worst first, but leave two; returns the rest."""
    for _ in range(len(live) - 2):
        worst = -1
        for i in live:
            if disagreed[i] >= patience and (
                worst < 0
                or disagreed[i] > disagreed[worst]
                or (disagreed[i] == disagreed[worst] and i < worst)
            ):
                worst = i
        if worst < 0:
            break
        episode.prune(worst)
        live.remove(worst)
    return live
