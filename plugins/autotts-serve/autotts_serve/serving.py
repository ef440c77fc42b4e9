"""From what a server's owner has chosen to a server that runs."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_serve.answering import Service
from autotts_serve.app import application
from autotts_serve.catalogue import Catalogue
from autotts_serve.metrics import Metrics
from autotts_serve.model import Model
from autotts_serve.server import Server
from autotts_serve.shared_grader import SharedGrader

if TYPE_CHECKING:
    import socket

    from autotts_core.benchmark import Benchmark
    from autotts_core.controller import Controller
    from autotts_core.engine_branch import BranchSettings
    from autotts_core.trace_backend import Engine
    from autotts_serve.api_keys import ApiKeys
    from autotts_serve.limits import Limits


@dataclass(frozen=True)
class Setup:
    """A server as its owner wants it; the first of `controllers` is the default, at `beta`."""

    engine: Engine
    model: str
    name: str
    """What clients call the model."""
    benchmark: Benchmark
    controllers: Sequence[Controller]
    beta: float
    settings: BranchSettings
    limits: Limits
    keys: ApiKeys
    answer_form: str = "{answer}"


@asynccontextmanager
async def service(setup: Setup) -> AsyncIterator[Service]:
    """The service, with its engine started, for as long as the context.

    Raises `AutoTTSError` where the model cannot be asked in the benchmark's form, or the engine
    does not start.
    """
    tokenizer = ModelTokenizer(setup.engine.tokenizer(setup.model))
    tokenizer.asked(setup.benchmark, "Is there a template for this?")
    grader = SharedGrader(registry().get("grader", setup.benchmark.grader)())
    catalogue = Catalogue(setup.name, setup.controllers, setup.beta)
    try:
        facts = await setup.engine.start(setup.model)
        model = Model(setup.engine, facts, tokenizer, setup.benchmark, grader, setup.settings)
        yield Service(model, catalogue, setup.limits, Metrics())
    finally:
        await setup.engine.close()


async def run(
    setup: Setup, listener: socket.socket, grace: float, started: Callable[[], None]
) -> None:
    """Serve at `listener` until SIGTERM or SIGINT; `started` is called when clients may come."""
    # Policies run in threads. At Python's own 5 ms each of them could keep the event loop waiting
    # for as long as serving may take.
    sys.setswitchinterval(0.001)
    async with service(setup) as running:
        app = application(running, setup.keys, setup.answer_form)
        await Server(app, running, grace, started).serve([listener])
