"""Intervals over questions, and what the selection rules make of frontiers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autotts_core.discovery.selection import (
    Means,
    cheapest_matching,
    fold_questions,
    out_of_fold_accuracy,
    select,
    value,
    where_tokens_fall,
)
from autotts_core.evaluation import Score, bootstrap_interval, self_consistency
from autotts_core.frontier import Frontier, Point, QuestionMeans
from autotts_core.recipe.schema import Selection
from autotts_core.statistics import accuracy_interval, compare, mean_difference, resampled_means
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

SCORE = Score(
    store="m/b", model="m", benchmark="b", grader="exact-1", accounting="exact", controller="c",
    label="c", options={}, beta=0.0, budget=None, questions=4, seeds=1, accuracy=0.0,
    accuracy_low=0.0, accuracy_high=0.0, tokens=0.0, sequential_tokens=0.0, sc64_tokens=1000.0,
    sc64_sequential_tokens=100.0,    saved=0.0, branches=1.0, pruned=0.0, intervals=1.0, stops={},
)  # fmt: skip


def point(beta: float, *stores: tuple[list[float], float], benchmarks: str = "bb") -> Point:
    """A point whose k-th store has these accuracies and this many tokens for each question."""
    scores, questions = [], []
    for k, (accuracy, tokens) in enumerate(stores):
        values = np.array(accuracy)
        spent = np.full(len(values), float(tokens))
        scores.append(
            replace(
                SCORE,
                store=f"m{k}/{benchmarks[k]}",
                benchmark=benchmarks[k],
                beta=beta,
                questions=len(values),
                accuracy=float(values.mean()),
                tokens=float(tokens),
                sequential_tokens=float(tokens),
            )
        )
        questions.append(QuestionMeans(values, spent, spent))
    return Point(tuple(scores), tuple(questions))


def test_one_store_has_the_interval_of_its_score() -> None:
    accuracies = np.random.default_rng(0).uniform(0, 100, 30)
    interval = accuracy_interval(point(0, (accuracies.tolist(), 10)))
    assert (interval.low, interval.high) == bootstrap_interval(accuracies)
    assert interval.mean == accuracies.mean()


def test_models_on_one_benchmark_share_their_questions() -> None:
    rng = np.random.default_rng(0)
    accuracies = rng.uniform(0, 100, 50).tolist()
    single = accuracy_interval(point(0, (accuracies, 10)))
    same = accuracy_interval(point(0, (accuracies, 10), (accuracies, 10)))
    apart = accuracy_interval(point(0, (accuracies, 10), (accuracies, 10), benchmarks="bc"))
    # A second model that answers the same questions alike is no new evidence.
    assert same == single
    width = (apart.high - apart.low) / (single.high - single.low)
    assert width == pytest.approx(1 / np.sqrt(2), rel=0.05)


def test_comparisons_are_paired() -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(0, 90, 40)
    better, worse = point(0, ((hard + 5).tolist(), 50)), point(0, (hard.tolist(), 100))
    found = compare(better, worse)
    # Questions differ by far more than 5 points, but every one of them gains 5.
    assert found.accuracy.mean == pytest.approx(5)
    assert found.accuracy.low == pytest.approx(5)
    assert found.accuracy.excludes_zero
    assert found.saved.mean == pytest.approx(50)
    assert not compare(better, better).accuracy.excludes_zero
    with pytest.raises(ValueError, match="not of the same stores"):
        compare(better, point(0, ([1.0], 1), ([1.0], 1)))


def test_stores_of_different_sizes_count_the_same() -> None:
    means = resampled_means([np.full(10, 20.0), np.full(40, 60.0)], ["a", "b"])
    np.testing.assert_allclose(means, 40.0)
    difference = mean_difference([np.full(10, 20.0)], [np.full(10, 15.0)], ["a"])
    assert difference.mean == 5.0


def test_the_area_counts_nothing_where_nothing_is_affordable() -> None:
    frontier = Frontier((point(0, ([100.0] * 4, 500)),))
    (answered,) = out_of_fold_accuracy(
        Means.of(frontier), Selection(folds=2), np.array([0.25, 0.5, 1.0, 1.0])
    )
    np.testing.assert_allclose(answered, 75.0)


def test_a_beta_is_not_chosen_on_the_questions_that_it_is_scored_on() -> None:
    # Each β is right on the questions of one fold only: in hindsight 50 %, in truth 0.
    frontier = Frontier((point(0, ([100.0, 0.0] * 4, 10)), point(1, ([0.0, 100.0] * 4, 10))))
    (answered,) = out_of_fold_accuracy(Means.of(frontier), Selection(folds=2), np.array([1.0]))
    np.testing.assert_allclose(answered, 0.0)


def test_the_rules_choose_differently(tmp_path: Path) -> None:
    store = toy_store(tmp_path, *[[BranchTrace(["a"], 500, "a")] for _ in range(4)])
    cheap = Frontier((point(0, ([70.0] * 4, 100)), point(1, ([75.0] * 4, 200))))
    dear = Frontier((point(0, ([60.0] * 4, 700)), point(1, ([90.0] * 4, 950))))
    chosen = {}
    for rule in ("highest-accuracy", "best-frontier", "accuracy-at-budget"):
        selection = Selection(rule=rule, folds=2)
        values = [value(Means.of(each), selection, [store], range(1)) for each in (cheap, dear)]
        chosen[rule] = select([("cheap", cheap), ("dear", dear)], values)
    assert chosen == {
        "highest-accuracy": "dear",
        "best-frontier": "cheap",
        "accuracy-at-budget": "cheap",
    }


def test_luck_on_few_questions_is_penalised(tmp_path: Path) -> None:
    store = toy_store(tmp_path, *[[BranchTrace(["b"], 500, "b")] for _ in range(8)])
    steady = Frontier((point(0, ([50.0] * 8, 100)),))
    lucky = Frontier((point(0, ([100.0, 0.0] * 4, 100)),))
    for penalty, lower in ((0.0, False), (1.0, True)):
        selection = Selection(rule="accuracy-at-budget", folds=2, penalty=penalty)
        one, other = (
            value(Means.of(each), selection, [store], range(1)) for each in (steady, lucky)
        )
        assert (other < one) is lower


def test_equals_go_to_the_cheaper_then_the_earlier() -> None:
    dear, cheap = (Frontier((point(0, ([50.0], tokens)),)) for tokens in (20, 10))
    assert select([("dear", dear), ("cheap", cheap), ("later", cheap)], [1.0, 1.0, 1.0]) == "cheap"


def test_operating_points() -> None:
    frontier = Frontier((point(0, ([40.0], 10)), point(0.5, ([50.0], 20)), point(1, ([55.0], 30))))
    assert cheapest_matching(frontier, 45.0).beta == 0.5
    assert cheapest_matching(frontier, 99.0).beta == 1
    assert where_tokens_fall(frontier) is None
    falling = Frontier((*frontier.points, point(1, ([55.0], 25))))
    assert where_tokens_fall(falling) == (
        "mean tokens fall from 30 at β = 1 to 25 at β = 1: a larger β has to spend more"
    )


def test_a_frontier_reads_back_as_it_was_written(tmp_path: Path) -> None:
    frontier = Frontier(
        tuple(point(b, ([1.5, 2.5], 10), ([3.0] * 5, 20), benchmarks="bc") for b in (0.0, 1.0))
    )
    frontier.write(tmp_path / "a")
    frontier.write(tmp_path / "b")
    again = Frontier.read(tmp_path / "a")
    assert again.rows() == frontier.rows()
    np.testing.assert_array_equal(again.points[1].questions[1].accuracy, [3.0] * 5)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_latency_weighs_sequential_tokens_in_the_cost() -> None:
    # SC@64 spends 1,000 tokens, 100 of them one after another.
    means = Means.of(Frontier((point(0, ([50.0] * 4, 50)), point(1, ([60.0] * 4, 200)))))
    np.testing.assert_allclose(means.cost(0.0), [0.05, 0.2])
    np.testing.assert_allclose(means.cost(1.0), [0.5, 2.0])
    np.testing.assert_allclose(means.cost(0.5), [0.275, 1.1])
    frugal, fast = (
        out_of_fold_accuracy(means, Selection(folds=2, latency=latency), np.array([0.3]))
        for latency in (0.0, 1.0)
    )
    # At 0.3 the fast one can afford neither point.
    np.testing.assert_allclose(frugal[0], 60.0)
    np.testing.assert_allclose(fast[0], 0.0)


def test_a_rule_can_be_asked_about_some_questions(tmp_path: Path) -> None:
    store = toy_store(tmp_path, *[[BranchTrace(["b"], 500, "b")] for _ in range(8)])
    means = Means.of(Frontier((point(0, ([100.0, 0.0] * 4, 10)),)))
    rule = Selection(folds=2, penalty=0.0)
    others, own = fold_questions([8], 1, 2)
    assert [each.tolist() for each in (*others, *own)] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert value(means, rule, [store], range(1)) == pytest.approx(50.0)
    assert value(means, rule, [store], range(1), others) == pytest.approx(100.0)
    assert value(means, rule, [store], range(1), own) == pytest.approx(0.0)


def test_what_sc64_waits_for_is_its_longest_branch(tmp_path: Path) -> None:
    branches = [BranchTrace(["a"], 600, "a"), BranchTrace(["a", "a"], 1100, "a")]
    reference = self_consistency(toy_store(tmp_path, branches), range(2))
    assert reference.tokens.tolist() == [[1700, 1700]]
    assert reference.sequential_tokens.tolist() == [[1100, 1100]]
