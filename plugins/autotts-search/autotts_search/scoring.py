"""Scores candidates by the thousand through compiled replay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from autotts_core.discovery.selection import Floats, Means, Questions
from autotts_core.discovery.workbench import Workbench
from autotts_core.evaluation import self_consistency
from autotts_core.frontier import QuestionMeans
from autotts_core.recipe.schema import Selection
from autotts_core.replay.compiled import replay_compiled
from autotts_search.space import Candidate, GrammarController

_FALL_PRICE = 100.0
"""Points for each part by which tokens fall as β grows: enough that no search stays there."""


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores candidates by `rule` on the workbench's stores, at `betas` and with `seeds`."""

    workbench: Workbench
    rule: Selection
    betas: Sequence[float]
    seeds: range

    def means(self, candidates: Iterable[Candidate]) -> list[Means]:
        """What each candidate comes to; a core works on a candidate, so that none waits."""
        candidates = list(candidates)
        if not candidates:
            return []
        # The kernel they share is compiled before threads ask for it.
        first = self._means(candidates[0])
        with ThreadPoolExecutor(self.workbench.workers) as pool:
            return [first, *pool.map(self._means, candidates[1:])]

    def values(
        self, candidates: Iterable[Candidate], questions: Questions | None = None
    ) -> list[float]:
        """What the rule makes of each candidate, less a price where its tokens fall."""
        return [
            self.workbench.value(means, questions, self.rule) - _FALL_PRICE * _fall(means)
            for means in self.means(candidates)
        ]

    def _means(self, candidate: Candidate) -> Means:
        controller = GrammarController(candidate)
        stores = self.workbench.stores
        points = [
            [
                QuestionMeans.of(replay_compiled(controller, store, beta, self.seeds, workers=1))
                for store in stores
            ]
            for beta in self.betas
        ]
        references = [self_consistency(store, self.workbench.seeds) for store in stores]
        return Means.stacked(
            points,
            [float(each.tokens.mean()) for each in references],
            [float(each.sequential_tokens.mean()) for each in references],
        )


def _fall(means: Means) -> float:
    """By what share mean tokens fall as β grows, summed over the steps where they do."""
    tokens: Floats = np.mean([each.mean(axis=1) for each in means.tokens], axis=0)
    return float(np.clip(-np.diff(np.log(tokens)), 0, None).sum())


def spread(values: Sequence[float], count: int) -> list[float]:
    """At most `count` of `values`, the ends included, evenly."""
    places = np.linspace(0, len(values) - 1, min(count, len(values)))
    return [values[round(place)] for place in places.tolist()]
