"""Parallel-Probe: deepen all branches together, prune outliers (arXiv 2602.03845)."""

from typing import Any

from pydantic import NonNegativeInt, PositiveInt

from autotts_core.component import Options
from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode
from autotts_core.voting import majority


class ParallelProbeOptions(Options):
    branches: PositiveInt = 64
    """Branches to open."""
    stable_rounds: PositiveInt = 40
    """Stop when the majority has stayed the same for so many rounds."""
    prune_patience: PositiveInt = 7
    """Prune a branch that has been off the majority for so many rounds."""
    warm_up: NonNegativeInt = 15
    """Rounds before the first pruning."""
    max_rounds: PositiveInt = 100
    """Rounds after which to stop in any case."""


class ParallelProbe(Controller):
    """Parallel-Probe (Zheng et al., 2026): consensus-based stopping, deviation-based pruning."""

    name = "parallel-probe"
    summary = "Deepen all branches together, prune those off the consensus, stop when it is stable"
    Options = ParallelProbeOptions
    options: ParallelProbeOptions

    def schedule(self, beta: float) -> Params:
        return self.options.model_dump()

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.branches):
            episode.branch()
        standing = episode.branches
        votes = [episode.answer(i) for i in range(standing)]
        off_track = [0 for _ in votes]
        running = [i for i in range(standing) if not episode.finished(i)]
        last_winner, stable = -1, 0

        for r in range(p.max_rounds):
            for i in running:
                episode.advance(i)
            for i in running:
                votes[i] = episode.answer(i)
            running = [i for i in running if not episode.finished(i)]
            winner = majority(votes)

            if r >= p.warm_up and standing > 1:
                strayed = 0
                for i in running:
                    off_track[i] = off_track[i] + 1 if votes[i] != winner else 0
                    if off_track[i] >= p.prune_patience:
                        episode.prune(i)
                        votes[i] = -1
                        strayed += 1
                if strayed > 0:
                    running = [i for i in running if not episode.pruned(i)]
                    standing -= strayed
                    if standing == 0:
                        return last_winner  # every branch pruned
                    winner = majority(votes)

            stable = stable + 1 if r > 0 and winner == last_winner else 0
            if stable >= p.stable_rounds:
                return winner  # consensus stable
            last_winner = winner
            if len(running) == 0:
                return winner  # every branch finished
        return last_winner  # round limit
