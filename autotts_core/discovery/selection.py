"""Which frontier is best, by the search set alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from autotts_core.evaluation import self_consistency
from autotts_core.frontier import Frontier, Point, QuestionMeans
from autotts_core.recipe.schema import Selection
from autotts_core.statistics import resampled_means
from autotts_core.store import ReplayStore

Floats = npt.NDArray[np.float64]
Questions = Sequence[npt.NDArray[np.int64]]
"""Numbers of questions, for each store."""
Named = TypeVar("Named")

_BUDGETS = 24
"""Budgets at which the area under a frontier is sampled."""


@dataclass(frozen=True, eq=False)
class Means:
    """What a rule looks at: for each store, means over seeds of shape (points, questions).

    Accuracies are in per cent; `sc64_tokens` and `sc64_sequential_tokens` are what SC@64 spends
    on each store.
    """

    accuracy: Sequence[Floats]
    tokens: Sequence[Floats]
    sequential_tokens: Sequence[Floats]
    sc64_tokens: Sequence[float]
    sc64_sequential_tokens: Sequence[float]

    @classmethod
    def of(cls, frontier: Frontier) -> Self:
        """The means of a frontier's points."""
        scores = frontier.points[0].scores
        return cls.stacked(
            [point.questions for point in frontier.points],
            [score.sc64_tokens for score in scores],
            [score.sc64_sequential_tokens for score in scores],
        )

    @classmethod
    def stacked(
        cls,
        points: Sequence[Sequence[QuestionMeans]],
        sc64_tokens: Sequence[float],
        sc64_sequential_tokens: Sequence[float],
    ) -> Self:
        """The means of points that are given by their questions' means, store by store."""

        def each(name: str) -> list[Floats]:
            return [
                np.array([getattr(questions, name) for questions in own])
                for own in zip(*points, strict=True)
            ]

        return cls(
            each("accuracy"),
            each("tokens"),
            each("sequential_tokens"),
            sc64_tokens,
            sc64_sequential_tokens,
        )

    def only(self, questions: Questions) -> Self:
        """The same on some questions; what SC@64 spends, a matter of scale, stays."""
        return replace(
            self,
            accuracy=_only(self.accuracy, questions),
            tokens=_only(self.tokens, questions),
            sequential_tokens=_only(self.sequential_tokens, questions),
        )

    def cost(self, latency: float) -> Floats:
        """Each point's cost as a share of SC@64's.

        `latency` weighs sequential tokens, the rest tokens.
        """
        share = _mean(self.tokens) / np.mean(self.sc64_tokens)
        if latency == 0:
            return share
        sequential = _mean(self.sequential_tokens) / np.mean(self.sc64_sequential_tokens)
        return (1 - latency) * share + latency * sequential


def fold_questions(sizes: Sequence[int], fold: int, folds: int) -> tuple[Questions, Questions]:
    """For stores of these sizes, the questions outside of a fold and those in it.

    Question q is in fold q mod `folds`, so that a question is in the same one for all models.
    """
    numbers = [np.arange(size) for size in sizes]
    return (
        [each[each % folds != fold] for each in numbers],
        [each[each % folds == fold] for each in numbers],
    )


def value(
    means: Means,
    selection: Selection,
    stores: Sequence[ReplayStore],
    seeds: range,
    questions: Questions | None = None,
) -> float:
    """What the recipe's rule makes of a frontier, in per cent; larger is better.

    `highest-accuracy` is the paper's: the highest accuracy at any β. The other rules go through
    budgets: at each, the most accurate β that keeps to it answers, chosen on other questions
    than those that it is scored on (cross-validation), and nothing is answered where no β is so
    cheap. From their mean, `penalty` standard errors of the paired difference to SC@64 are
    subtracted, with questions as clusters. `questions` leaves all others of each store out.
    """
    reference = [self_consistency(store, seeds).accuracy for store in stores]
    if questions is not None:
        means = means.only(questions)
        reference = [each[kept] for each, kept in zip(reference, questions, strict=True)]
    if selection.rule == "highest-accuracy":
        return float(_mean(means.accuracy).max())
    answered = out_of_fold_accuracy(means, selection, rule_budgets(selection))
    benchmarks = [store.benchmark for store in stores]
    gained = [a - r for a, r in zip(answered, reference, strict=True)]
    error = float(np.std(resampled_means(gained, benchmarks)))
    mean = float(np.mean([each.mean() for each in answered]))
    return mean - selection.penalty * error


def rule_budgets(selection: Selection) -> Floats:
    """The budgets at which the rule looks, as shares of SC@64's cost."""
    if selection.rule == "accuracy-at-budget":
        return np.array([selection.budget])
    return area_budgets(selection)


def area_budgets(selection: Selection) -> Floats:
    """The budgets whose mean accuracy is the area under a frontier."""
    frugal, fast = np.array(selection.span), np.array(selection.sequential_span)
    low, high = (1 - selection.latency) * frugal + selection.latency * fast
    return np.geomspace(low, high, _BUDGETS)


def out_of_fold_accuracy(means: Means, selection: Selection, budgets: Floats) -> list[Floats]:
    """Each question's accuracy in per cent, averaged over `budgets`: an array for each store.

    Which point answers a question at a budget is decided without the question's fold.
    """
    folds = min(selection.folds, *(each.shape[1] for each in means.accuracy))
    return fold_accuracy([means] * folds, selection, budgets)


def fold_accuracy(by_fold: Sequence[Means], selection: Selection, budgets: Floats) -> list[Floats]:
    """As `out_of_fold_accuracy`, where `by_fold[k]` answers the questions of fold k."""
    folds = len(by_fold)
    sizes = [each.shape[1] for each in by_fold[0].accuracy]
    results = [np.zeros(size) for size in sizes]
    for fold, means in enumerate(by_fold):
        others, own = fold_questions(sizes, fold, folds)
        # A single question has no others.
        chosen_on = means.only(others) if folds > 1 else means
        answered = answered_accuracy(chosen_on, means.only(own), selection, budgets)
        for result, place, each in zip(results, own, answered, strict=True):
            result[place] = each
    return results


def answered_accuracy(
    chosen_on: Means, scored_on: Means, selection: Selection, budgets: Floats
) -> list[Floats]:
    """The accuracy on the questions of `scored_on`, averaged over `budgets`.

    At each budget the most accurate point by `chosen_on` that keeps to it answers.
    """
    affordable = chosen_on.cost(selection.latency)[:, None] <= budgets
    accuracy = _mean(chosen_on.accuracy)
    chosen = np.where(affordable, accuracy[:, None], -1.0).argmax(axis=0)
    answering = np.asarray(affordable.any(axis=0))
    return [(each[chosen] * answering[:, None]).mean(axis=0) for each in scored_on.accuracy]


def _mean(values: Sequence[Floats]) -> Floats:
    """Each point's mean over questions, then stores."""
    return np.asarray(np.mean([each.mean(axis=1) for each in values], axis=0))


def _only(values: Sequence[Floats], questions: Questions) -> list[Floats]:
    return [each[:, kept] for each, kept in zip(values, questions, strict=True)]


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
