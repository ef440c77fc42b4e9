"""What is to be collected from an engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.errors import OptionError
from autotts_core.store.tables import MOST_BRANCHES, MOST_STEPS

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark, Question
    from autotts_core.engine_branch import BranchSettings
    from autotts_core.trace_backend import Engine


@dataclass(frozen=True)
class Collection:
    """What is to be collected: `branches` branches for each of a benchmark's questions."""

    model: str
    benchmark: Benchmark
    branches: int
    settings: BranchSettings
    seed: int = 0
    at_once: int = 256
    """Branches under way at any time: as many as the engine works on at once, and some more."""
    texts: bool = False
    """Whether what branches write is kept in the store."""

    def __post_init__(self) -> None:
        """Refuse what no store has room for; raises `OptionError`."""
        if self.branches > MOST_BRANCHES:
            raise OptionError(
                f"{self.branches:,} branches a question; a store holds {MOST_BRANCHES:,} at most."
            )
        interval, most = self.settings.interval_tokens, self.settings.max_tokens
        if most // interval + 1 >= MOST_STEPS:
            raise OptionError(
                f"{most:,} tokens a branch at {interval:,} an interval; a store holds fewer than "
                f"{MOST_STEPS:,} intervals: probe every {most // (MOST_STEPS - 1) + 1:,} tokens or "
                "less often."
            )

    @property
    def questions(self) -> Sequence[Question]:
        """The benchmark's questions."""
        return self.benchmark.questions()

    @property
    def most_tokens(self) -> int:
        """What no collection can exceed, without probes."""
        return len(self.questions) * self.branches * self.settings.max_tokens

    @property
    def name(self) -> str:
        """What a directory can be called after the model and the benchmark."""
        model = Path(self.model).name if Path(self.model).is_dir() else self.model
        return f"{model}/{self.benchmark.name}"

    @property
    def stops(self) -> dict[str, list[str]]:
        """Where branches and probes are made to end, as far as the benchmark says so."""
        stops = {"stop": self.benchmark.stop, "probe_stop": self.benchmark.probe_stop}
        return {what: list(strings) for what, strings in stops.items() if strings}

    @property
    def kept(self) -> dict[str, bool]:
        """What is kept beyond what every store has."""
        return {"texts": True} if self.texts else {}

    def folder(self, engine: Engine, root: Path) -> Path:
        """Where below `root` the store belongs: one made with other settings lies elsewhere."""
        settings: dict[str, Any] = self.settings.described() | {
            "backend": engine.name,
            "options": engine.options.model_dump(mode="json"),
            "benchmark": self.benchmark.options.model_dump(mode="json"),
            "branches": self.branches,
            "seed": self.seed,
            **self.stops,
            **self.kept,
        }
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        return root / f"{engine.name}-{digest[:12]}" / self.name
