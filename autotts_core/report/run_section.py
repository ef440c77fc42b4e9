"""One run's part of a report: what stands on the page, and the data that its code draws from."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from autotts_core.discovery.history import Entry
from autotts_core.errors import AutoTTSError
from autotts_core.evaluation import self_consistency
from autotts_core.frontier import Point
from autotts_core.recipe.reading import read_recipe
from autotts_core.recipe.schema import Recipe
from autotts_core.report.comparison_table import (
    FORMATS,
    HEADINGS,
    ComparisonTable,
    comparison_table,
)
from autotts_core.report.episodes import (
    REASONS,
    Player,
    baseline_player,
    cases,
    embedded,
    episode_evaluator,
    question_means,
    source_player,
)
from autotts_core.report.findings import GAINS, SETS, Findings, Row, conditions, widest
from autotts_core.report.source import difference, highlighted
from autotts_core.store import ReplayStore
from autotts_core.visible_text import visible_lines

LONGEST_TEXT = 4000
"""Characters of a question or an answer that are shown."""

_SCHEDULE_BETAS = [k / 50 for k in range(51)]
_POINT = ("label", "beta", "accuracy", "tokens", "sequential_tokens", "saved")
_STORE_POINT = (
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "tokens",
    "sequential_tokens",
    "saved",
)


@dataclass(frozen=True)
class Change:
    """What one round changed: its best entry against that of the round before."""

    entry: Entry
    before: Entry | None
    diff: Markup | None


class RunSection:
    """One run as the template shows it; `payload` is what the page's code draws from."""

    titles = SETS
    gains = GAINS
    headings = HEADINGS
    formats = FORMATS

    def __init__(self, findings: Findings, number: int, episodes: int) -> None:
        self.findings = findings
        self.number = number
        self.recipe: Recipe = read_recipe(findings.run.recipe).recipe
        self.missing: list[str] = []
        """What could not be shown, and why."""
        self._episodes = episodes
        self._stores = {key: self._opened(key) for key in findings.sets}
        self.payload = self._payload()

    @property
    def name(self) -> str:
        """The run's name."""
        return self.findings.name

    @property
    def recipe_text(self) -> str:
        """The resolved recipe."""
        return self.findings.run.recipe.read_text(encoding="utf-8")

    @property
    def environment(self) -> Mapping[str, Any]:
        """The content of `environment.json`."""
        found: Mapping[str, Any] = self.findings.run.read_json(self.findings.run.environment)
        return found

    @property
    def stores(self) -> Sequence[Mapping[str, Any]]:
        """The content of `stores.json`."""
        found: Sequence[Mapping[str, Any]] = self.findings.run.read_json(self.findings.run.stores)
        return found

    @cached_property
    def source(self) -> Markup:
        """The selected controller's source, highlighted."""
        return highlighted(self.findings.source)

    def conditions(self, of: str) -> str:
        """What the numbers of a set were measured with."""
        return conditions(self.findings.sets[of], self.recipe.seeds)

    def table(self, of: str, every: bool = False) -> ComparisonTable:
        """The table of a set; see `comparison_table`."""
        caption = (
            f"{SETS[of]}: {self.conditions(of)}. Average: every store counts the same. Saved: "
            "tokens not spent of SC@64's, the first 64 branches read to their end. Best in bold."
        )
        of_set = self.findings.sets[of]
        return comparison_table(of_set, self.findings.operating_points, caption, every)

    @property
    def headline(self) -> Row:
        """The selected controller at its matching β on the set that conclusions are drawn from."""
        return self.findings.operating_row(self.findings.decisive_set, "matching")

    @property
    def headline_versus(self) -> Mapping[str, Any] | None:
        """The comparison of that row with the recipe's first baseline."""
        compared = self.findings.sets[self.findings.decisive_set]["versus"]
        return next((each for each in compared if "matching" in each["operating_point"]), None)

    @cached_property
    def changes(self) -> Sequence[Change]:
        """What each round changed in its best controller."""
        best = self.findings.rounds_best
        pairs = zip(best, [None, *best], strict=False)
        return [
            Change(
                entry,
                before,
                difference(before.proposal.source if before else "", entry.proposal.source),
            )
            for entry, before in pairs
        ]

    def _opened(self, of: str) -> list[ReplayStore] | None:
        """The stores of a set as the run used them, None where any of them is gone."""
        places = {(row["name"]): row for row in self.stores}
        found = []
        for name in self.findings.sets[of]["stores"]:
            row = places[name]
            try:
                store = ReplayStore.open(Path(row["path"]))
                if store.digest != row["digest"]:
                    raise AutoTTSError(f"{row['path']}: is another store than the run used")
            except AutoTTSError as error:
                self.missing.append(
                    f"{SETS[of]}: questions' texts and episodes are left out: {error}"
                )
                return None
            found.append(store)
        return found

    def _payload(self) -> dict[str, Any]:
        findings = self.findings
        shown = {
            "name": findings.name,
            "decisive": findings.decisive_set,
            "sets": {
                key: {
                    "title": SETS[key],
                    "conditions": self.conditions(key),
                    "stores": each["stores"],
                    "curves": [
                        {"kind": c.kind, "name": c.name, "points": [*map(_point, c.rows)]}
                        for c in findings.curves[key]
                    ],
                    "questions": self._questions(key),
                }
                for key, each in findings.sets.items()
            },
            "selection": findings.selection,
            "trajectory": [
                {key: row[key] for key in ("entry", "accuracy", "tokens", "beta", "value")}
                for row in findings.trajectory
            ],
            "held_out": self._held_out_points(),
            "progress": findings.progress,
            "rounds": findings.rounds,
            "schedule": self._schedule(),
            "reasons": REASONS,
            "cases": self._cases(),
            "directory": str(findings.run.path.absolute()),
            "store_paths": {row["name"]: row["path"] for row in self.stores},
        }
        return {**_visible(shown), "texts": self._texts()}

    def _texts(self) -> dict[str, str]:
        """What there is to copy, to the byte."""
        texts = {"source": self.findings.source, "recipe": self.recipe_text}
        for key in self.findings.sets:
            texts[f"{key} markdown"] = self.table(key).markdown()
            texts[f"{key} latex"] = self.table(key).latex()
            texts[f"{key} csv"] = self.table(key, every=True).csv()
        return texts

    def _held_out_points(self) -> list[dict[str, Any]]:
        if "held_out" not in self.findings.sets:
            return []
        return [
            {"point": name, **_point(self.findings.operating_row("held_out", name))}
            for name in ("matching", "best")
        ]

    def _schedule(self) -> dict[str, Any]:
        """The selected controller's parameters over β; run apart, for the source is untrusted."""
        evaluator = episode_evaluator(self.recipe, [])
        try:
            given = evaluator.schedule(self.findings.source, "selected", _SCHEDULE_BETAS)
        except AutoTTSError as error:
            self.missing.append(f"The schedule could not be evaluated: {error}")
            return {"betas": [], "parameters": {}}
        names = list(given[0])
        return {
            "betas": _SCHEDULE_BETAS,
            "parameters": {name: [values[name] for values in given] for name in names},
        }

    def _questions(self, of: str) -> dict[str, Any]:
        """Each question's means over seeds, under the controllers that are compared."""
        columns = self._columns(of)
        stores = self._stores[of]
        rows = []
        for k, name in enumerate(self.findings.sets[of]["stores"]):
            store = stores[k] if stores else None
            count = len(columns[0][2].questions[k].accuracy)
            rows.append(
                {
                    "name": name,
                    "ids": store.question_ids if store else [str(q) for q in range(count)],
                    "texts": store.question_texts if store else [],
                    "gold": store.gold_answers if store else [],
                    "reference": self._reference(store) if store else None,
                    "columns": [
                        {
                            "accuracy": point.questions[k].accuracy.tolist(),
                            "tokens": point.questions[k].tokens.tolist(),
                        }
                        for _, _, point in columns
                    ],
                }
            )
        heads = [
            {"name": name, "label": label, "beta": point.beta} for name, label, point in columns
        ]
        return {"columns": heads, "stores": rows}

    def _reference(self, store: ReplayStore) -> dict[str, Any]:
        sc64 = self_consistency(store, range(self.recipe.seeds))
        return {
            "accuracy": (100 * sc64.correct.mean(axis=1)).tolist(),
            "tokens": sc64.tokens.mean(axis=1).tolist(),
        }

    def _columns(self, of: str) -> list[tuple[str, str, Point]]:
        """Name, the label that its episodes have, and the point, of what is compared."""
        chosen, baselines = self.findings.frontiers(of)
        found = []
        for beta, mark in reversed(list(self.findings.operating_points.items())):
            point = next(each for each in chosen.points if each.beta == beta)
            found.append((f"selected ({mark})", "selected", point))
        for sweep in baselines:
            point = widest(sweep)
            found.append((point.label, point.label, point))
        if of == "search":
            for entry in self.findings.rounds_best:
                assert entry.frontier is not None
                if entry.name != self.findings.selection["selected"]:
                    found.append((f"round {entry.round}", entry.name, entry.frontier.best))
        return found

    def _cases(self) -> list[dict[str, Any]]:
        found = []
        share = self._episodes // len(self.findings.sets)
        # The set that conclusions are drawn from comes first.
        for key, stores in sorted(self._stores.items()):
            if stores is not None:
                found += self._cases_of(key, stores, share)
        return found

    def _cases_of(self, of: str, stores: list[ReplayStore], most: int) -> list[dict[str, Any]]:
        columns = self._columns(of)
        marks = len(self.findings.operating_points)
        points = [widest(sweep) for sweep in self.findings.frontiers(of)[1]]
        chosen = columns[0][2]
        evaluator = episode_evaluator(self.recipe, stores)
        players = [
            source_player(evaluator, self.findings.source, point.beta)
            for _, _, point in columns[:marks]
        ]
        others = [*self._baseline_players(points, stores)]
        questions = question_means(of, stores, chosen, points, self.recipe.seeds)
        try:
            return embedded(
                cases(questions, players[0], [*others[:1], *players[1:], *others[1:]], most)
            )
        except AutoTTSError as error:
            self.missing.append(f"{SETS[of]}: episodes are left out: {error}")
            return []

    def _baseline_players(
        self, points: Iterable[Point], stores: Sequence[ReplayStore]
    ) -> Iterable[Player]:
        for spec, point in zip(self.recipe.baselines, points, strict=True):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    yield baseline_player(spec, point, stores)
            except AutoTTSError as error:
                self.missing.append(f"Episodes of {spec} are left out: {error}")


def _visible(value: Any) -> Any:
    """`value` with every string in it made safe to look at."""
    if isinstance(value, str):
        return visible_lines(value, LONGEST_TEXT)
    if isinstance(value, Mapping):
        return {_visible(key): _visible(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_visible(each) for each in value]
    return value


def _point(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in _POINT} | {
        "stores": [{key: store[key] for key in _STORE_POINT} for store in row["stores"]]
    }
