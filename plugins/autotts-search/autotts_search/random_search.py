"""The explorer `random-search`: race random policies, fit the best, keep what carries over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field, PositiveInt

from autotts_core.component import Options
from autotts_core.discovery.workbench import Workbench
from autotts_core.explorer import Explorer, Proposal
from autotts_search.structure_search import StructureSearch


class RandomSearchOptions(Options):
    candidates: PositiveInt = 400
    """Policies that the first round begins with: random ones, and known ones' neighbours."""
    race_seeds: PositiveInt = 2
    """Seeds with which all of them are tried; the better half gets twice as many, and so on."""
    structures: PositiveInt = 3
    """Sets of parts whose knobs are fitted in a round, in addition to what has one part less."""
    evaluations: PositiveInt = 96
    """Policies tried in a fit of knobs; each set of parts is fitted once for each fold."""
    fit_seeds: PositiveInt = 8
    """Seeds with which a fit tries a policy."""
    folds: Annotated[int, Field(ge=2)] = 4
    """Parts that the questions are split into: knobs are fitted on all but one, scored on that."""
    part_price: Annotated[float, Field(ge=0)] = 0.1
    """What each part of a policy has to be worth on other questions, in percentage points."""
    latencies: tuple[Annotated[float, Field(ge=0, le=1)], ...] = ()
    """What sequential tokens weigh in the cost, one search each: 0 for the most frugal controller,
    1 for the fastest, and what lies between. None: what the recipe's selection says."""


class RandomSearch(Explorer):
    """Search over a grammar of policies, cross-validated over questions; see `StructureSearch`.

    With several `latencies` each round searches for each of them, so that a run's proposals
    are the surface between the most frugal controller and the fastest.
    """

    name: ClassVar[str] = "random-search"
    summary: ClassVar[str] = "Cross-validated search over a grammar of policies; calls no model"
    Options: ClassVar[type[Options]] = RandomSearchOptions
    options: RandomSearchOptions

    def propose(self, workbench: Workbench) -> Iterable[Proposal]:
        """The round's best policy for each latency, if it carries over better than before."""
        rule = workbench.selection
        tried = 0
        for latency in self.options.latencies or (rule.latency,):
            weighed = rule.model_copy(update={"latency": latency})
            name = f"latency-{latency:g}-"
            search = StructureSearch(workbench, weighed, self.options, name, tried)
            yield from search.proposals()
            tried = search.tried
