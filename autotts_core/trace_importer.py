"""The trace importer contract: published trace files in, traces out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from autotts_core.component import Component
from autotts_core.traces import QuestionTrace


@dataclass(frozen=True, slots=True)
class ImportedTraces:
    """All questions of one (model, benchmark) pair, and where they come from.

    `accounting` is `published` or `exact`. `source` says where the traces come from in words
    that hold on any machine; `source_sha256` is that of the file, when they are in one.
    """

    model: str
    benchmark: str
    interval_tokens: int
    accounting: str
    source: str
    questions: Sequence[QuestionTrace]
    source_sha256: str | None = None


class TraceImporter(Component, ABC):
    """Reads files that somebody published in a format of their own."""

    kind: ClassVar[str] = "trace importer"

    @abstractmethod
    def read(self, sources: Sequence[Path]) -> Iterator[ImportedTraces]:
        """The traces in `sources` (files or trees), one (model, benchmark) pair at a time.

        Raises `StoreError` that names the file, question and branch that is wrong.
        """
