"""What a finished run comes to: one table for each set, and paired comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.discovery.selection import Means, area_budgets, out_of_fold_accuracy
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

    `difference` is that of the areas under accuracy over the logarithm of cost, as the
    recipe's `selection` weighs and bounds it, in percentage points.
    """

    baseline: str
    difference: Interval


def results(run: RunDirectory) -> dict[str, Any]:
    """The content of `results.json`, from what lies in the run's directory."""
    recipe = read_recipe(run.recipe).recipe
    selection = run.read_json(run.selection)
    round_number, _, number = selection["selected"].partition(".")
    chosen = run.round(int(round_number)) / number
    found: dict[str, Any] = {
        "recipe": recipe.name,
        "selection": selection,
        "seeds": recipe.seeds,
        "search": _set_results(
            recipe,
            selection,
            Frontier.read(chosen),
            [Frontier.read(run.baseline(k)) for k in range(len(recipe.baselines))],
        ),
        "held_out": None,
    }
    if recipe.held_out:
        found["held_out"] = _set_results(
            recipe,
            selection,
            Frontier.read(run.held_out / "selected"),
            [Frontier.read(run.held_out_baseline(k)) for k in range(len(recipe.baselines))],
        )
    return found


def _set_results(
    recipe: Recipe, selection: dict[str, Any], chosen: Frontier, baselines: Sequence[Frontier]
) -> dict[str, Any]:
    rows = [point_row("baseline", point) for sweep in baselines for point in sweep.points]
    rows += [point_row("selected", point) for point in chosen.points]
    against = []
    for beta, name in operating_points(selection).items():
        point = next(each for each in chosen.points if each.beta == beta)
        for sweep in baselines:
            widest = max(sweep.points, key=lambda each: each.tokens)
            against.append(Versus(name, beta, widest.label, widest.beta, compare(point, widest)))
    areas = [
        Area(spec, _area_difference(recipe, chosen, sweep))
        for spec, sweep in zip(recipe.baselines, baselines, strict=True)
    ]
    return {
        "stores": list(chosen.stores),
        "rows": [asdict(row) for row in rows],
        "versus": [asdict(each) for each in against],
        "areas": [asdict(area) for area in areas],
    }


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


def _area_difference(recipe: Recipe, chosen: Frontier, sweep: Frontier) -> Interval:
    budgets = area_budgets(recipe.selection)
    mine, theirs = (
        out_of_fold_accuracy(Means.of(each), recipe.selection, budgets) for each in (chosen, sweep)
    )
    benchmarks = [score.benchmark for score in chosen.points[0].scores]
    return mean_difference(mine, theirs, benchmarks)
