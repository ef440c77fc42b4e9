"""The tuner contract: what fits the constants of a proposed controller."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from autotts_core.component import Component

if TYPE_CHECKING:
    from autotts_core.discovery.workbench import Workbench
    from autotts_core.explorer import Proposal


class Tuner(Component, ABC):
    """Takes the structure from a proposal, and its numbers from replay."""

    kind: ClassVar[str] = "tuner"

    @abstractmethod
    def tune(self, proposal: Proposal, workbench: Workbench) -> Proposal | None:
        """`proposal` with better constants; None where none carry over to other questions.

        Called once in the life of a run for every proposal that could be scored. What is random
        takes `workbench.seed`.
        """
