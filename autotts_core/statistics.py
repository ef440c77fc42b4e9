"""Intervals over questions, clustered across models, and paired comparisons.

Questions are what is drawn anew: seeds reorder the same recorded branches and say nothing about
other questions. A question of one benchmark is one cluster, whichever models answered it,
because what is hard for one of them is hard for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autotts_core.evaluation import bootstrap_draws
from autotts_core.frontier import Point

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the difference is larger than its interval."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One point against another on the same stores, questions and seeds.

    `accuracy` is the difference in percentage points; `saved` and `sequential_saved` the share
    of the other's tokens that is not spent, in per cent.
    """

    accuracy: Interval
    saved: Interval
    sequential_saved: Interval


def resampled_means(values: Sequence[Floats], benchmarks: Sequence[str]) -> Floats:
    """Bootstrapped means over stores of the means over questions: shape (resamples,).

    `values[k]` holds one value for each question of store k, whose benchmark is
    `benchmarks[k]`. Stores of the same benchmark get the same draws (a cluster bootstrap;
    Davison and Hinkley, 1997, section 3.8), with a fixed seed.
    """
    total: Floats = np.zeros(1)
    for benchmark in dict.fromkeys(benchmarks):
        of_benchmark = [v for v, b in zip(values, benchmarks, strict=True) if b == benchmark]
        # The first benchmark's draws are those of a single store's interval.
        place = list(dict.fromkeys(benchmarks)).index(benchmark)
        for size in {len(each) for each in of_benchmark}:
            draws = bootstrap_draws(size, seed=place)
            stacked = [each for each in of_benchmark if len(each) == size]
            total = total + draws @ np.sum(stacked, axis=0) / size
    return total / len(values)


def accuracy_interval(point: Point) -> Interval:
    """The interval of a point's mean accuracy; for one store it is that of its score."""
    accuracies = [questions.accuracy for questions in point.questions]
    return _interval(point.accuracy, resampled_means(accuracies, _benchmarks(point)))


def compare(point: Point, other: Point) -> Comparison:
    """`point` against `other`, paired by question; raises `ValueError` for other stores."""
    if [score.store for score in point.scores] != [score.store for score in other.scores]:
        raise ValueError("the points are not of the same stores")
    benchmarks = _benchmarks(point)
    gained = [
        mine.accuracy - theirs.accuracy
        for mine, theirs in zip(point.questions, other.questions, strict=True)
    ]

    def saved(quantity: str) -> Interval:
        spent, reference = (
            resampled_means([getattr(q, quantity) for q in each.questions], benchmarks)
            for each in (point, other)
        )
        mean = 100 * (1 - getattr(point, quantity) / getattr(other, quantity))
        return _interval(mean, 100 * (1 - spent / reference))

    return Comparison(
        accuracy=_interval(point.accuracy - other.accuracy, resampled_means(gained, benchmarks)),
        saved=saved("tokens"),
        sequential_saved=saved("sequential_tokens"),
    )


def mean_interval(values: Floats) -> Interval:
    """The mean of one value for each question of one store."""
    return _interval(float(values.mean()), resampled_means([values], [""]))


def mean_difference(
    mine: Sequence[Floats], theirs: Sequence[Floats], benchmarks: Sequence[str]
) -> Interval:
    """The difference of two means over stores of one value for each question, paired."""
    gained = [a - b for a, b in zip(mine, theirs, strict=True)]
    mean = float(np.mean([each.mean() for each in gained]))
    return _interval(mean, resampled_means(gained, benchmarks))


def _interval(mean: float, resampled: Floats) -> Interval:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Interval(float(mean), float(low), float(high))


def _benchmarks(point: Point) -> list[str]:
    return [score.benchmark for score in point.scores]
