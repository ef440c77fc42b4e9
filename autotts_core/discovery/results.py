"""What a finished run comes to: one table for each set, and paired comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autotts_core.discovery.history import Entry
from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.discovery.selection import (
    Floats,
    Means,
    answered_accuracy,
    area_budgets,
    out_of_fold_accuracy,
    rule_budgets,
)
from autotts_core.evaluation import self_consistency
from autotts_core.frontier import Frontier, Point
from autotts_core.recipe.reading import read_recipe
from autotts_core.recipe.schema import Recipe
from autotts_core.statistics import (
    Comparison,
    Interval,
    accuracy_interval,
    compare,
    mean_difference,
)
from autotts_core.store import ReplayStore


@dataclass(frozen=True, slots=True)
class Row:
    """One controller at one β: means over stores, each counting the same, and each store's.

    `kind` is "selected" or "baseline". `stores` holds the rows of `autotts evaluate --json`.
    """

    kind: str
    label: str
    beta: float | None
    accuracy: Interval
    tokens: float
    sequential_tokens: float
    saved: float
    stores: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Versus:
    """The selected controller at `beta` against a baseline's most expensive setting.

    `operating_point` says how that β was chosen, on the search set: "matching" is the cheapest
    that is as accurate there as SC@64, "best" the most accurate one; "matching, best" is both.
    """

    operating_point: str
    beta: float | None
    baseline: str
    baseline_beta: float | None
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Area:
    """The selected controller's frontier against a whole sweep of a baseline.

    The differences of the areas under accuracy over the logarithm of tokens, and of sequential
    tokens, which the recipe's `selection` bounds; in percentage points.
    """

    baseline: str
    tokens: Interval
    sequential_tokens: Interval


@dataclass(frozen=True, slots=True)
class Gain:
    """What the selected controller gains on SC@64 over the budgets that the rule looks at.

    In percentage points. `expected` is its author's word for other questions, `search` is
    cross-validated like the rule itself, and in `held_out` that β answers at each budget which
    is best on the search set.
    """

    expected: Interval | None
    search: Interval
    held_out: Interval | None


def results(
    run: RunDirectory, search: Sequence[ReplayStore], held_out: Sequence[ReplayStore]
) -> dict[str, Any]:
    """The content of `results.json`, from what lies in the run's directory, and its stores.

    Where nothing was selected it has the baselines alone, and no `gain`.
    """
    recipe = read_recipe(run.recipe).recipe
    selection = run.read_json(run.selection)
    count = range(len(recipe.baselines))
    baselines = [Frontier.read(run.baseline(k)) for k in count]
    found: dict[str, Any] = {
        "recipe": recipe.name,
        "selection": selection,
        "seeds": recipe.seeds,
        "search": _set_results(search, baselines),
        "held_out": None,
        "gain": None,
    }
    if held_out:
        there = [Frontier.read(run.held_out_baseline(k)) for k in count]
        found["held_out"] = _set_results(held_out, there)
    if selection["selected"] is None:
        return found
    entry = _selected_entry(run, selection["selected"])
    assert entry.frontier is not None
    rule, means = recipe.selection, Means.of(entry.frontier)
    budgets = rule_budgets(rule)
    gained = _gain(out_of_fold_accuracy(means, rule, budgets), search, recipe)
    found["search"] |= _selected_results(recipe, selection, entry.frontier, baselines)
    gained_there = None
    if held_out:
        chosen = Frontier.read(run.held_out / "selected")
        found["held_out"] |= _selected_results(recipe, selection, chosen, there)
        answered = answered_accuracy(means, Means.of(chosen), rule, budgets)
        gained_there = _gain(answered, held_out, recipe)
    found["gain"] = asdict(Gain(entry.proposal.expected, gained, gained_there))
    return found


def _selected_entry(run: RunDirectory, name: str) -> Entry:
    round_number, _, number = name.partition(".")
    return next(each for each in run.kept(int(round_number)) if each.number == int(number))


def _set_results(stores: Sequence[ReplayStore], baselines: Sequence[Frontier]) -> dict[str, Any]:
    return {
        "stores": [store.name for store in stores],
        "rows": [asdict(row) for row in _rows("baseline", baselines)],
        "versus": [],
        "areas": [],
    }


def _selected_results(
    recipe: Recipe, selection: dict[str, Any], chosen: Frontier, baselines: Sequence[Frontier]
) -> dict[str, Any]:
    against = []
    for beta, name in operating_points(selection).items():
        point = next(each for each in chosen.points if each.beta == beta)
        for sweep in baselines:
            widest = max(sweep.points, key=lambda each: each.tokens)
            against.append(Versus(name, beta, widest.label, widest.beta, compare(point, widest)))
    areas = [
        Area(spec, *(_area_difference(recipe, chosen, sweep, latency) for latency in (0.0, 1.0)))
        for spec, sweep in zip(recipe.baselines, baselines, strict=True)
    ]
    rows = [*_rows("baseline", baselines), *_rows("selected", [chosen])]
    return {
        "rows": [asdict(row) for row in rows],
        "versus": [asdict(each) for each in against],
        "areas": [asdict(area) for area in areas],
    }


def _rows(kind: str, frontiers: Sequence[Frontier]) -> list[Row]:
    return [point_row(kind, point) for frontier in frontiers for point in frontier.points]


def operating_points(selection: Mapping[str, Any]) -> dict[float | None, str]:
    """What the selected controller's distinguished βs are called, the cheapest first."""
    matching, best = selection["matching_beta"], selection["best_beta"]
    if matching == best:
        return {matching: "matching, best"}
    return {matching: "matching", best: "best"}


def point_row(kind: str, point: Point) -> Row:
    """The row of a frontier's point."""
    return Row(
        kind=kind,
        label=point.label,
        beta=point.beta,
        accuracy=accuracy_interval(point),
        tokens=point.tokens,
        sequential_tokens=point.sequential_tokens,
        saved=point.saved,
        stores=tuple(score.row() for score in point.scores),
    )


def _area_difference(recipe: Recipe, chosen: Frontier, sweep: Frontier, latency: float) -> Interval:
    rule = recipe.selection.model_copy(update={"latency": latency})
    mine, theirs = (
        out_of_fold_accuracy(Means.of(each), rule, area_budgets(rule)) for each in (chosen, sweep)
    )
    benchmarks = [score.benchmark for score in chosen.points[0].scores]
    return mean_difference(mine, theirs, benchmarks)


def _gain(answered: Sequence[Floats], stores: Sequence[ReplayStore], recipe: Recipe) -> Interval:
    seeds = range(recipe.seeds)
    reference = [self_consistency(store, seeds).accuracy for store in stores]
    return mean_difference(answered, reference, [store.benchmark for store in stores])
