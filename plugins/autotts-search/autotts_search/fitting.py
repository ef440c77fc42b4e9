"""Fits the knobs of a policy whose parts are given, by separable CMA-ES (Ros and Hansen, 2008)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from autotts_core.discovery.selection import Questions
from autotts_search.scoring import Scorer
from autotts_search.space import Candidate, decode, encode

_STEP = 0.2
"""The first step's standard deviation; knobs run from 0 to 1."""
_POPULATION = 12


def fit(
    scorer: Scorer, start: Candidate, questions: Questions, evaluations: int, seed: int
) -> list[float]:
    """Where in the unit cube the knobs of `start`'s parts do best on `questions`.

    The mean of the last population, not its best member: what is good on average around a point
    carries over to other questions, a lucky point does not.
    """
    with warnings.catch_warnings():
        # It wants matplotlib for plots that nobody asks for.
        warnings.simplefilter("ignore")
        import cma

    first = encode(start)
    options = {
        "seed": seed,
        "popsize": _POPULATION,
        "bounds": [0, 1],
        # Knobs apart from each other: a few hundred tries do not tell how they go together, and
        # eigenvectors differ from one linear algebra library to the next.
        "CMA_diagonal": True,
        "verbose": -9,
    }
    search = cma.CMAEvolutionStrategy(first, _STEP, options)
    for _ in range(max(1, evaluations // _POPULATION)):
        points = search.ask()
        values = scorer.values((decode(start.parts, point) for point in points), questions)
        search.tell(points, [-value for value in values])
        if search.stop():
            break
    mean: list[float] = search.result.xfavorite.tolist()
    return mean


def average(parts: Sequence[str], fits: Sequence[Sequence[float]]) -> Candidate:
    """The candidate in the middle of several fits of the same parts."""
    return decode(parts, np.mean(fits, axis=0))
