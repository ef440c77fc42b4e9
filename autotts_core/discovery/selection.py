"""Which frontier is best, by the search set alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from autotts_core.evaluation import self_consistency
from autotts_core.frontier import Frontier, Point
from autotts_core.recipe.schema import Selection
from autotts_core.statistics import resampled_means
from autotts_core.store import ReplayStore

Floats = npt.NDArray[np.float64]
Named = TypeVar("Named")

_BUDGETS = 24
"""Budgets at which the area under a frontier is sampled."""


@dataclass(frozen=True, eq=False)
class Means:
    """What a rule looks at: for each store, means over seeds of shape (points, questions).

    Accuracies are in per cent; `sc64_tokens` is what SC@64 spends on each store.
    """

    accuracy: Sequence[Floats]
    tokens: Sequence[Floats]
    sc64_tokens: Sequence[float]

    @classmethod
    def of(cls, frontier: Frontier) -> Self:
        """The means of a frontier's points."""
        points = frontier.points
        return cls(
            [np.array([p.questions[k].accuracy for p in points]) for k in _stores(frontier)],
            [np.array([p.questions[k].tokens for p in points]) for k in _stores(frontier)],
            [score.sc64_tokens for score in points[0].scores],
        )


def _stores(frontier: Frontier) -> range:
    return range(len(frontier.stores))


def value(means: Means, selection: Selection, stores: Sequence[ReplayStore], seeds: range) -> float:
    """What the recipe's rule makes of a frontier, in per cent; larger is better.

    `highest-accuracy` is the paper's: the highest accuracy at any β. The other rules go through
    budgets: at each, the most accurate β that keeps to it answers, chosen on other questions
    than those that it is scored on (cross-validation), and nothing is answered where no β is so
    cheap. From their mean, `penalty` standard errors of the paired difference to SC@64 are
    subtracted, with questions as clusters.
    """
    if selection.rule == "highest-accuracy":
        return float(np.mean([each.mean(axis=1) for each in means.accuracy], axis=0).max())
    if selection.rule == "accuracy-at-budget":
        budgets = np.array([selection.budget])
    else:
        budgets = area_budgets(selection)
    answered = out_of_fold_accuracy(means, budgets, selection.folds)
    benchmarks = [store.benchmark for store in stores]
    reference = [100 * self_consistency(store, seeds).correct.mean(axis=1) for store in stores]
    gained = [a - r for a, r in zip(answered, reference, strict=True)]
    error = float(np.std(resampled_means(gained, benchmarks)))
    mean = float(np.mean([each.mean() for each in answered]))
    return mean - selection.penalty * error


def area_budgets(selection: Selection) -> Floats:
    """The budgets whose mean accuracy is the area under a frontier."""
    return np.geomspace(*selection.span, _BUDGETS)


def out_of_fold_accuracy(means: Means, budgets: Floats, folds: int) -> list[Floats]:
    """Each question's accuracy in per cent, averaged over `budgets`: an array for each store.

    `budgets` are shares of SC@64's tokens. Question q is in fold q mod `folds`; which point
    answers it at a budget is decided without its fold.
    """
    folds = min(folds, min(each.shape[1] for each in means.accuracy))
    results = [np.zeros(each.shape[1]) for each in means.accuracy]
    # What SC@64 spends is known from the whole set: it depends on no choice.
    reference = np.mean(means.sc64_tokens)
    for fold in range(folds):
        accuracy = np.mean([_without(fold, folds, each) for each in means.accuracy], axis=0)
        tokens = np.mean([_without(fold, folds, each) for each in means.tokens], axis=0)
        affordable = tokens[:, None] <= budgets * reference
        chosen = np.where(affordable, accuracy[:, None], -1.0).argmax(axis=0)
        answering = affordable.any(axis=0)
        for result, each in zip(results, means.accuracy, strict=True):
            of_fold = each[:, fold::folds]
            result[fold::folds] = (of_fold[chosen] * answering[:, None]).mean(axis=0)
    return results


def _without(fold: int, folds: int, values: Floats) -> Floats:
    """Means of (points, questions) over the questions of the other folds."""
    if folds == 1:
        return np.asarray(values.mean(axis=1))
    kept = np.arange(values.shape[1]) % folds != fold
    return np.asarray(values[:, kept].mean(axis=1))


def select(candidates: Sequence[tuple[Named, Frontier]], values: Sequence[float]) -> Named:
    """The candidate of highest value; of equals the cheaper at its best, then the earlier."""
    best = max(range(len(candidates)), key=lambda k: (values[k], -candidates[k][1].best.tokens, -k))
    return candidates[best][0]


def cheapest_matching(frontier: Frontier, accuracy: float) -> Point:
    """The cheapest point at least as accurate as `accuracy`, else the most accurate one."""
    matching = [point for point in frontier.points if point.accuracy >= accuracy]
    return min(matching, key=lambda point: point.tokens) if matching else frontier.best


def where_tokens_fall(frontier: Frontier) -> str | None:
    """Where mean tokens fall as β grows, in words; None where they never do."""
    for before, after in zip(frontier.points, frontier.points[1:], strict=False):
        if after.tokens < before.tokens:
            return (
                f"mean tokens fall from {before.tokens:,.0f} at β = {before.beta:g} to "
                f"{after.tokens:,.0f} at β = {after.beta:g}: a larger β has to spend more"
            )
    return None
