"""One search of a run: sets of parts, fitted fold by fold and compared on what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from autotts_core.discovery.selection import fold_accuracy, fold_questions, rule_budgets
from autotts_core.discovery.workbench import Workbench
from autotts_core.errors import ControllerError
from autotts_core.evaluation import self_consistency
from autotts_core.explorer import Proposal
from autotts_core.recipe.schema import Selection
from autotts_core.statistics import Interval, mean_difference
from autotts_search.fitting import average, fit
from autotts_search.grammar import PARTS
from autotts_search.scoring import Scorer, spread
from autotts_search.space import ANCESTORS, Candidate, in_order, neighbour, sample, with_parts
from autotts_search.writing import told, write

if TYPE_CHECKING:
    from autotts_search.random_search import RandomSearchOptions

_BATCH = 50
_RACE_BETAS = 3
_FIT_BETAS = 4


@dataclass(frozen=True, slots=True)
class Fitted:
    """A set of parts with knobs fitted on each fold, and what they come to on the others.

    `fits` are points of the unit cube, `gain` is the accuracy against SC@64 that each fold's
    knobs reach on the questions that they were not fitted on, at the rule's budgets, with its
    interval over questions.
    """

    parts: tuple[str, ...]
    fits: tuple[tuple[float, ...], ...]
    gain: Interval

    @property
    def candidate(self) -> Candidate:
        """In the middle of the folds' fits."""
        return average(self.parts, self.fits)

    def worth(self, part_price: float) -> float:
        """The gain, less the price of the parts."""
        return self.gain.mean - part_price * len(self.parts)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Fitted:
        """What `asdict` gave."""
        fits = tuple(tuple(each) for each in values["fits"])
        return cls(tuple(values["parts"]), fits, Interval(**values["gain"]))


