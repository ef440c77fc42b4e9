"""What has been proposed so far, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from autotts_core.discovery.digest import Digest
from autotts_core.explorer import Proposal
from autotts_core.frontier import Frontier


@dataclass(frozen=True, eq=False)
class Entry:
    """One proposal: either scored (`frontier`, `digest`) or rejected (`fault` says why)."""

    round: int
    number: int
    proposal: Proposal
    frontier: Frontier | None
    digest: Digest | None
    fault: str | None

    @property
    def name(self) -> str:
        """Such as `2.1`: the first proposal of the second round."""
        return f"{self.round}.{self.number}"


@dataclass(eq=False)
class History:
    """All entries of a run, oldest first."""

    entries: list[Entry] = field(default_factory=list)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @property
    def scored(self) -> Sequence[Entry]:
        """The entries that count: those that were not rejected."""
        return [entry for entry in self.entries if entry.frontier is not None]
