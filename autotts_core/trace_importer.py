"""The trace importer contract: published trace files in, traces out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from autotts_core.component import Component
from autotts_core.traces import TraceSet


class TraceImporter(Component, ABC):
    """Reads files that somebody published in a format of their own."""

    kind: ClassVar[str] = "trace importer"

    @abstractmethod
    def read(self, sources: Sequence[Path]) -> Iterator[TraceSet]:
        """The traces in `sources` (files or trees), one (model, benchmark) pair at a time.

        Raises `StoreError` that names the file, question and branch that is wrong.
        """