@dataclass(eq=False)
class StructureSearch:
    """Looks for what `rule` values most, in one round.

    The first round races random policies, and neighbours of known ones, by successive halving.
    The best sets of parts have their knobs fitted once for each fold of the questions, and are
    compared by what the fits come to on the questions left out, less a price for each part.
    Later rounds fit the winner again with one part less or more. A controller's knobs are the
    average of its folds' fits. Once a round brings nothing that carries over better, later ones
    hand in nothing. `name` begins the names of what it keeps in the run, and `tried` counts the
    policies of the round.
    """

    workbench: Workbench
    rule: Selection
    options: RandomSearchOptions
    name: str
    tried: int

    def proposals(self) -> Iterator[Proposal]:
        """The round's best policy, if it carries over better than those before it."""
        earlier = [
            [Fitted.from_json(each) for each in own]
            for own in self.workbench.earlier(self.name + "fitted")
        ]
        tried = [fitted for own in earlier for fitted in own]
        best = self._best(tried)
        if len(earlier) > 1 and best not in earlier[-1]:
            return
        starts = self._starts(best, {each.parts for each in tried})
        fitted = self._once("fitted", lambda: self._fitted(starts))
        yield from self._handed_in(tried, [Fitted.from_json(each) for each in fitted])

    def _once(self, name: str, compute: Callable[[], Any]) -> Any:
        return self.workbench.once(self.name + name, compute)

    def _tell(self, candidates: int, note: str) -> None:
        self.tried += candidates
        self.workbench.progress(self.tried, note)

    def _scorer(self, betas: Sequence[float], seeds: int) -> Scorer:
        most = len(self.workbench.seeds)
        return Scorer(self.workbench, self.rule, betas, range(min(seeds, most)))

    def _best(self, tried: Sequence[Fitted]) -> Fitted | None:
        return max(tried, key=lambda each: each.worth(self.options.part_price), default=None)

    def _handed_in(self, tried: Sequence[Fitted], new: Sequence[Fitted]) -> Iterator[Proposal]:
        """The best new one that is better than all before it and whose tokens never fall."""
        price = self.options.part_price
        before = self._best(tried)
        for fitted in sorted(new, key=lambda each: -each.worth(price)):
            if before is not None and fitted.worth(price) <= before.worth(price):
                return
            others = [*tried, *new]
            added = _added(fitted, others)
            source = write(fitted.candidate, added)
            try:
                self.workbench.evaluate(source)
            except ControllerError:
                continue
            yield Proposal(source, self._rationale(fitted, added, others), fitted.gain)
            return

    def _rationale(self, fitted: Fitted, added: Mapping[str, str], others: Sequence[Fitted]) -> str:
        gain = fitted.gain
        lines = [
            f"On questions that its knobs were not fitted on, {gain.mean:+.2f} points against "
            f"SC@64 at the budgets that count ({gain.low:+.2f} to {gain.high:+.2f}), "
            f"the best of {len(others)} sets of parts.{self._weighed}",
            "",
            told(fitted.candidate, added),
            "Sets of parts by what they gain on questions left out:",
            "",
        ]
        ranked = sorted(others, key=lambda each: -each.worth(self.options.part_price))
        lines += [
            f"* {each.gain.mean:+.2f} ({each.gain.low:+.2f} to {each.gain.high:+.2f}): "
            f"{', '.join(each.parts) or 'no further part'}"
            for each in ranked
        ]
        return "\n".join(lines) + "\n"

    @property
    def _weighed(self) -> str:
        if self.rule.latency == 0:
            return ""
        return f" Sequential tokens weigh {self.rule.latency:g} in its cost."

    def _starts(self, best: Fitted | None, known: set[tuple[str, ...]]) -> list[Candidate]:
        """What to fit in this round, each set of parts once."""
        if best is None:
            raced = [Candidate.from_json(each) for each in self._raced()]
            # What has no further part shows what parts are worth.
            starts = [with_parts(raced[0], ()), *raced]
            count = self.options.structures + 1
        else:
            rng = np.random.default_rng((*self.workbench.seed, 1))
            without = list(_without_each(best.parts).values())
            others = rng.permutation([part for part in PARTS if part not in best.parts]).tolist()
            starts = [
                with_parts(best.candidate, parts)
                for parts in (*without, *((*best.parts, part) for part in others))
                if in_order(parts) not in known
            ]
            untried = sum(parts not in known for parts in without)
            count = untried + self.options.structures
        unique = {each.parts: each for each in reversed(starts)}
        return list(unique.values())[::-1][:count]

    def _raced(self) -> list[dict[str, Any]]:
        """The candidates that survive all halvings, best first."""
        count = self.options.candidates
        betas = spread(self.workbench.betas, _RACE_BETAS)

        def drawn(first: int, last: int) -> list[Any]:
            rng = np.random.default_rng((*self.workbench.seed, first))
            known = list(ANCESTORS.values())
            candidates = [
                neighbour(known[number // 3 % len(known)], rng) if number % 3 == 0 else sample(rng)
                for number in range(first, last)
            ]
            return ranked(self.options.race_seeds, candidates)

        def ranked(seeds: int, candidates: Sequence[Candidate]) -> list[Any]:
            scorer = self._scorer(betas, seeds)
            values = scorer.values(candidates)
            priced = [
                (value - self.options.part_price * len(each.parts), each.to_json())
                for value, each in zip(values, candidates, strict=True)
            ]
            return sorted(priced, key=lambda pair: -pair[0])

        pool: list[Any] = []
        for first in range(0, count, _BATCH):
            if first > 0 and self.workbench.seconds_left <= 0:
                break
            last = min(first + _BATCH, count)
            # Kept by the batch, so that an interruption costs no more than one.
            pool += self._once(f"raced-{last}", partial(drawn, first, last))
            self._tell(last - first, "racing policies")
        pool.sort(key=lambda pair: -pair[0])
        seeds = self.options.race_seeds
        while len(pool) > 4 * self.options.structures and seeds < len(self.workbench.seeds):
            seeds *= 2
            left = [Candidate.from_json(each) for _, each in pool[: len(pool) // 2]]
            pool = self._once(f"halved-{seeds}", partial(ranked, seeds, left))
        return [described for _, described in pool]

    def _fitted(self, starts: Sequence[Candidate]) -> list[dict[str, Any]]:
        """Each start's parts with knobs fitted fold by fold."""
        found = []
        for number, start in enumerate(starts):
            if found and self.workbench.seconds_left <= 0:
                break
            fits = []
            for fold in range(self.options.folds):
                run = partial(self._fit, start, fold, number)
                fits.append(self._once(f"fit-{number}-{fold}", run))
                note = f"fitting {number + 1} of {len(starts)}, fold {fold + 1}"
                self._tell(self.options.evaluations, note)
            gain = self._gain(start.parts, fits)
            found.append(asdict(Fitted(start.parts, tuple(map(tuple, fits)), gain)))
        return found

    def _fit(self, start: Candidate, fold: int, number: int) -> list[float]:
        scorer = self._scorer(spread(self.workbench.betas, _FIT_BETAS), self.options.fit_seeds)
        sizes = [store.manifest.counts.questions for store in self.workbench.stores]
        others, _ = fold_questions(sizes, fold, self.options.folds)
        rng = np.random.default_rng((*self.workbench.seed, 2, fold, number))
        return fit(scorer, start, others, self.options.evaluations, int(rng.integers(1, 2**31)))

    def _gain(self, parts: Sequence[str], fits: Sequence[Sequence[float]]) -> Interval:
        """What each fold's knobs gain against SC@64 on the questions of the fold."""
        scorer = self._scorer(self.workbench.betas, len(self.workbench.seeds))
        means = scorer.means(average(parts, [each]) for each in fits)
        answered = fold_accuracy(means, self.rule, rule_budgets(self.rule))
        reference = [
            self_consistency(store, self.workbench.seeds).accuracy
            for store in self.workbench.stores
        ]
        benchmarks = [store.benchmark for store in self.workbench.stores]
        return mean_difference(answered, reference, benchmarks)


def _without_each(parts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each of `parts`, the others."""
    return {part: tuple(other for other in parts if other != part) for part in parts}


def _added(fitted: Fitted, others: Sequence[Fitted]) -> dict[str, str]:
    """For each part without which the policy was fitted as well, what it adds, in words."""
    gains = {each.parts: each.gain.mean for each in others}
    return {
        part: f" ({fitted.gain.mean - gains[rest]:+.2f} points)"
        for part, rest in _without_each(fitted.parts).items()
        if rest in gains
    }
