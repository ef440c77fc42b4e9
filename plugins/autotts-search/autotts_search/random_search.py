"""The explorer `random-search`: draw policies, race them by replay, hand in the best."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

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
_FALLS = float("-inf")
"""The value of a candidate whose tokens fall as β grows."""


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

    def _handed_in(
        self, workbench: Workbench, finals: Sequence[tuple[float, dict[str, object]]]
    ) -> Iterator[Proposal]:
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

    def _screened(self, workbench: Workbench) -> list[tuple[float, dict[str, object]]]:
        """The round's candidates that did best on few seeds, best first, as JSON values."""
        rng = np.random.default_rng(workbench.seed)
        best = sorted(
            (tuple(each) for finals in workbench.earlier("finals") for each in finals),
            key=lambda pair: -pair[0],
        )[: self.options.parents]
        parents = [Candidate.from_json(described) for _, described in best]
        betas = _spread(workbench.betas, _SCREEN_BETAS)
        seeds = range(min(self.options.screen_seeds, len(workbench.seeds)))
        scored = []
        for number in range(self.options.candidates):
            if parents and number % 2:
                candidate = mutate(parents[int(rng.integers(len(parents)))], rng)
            else:
                candidate = sample(rng)
            scored.append((self._value(workbench, candidate, betas, seeds), candidate))
            workbench.progress(number + 1, "trying policies")
        scored += [(self._value(workbench, each, betas, seeds), each) for each in parents]
        # Falling tokens may be luck of few seeds: the finals decide.
        return _ranked(scored)[: self.options.finalists]

    def _finals(
        self, workbench: Workbench, screened: Sequence[tuple[float, dict[str, object]]]
    ) -> list[tuple[float, dict[str, object]]]:
        scored = []
        for number, (_, described) in enumerate(screened, start=1):
            candidate = Candidate.from_json(described)
            value = self._value(workbench, candidate, workbench.betas, workbench.seeds)
            scored.append((value, candidate))
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


def _ranked(
    scored: Sequence[tuple[float, Candidate]],
) -> list[tuple[float, dict[str, object]]]:
    """Best first, each policy once, as JSON values."""
    best = sorted(scored, key=lambda pair: -pair[0])
    unique = {write(candidate): (value, candidate.to_json()) for value, candidate in best[::-1]}
    return list(unique.values())[::-1]


def _spread(betas: Sequence[float], count: int) -> list[float]:
    """At most `count` of `betas`, the ends included, evenly."""
    places = np.linspace(0, len(betas) - 1, min(count, len(betas)))
    return [betas[round(place)] for place in places.tolist()]
