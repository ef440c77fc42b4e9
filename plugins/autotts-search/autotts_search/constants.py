"""Fits the numbers in a proposal's schedule: structure from its author, numbers from replay."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field, PositiveInt

from autotts_core.component import Options
from autotts_core.discovery.selection import Questions, fold_questions, where_tokens_fall
from autotts_core.discovery.workbench import Workbench
from autotts_core.errors import ControllerError
from autotts_core.explorer import Proposal
from autotts_core.frontier import Frontier
from autotts_core.tuner import Tuner

_FURTHEST, _STEP, _POPULATION = 2, 0.5, 8
_WORST = -1e3
"""The value of constants that no schedule may have, below any that one can."""


class ConstantsOptions(Options):
    """What `constants` takes."""

    evaluations: PositiveInt = 256
    """Schedules tried for each proposal, over all folds."""
    seeds: PositiveInt = 8
    """Seeds that each of them is replayed with."""
    folds: int = Field(default=2, ge=2)
    """Parts of the questions: numbers are fitted outside of each, and scored on it."""


class Constants(Tuner):
    """Every number in `schedule` but 0 and 1 may move, up to four times or a quarter of what it is.

    Fitted by separable CMA-ES outside of each fold of the questions, and handed in as the
    average of the folds' fits if these gain on the folds that they have not seen. Integers stay
    integers, and what lies between 0 and 1 stays there.
    """

    name: ClassVar[str] = "constants"
    summary: ClassVar[str] = "Fits the numbers in a proposal's schedule, cross-validated"
    Options: ClassVar[type[Options]] = ConstantsOptions
    options: ConstantsOptions

    def tune(self, proposal: Proposal, workbench: Workbench) -> Proposal | None:
        """See `Tuner.tune`."""
        numbers = Numbers.of(proposal.source)
        if not numbers.values:
            return None
        with workbench.variants(proposal.source, self.options.seeds) as scored:
            fitted = _Fit(workbench, numbers, scored, self.options).fitted()
        if fitted is None:
            workbench.say("its constants are as good as any that were tried")
            return None
        source, gain = fitted
        try:
            workbench.evaluate(source)
        except ControllerError as error:
            workbench.say(f"its constants are left as they are: tuned ones are at fault ({error})")
            return None
        told = proposal.rationale.partition("\n")[0]
        return Proposal(
            source,
            f"Its constants tuned, {gain:+.2f} points on questions they were not fitted on: {told}",
        )


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a source's schedule, where they stand, and what they can become."""

    source: str
    values: tuple[float, ...]
    places: tuple[tuple[int, int, int], ...]
    """(line, first column, end) of each, in bytes, from 0."""

    @classmethod
    def of(cls, source: str) -> Numbers:
        """Those of `source`, in order."""
        found = []
        for function in ast.parse(source).body:
            if isinstance(function, ast.FunctionDef) and function.name == "schedule":
                found = [node for node in ast.walk(function) if _movable(node)]
        found.sort(key=lambda node: (node.lineno, node.col_offset))
        return cls(
            source,
            tuple(node.value for node in found),
            tuple((n.lineno - 1, n.col_offset, n.end_col_offset or 0) for n in found),
        )

    def moved(self, steps: Sequence[float]) -> str:
        """The source with its numbers moved by a step each: 1 doubles, -1 halves, 0 leaves it."""
        lines = [line.encode() for line in self.source.splitlines(keepends=True)]
        moves = zip(self.places, self.values, steps, strict=True)
        # From the end, so that the places of the others stay what they are.
        for (line, start, end), value, step in reversed(list(moves)):
            if step:
                text = repr(_moved(value, float(step))).encode()
                lines[line] = lines[line][:start] + text + lines[line][end:]
        return b"".join(lines).decode()


def _movable(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and type(node.value) in (int, float)
        and node.value not in (0, 1)
    )


def _moved(value: float, step: float) -> float:
    if isinstance(value, int):
        return max(1, round(value * 2**step))
    if 0 < value < 1:
        odds = value / (1 - value) * math.exp(step)
        return float(f"{odds / (1 + odds):.3g}")
    return float(f"{value * 2**step:.3g}")


@dataclass
class _Fit:
    """The fits of one proposal's numbers."""

    workbench: Workbench
    numbers: Numbers
    scored: Callable[[str], Frontier]
    options: ConstantsOptions

    def __post_init__(self) -> None:
        self._frontiers: dict[str, Frontier | None] = {}

    def fitted(self) -> tuple[str, float] | None:
        """The source with the average of the folds' fits, and what the fits gain unseen."""
        sizes = [store.manifest.counts.questions for store in self.workbench.stores]
        fits, gains = [], []
        before = self.numbers.source
        for fold in range(self.options.folds):
            others, unseen = fold_questions(sizes, fold, self.options.folds)
            fits.append(self._best(others, fold))
            after = self.numbers.moved(fits[-1])
            gains.append(self._value(after, unseen) - self._value(before, unseen))
        source = self.numbers.moved(np.mean(fits, axis=0).tolist())
        gain = float(np.mean(gains))
        if gain <= 0 or source == before or self._value(source, None) <= self._value(before, None):
            return None
        return source, gain

    def _best(self, questions: Questions, fold: int) -> list[float]:
        with warnings.catch_warnings():
            # It wants matplotlib for plots that nobody asks for.
            warnings.simplefilter("ignore")
            import cma

        rng = np.random.default_rng((*self.workbench.seed, 3, fold))
        options = {
            "seed": int(rng.integers(1, 2**31)),
            "popsize": _POPULATION,
            "bounds": [-_FURTHEST, _FURTHEST],
            "CMA_diagonal": True,
            "verbose": -9,
        }
        search = cma.CMAEvolutionStrategy([0.0] * len(self.numbers.values), _STEP, options)
        for _ in range(max(1, self.options.evaluations // self.options.folds // _POPULATION)):
            points = search.ask()
            values = [self._value(self.numbers.moved(point), questions) for point in points]
            search.tell(points, [-value for value in values])
            if search.stop() or self.workbench.seconds_left <= 0:
                break
        mean: list[float] = search.result.xfavorite.tolist()
        return mean

    def _value(self, source: str, questions: Questions | None) -> float:
        frontier = self._frontier(source)
        return _WORST if frontier is None else self.workbench.value(frontier, questions)

    def _frontier(self, source: str) -> Frontier | None:
        """Its frontier with a few seeds, None where it has a fault."""
        if source not in self._frontiers:
            try:
                found = self.scored(source)
                self._frontiers[source] = None if where_tokens_fall(found) else found
            except ControllerError:
                self._frontiers[source] = None
        return self._frontiers[source]
