"""The explorer `random-search`: draw policies, race them by replay, hand in the best."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from pydantic import PositiveInt

from autotts_core.component import Options
from autotts_core.discovery.selection import Means
from autotts_core.discovery.workbench import Workbench
from autotts_core.errors import ControllerError
from autotts_core.evaluation import self_consistency
from autotts_core.explorer import Explorer, Proposal
from autotts_core.replay.compiled import replay_compiled
from autotts_search.space import Candidate, GrammarController, mutate, sample
from autotts_search.writing import told, write

_SCREEN_BETAS = 4
_BATCH = 50
_FALLS = -1000.0
"""The value of a candidate whose tokens fall as β grows: below that of any other."""

Scored = tuple[float, dict[str, Any]]
"""A candidate's value, and the candidate as JSON values."""


class RandomSearchOptions(Options):
    candidates: PositiveInt = 300
    """Policies tried in each round."""
    finalists: PositiveInt = 12
    """Policies of a round that are scored on all seeds and the whole β grid."""
    proposals: PositiveInt = 1
    """Controllers handed in each round."""
    screen_seeds: PositiveInt = 8
    """Seeds with which a policy is first tried."""
    parents: PositiveInt = 16
    """Best policies of earlier rounds that half of a later round's are neighbours of."""
    part_price: float = 0.05
    """What each part of a policy has to be worth, in percentage points."""


class RandomSearch(Explorer):
    """Random search with neighbours of the best, over a small grammar of policies.

    The first round draws policies at random; later ones draw half, and vary the best for the
    other half. All are tried on few seeds and βs; the best of those on everything, where their
    tokens may not fall as β grows. What is handed in is written out as plain source.
    """

    name: ClassVar[str] = "random-search"
    summary: ClassVar[str] = "Random search over a small grammar of policies; calls no model"
    Options: ClassVar[type[Options]] = RandomSearchOptions
    options: RandomSearchOptions

    def propose(self, workbench: Workbench) -> Iterable[Proposal]:
        """The round's best policies that were not handed in before."""
        screened = workbench.once("screened", lambda: self._screened(workbench))
        finals = workbench.once("finals", lambda: self._finals(workbench, screened))
        return self._handed_in(workbench, finals)

    def _handed_in(self, workbench: Workbench, finals: Sequence[Scored]) -> Iterator[Proposal]:
        # As it was before this round, which an interruption may have left half done.
        known = {e.proposal.source for e in workbench.history if e.round < workbench.round}
        left = self.options.proposals
        for value, described in finals:
            candidate = Candidate.from_json(described)
            source = write(candidate)
            if left == 0 or source in known:
                continue
            try:
                workbench.evaluate(source)
            except ControllerError:
                continue
            left -= 1
            parts = ", ".join(candidate.parts) or "no further part"
            rationale = (
                f"Best of {self.options.candidates} policies tried in this round, with a value "
                f"of {value:.2f}; {parts}.\n\n{told(candidate)}"
            )
            yield Proposal(source, rationale)

    def _screened(self, workbench: Workbench) -> list[Scored]:
        """The round's candidates that did best on few seeds, best first."""
        earlier = [scored for finals in workbench.earlier("finals") for scored in finals]
        best = sorted(earlier, key=lambda scored: -scored[0])[: self.options.parents]
        parents = [Candidate.from_json(described) for _, described in best]
        betas = _spread(workbench.betas, _SCREEN_BETAS)
        seeds = range(min(self.options.screen_seeds, len(workbench.seeds)))

        def tried(first: int, last: int) -> list[Scored]:
            rng = np.random.default_rng((*workbench.seed, first))
            scored = []
            for number in range(first, last):
                if parents and number % 2:
                    candidate = mutate(parents[int(rng.integers(len(parents)))], rng)
                else:
                    candidate = sample(rng)
                value = self._value(workbench, candidate, betas, seeds)
                scored.append((value, candidate.to_json()))
                workbench.progress(number + 1, "trying policies")
            return scored

        count = self.options.candidates
        scored: list[Scored] = []
        for first in range(0, count, _BATCH):
            if first > 0 and workbench.seconds_left <= 0:
                break
            last = min(first + _BATCH, count)
            # Kept by the batch, so that an interruption costs no more than one.
            scored += workbench.once(f"tried-{last}", partial(tried, first, last))
        for parent in parents:
            scored.append((self._value(workbench, parent, betas, seeds), parent.to_json()))
        return _ranked(scored)[: self.options.finalists]

    def _finals(self, workbench: Workbench, screened: Sequence[Scored]) -> list[Scored]:
        """Those whose tokens never fall, by their value on all seeds and βs, best first."""
        scored = []
        for number, (_, described) in enumerate(screened, start=1):
            candidate = Candidate.from_json(described)
            value = self._value(workbench, candidate, workbench.betas, workbench.seeds)
            scored.append((value, described))
            workbench.progress(self.options.candidates, f"final {number} of {len(screened)}")
        return [pair for pair in _ranked(scored) if pair[0] > _FALLS]

    def _value(
        self, workbench: Workbench, candidate: Candidate, betas: Sequence[float], seeds: range
    ) -> float:
        """What the run's rule makes of a candidate, less the price of its parts."""
        controller = GrammarController(candidate)
        accuracy, tokens, reference = [], [], []
        for store in workbench.stores:
            outcomes = [
                replay_compiled(controller, store, beta, seeds, workers=workbench.workers)
                for beta in betas
            ]
            accuracy.append(np.array([100 * each.correct.mean(axis=1) for each in outcomes]))
            tokens.append(np.array([each.tokens.mean(axis=1) for each in outcomes]))
            reference.append(float(self_consistency(store, seeds).tokens.mean()))
        spent = np.mean([each.mean(axis=1) for each in tokens], axis=0)
        if (np.diff(spent) < 0).any():
            return _FALLS
        price = self.options.part_price * len(candidate.parts)
        return workbench.value(Means(accuracy, tokens, reference)) - price


def _ranked(scored: Iterable[Scored]) -> list[Scored]:
    """Best first, each policy once."""
    best = sorted(scored, key=lambda pair: -pair[0])
    unique: dict[str, Scored] = {}
    for value, described in best:
        unique.setdefault(write(Candidate.from_json(described)), (value, described))
    return list(unique.values())


def _spread(betas: Sequence[float], count: int) -> list[float]:
    """At most `count` of `betas`, the ends included, evenly."""
    places = np.linspace(0, len(betas) - 1, min(count, len(betas)))
    return [betas[round(place)] for place in places.tolist()]
