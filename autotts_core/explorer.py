"""The explorer contract: what proposes controllers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from autotts_core.component import Component


@dataclass(frozen=True, slots=True)
class Proposal:
    """A controller's source code, and why its author expects it to be better."""

    source: str
    rationale: str


class Explorer(Component, ABC):
    """Reads how earlier controllers behaved and writes better ones."""

    kind: ClassVar[str] = "explorer"

    @abstractmethod
    def propose(self, workbench: Any) -> Sequence[Proposal]:
        """One round's proposals, from the history and the free evaluation on `workbench`."""
