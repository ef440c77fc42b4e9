"""The explorer contract: what proposes controllers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from autotts_core.component import Component

if TYPE_CHECKING:
    from autotts_core.discovery.workbench import Workbench
    from autotts_core.recipe.schema import Budget
    from autotts_core.statistics import Interval


@dataclass(frozen=True, slots=True)
class Proposal:
    """A controller's source code, and why its author expects it to be better.

    `source` is a controller file (see `autotts_core.controller_file`): `schedule(beta)` and
    `policy(episode, p)`. `expected` is what its author expects it to gain on questions that it
    was not made on: points against SC@64, averaged over the budgets that the run's rule looks
    at. It is shown beside what it does gain, and decides nothing.
    """

    source: str
    rationale: str
    expected: Interval | None = None


class Explorer(Component, ABC):
    """Reads how earlier controllers behaved and writes better ones."""

    kind: ClassVar[str] = "explorer"
    paid: ClassVar[bool] = False
    """Whether proposing costs dollars."""

    def lacks(self, budget: Budget) -> str | None:
        """Why it could not work here, such as a key that is not set; None when it can.

        Asked before a run starts anything.
        """
        return None

    @abstractmethod
    def propose(self, workbench: Workbench) -> Iterable[Proposal]:
        """One round's proposals, from the history and the free evaluation on `workbench`.

        Each is checked, scored and kept before the next is asked for. When a run was cut off
        within a round, `propose` is called again for that round and must come to the same
        proposals: everything random takes `workbench.seed`, and what is costly or cannot be
        had twice goes through `workbench.once`.
        """
