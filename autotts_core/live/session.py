"""An engine, a benchmark's form and a controller, put together to answer questions."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from autotts_core.controller_spec import label
from autotts_core.engine_branch import check_room
from autotts_core.legacy import LegacyController
from autotts_core.live.solving import Solver
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.replay.policy import parameters
from autotts_core.retrying_engine import RetryingEngine

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark
    from autotts_core.controller import Controller
    from autotts_core.engine_branch import BranchSettings, EngineQuestion
    from autotts_core.grader import Grader
    from autotts_core.grading import Unreadable
    from autotts_core.trace_backend import Engine, EngineFacts


@dataclass(frozen=True)
class Session:
    """Questions are asked in the form of `benchmark`, and answers read and graded as it says."""

    model: str
    engine: Engine
    benchmark: Benchmark
    grader: Grader
    unreadable: Unreadable
    controller: Controller
    beta: float
    settings: BranchSettings
    branches: int

    @cached_property
    def tokenizer(self) -> ModelTokenizer:
        """The model's; `EngineError` or `BenchmarkError` where there is none."""
        return ModelTokenizer(self.engine.tokenizer(self.model))

    def asked(self, text: str, facts: EngineFacts) -> EngineQuestion:
        """The question `text` as the engine is asked it; `EngineError` where it has no room."""
        asked = self.tokenizer.asked(self.benchmark, text)
        check_room(self.model, [asked], self.settings, facts.context)
        return asked

    @asynccontextmanager
    async def open(self, at_once: int) -> AsyncIterator[tuple[Solver, EngineFacts]]:
        """Start the engine, and close it in the end; `at_once` questions can be under way."""
        retrying = RetryingEngine(self.engine)
        try:
            facts = await retrying.start(self.model)
            with ThreadPoolExecutor(at_once) as threads:
                yield (
                    Solver(
                        self.controller,
                        self.beta,
                        self.settings,
                        self.branches,
                        retrying,
                        self.grader,
                        self.unreadable,
                        threads,
                    ),
                    facts,
                )
        finally:
            await retrying.close()

    def description(self) -> dict[str, Any]:
        """All that answers hang on, as plain JSON values."""
        return {
            "model": self.model,
            "backend": self.engine.name,
            "backend_options": _lasting(self.engine.options.model_dump(mode="json")),
            "benchmark": self.benchmark.name,
            "prompt": self.benchmark.prompt_form(),
            "probe": self.benchmark.probe_suffix(),
            "stop": list(self.benchmark.stop),
            "probe_stop": list(self.benchmark.probe_stop),
            "chat": self.benchmark.chat,
            "grader": f"{self.grader.name} {self.grader.version}",
            "unreadable": self.unreadable,
            "controller": label(self.controller),
            "policy_sha256": _policy_sha256(self.controller),
            "parameters": _plain(parameters(self.controller, self.beta)._asdict()),
            "beta": self.beta,
            "branches": self.branches,
            **asdict(self.settings),
        }


def _policy_sha256(controller: Controller) -> str:
    if isinstance(controller, LegacyController):
        return hashlib.sha256(controller.path.read_bytes()).hexdigest()
    return hashlib.sha256(inspect.getsource(type(controller).policy).encode()).hexdigest()


def _lasting(options: dict[str, Any]) -> dict[str, Any]:
    """Options without addresses: a server may come up elsewhere, and is the same."""
    return {key: value for key, value in options.items() if "://" not in str(value)}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Numpy's numbers as Python's."""
    return {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in values.items()
    }
