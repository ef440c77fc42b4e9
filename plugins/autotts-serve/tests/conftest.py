"""A server over real HTTP, on the simulated engine, in this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from autotts_serve.answering import Service
from autotts_serve.api_keys import ApiKeys
from autotts_serve.app import application
from autotts_serve.limits import Limits
from autotts_serve.server import Server, address, bound, event_loop
from autotts_serve.serving import Setup, service
from autotts_sim.engine import SimulatedEngine

from autotts_core.controller_spec import load_controllers
from autotts_core.engine_branch import BranchSettings
from autotts_core.plugins import registry
from autotts_core.trace_backend import Engine

HTTP = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
"""One for all tests: each client reads the machine's certificates anew."""
QUESTION = "What is 17 + 25 - 4?"
ASK: dict[str, Any] = {"model": "toy", "messages": [{"role": "user", "content": QUESTION}]}


@dataclass
class Served:
    """A server that runs, from outside and from inside."""

    url: str
    service: Service
    engine: Any
    server: Server

    def post(self, path: str = "chat/completions", **given: Any) -> httpx.Response:
        """What a request comes to: `ASK` with what is given."""
        body = (ASK if path.startswith("chat") else {"model": "toy"}) | given
        return HTTP.post(f"{self.url}/{path}", json=body)

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that has to come about."""
        deadline = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline, "it never came about"
            time.sleep(0.005)

    def idle(self) -> None:
        """Wait until nothing is left over anywhere."""
        at_rest = (0, 0, 0, self.service.limits.slots)
        self.until(
            lambda: (
                (
                    self.service.running,
                    self.service.waiting,
                    self.engine.running,
                    self.service.slots.free,
                )
                == at_rest
            )
        )


def setup(engine: Engine | None = None, **changed: Any) -> Setup:
    form = registry().get("benchmark", "arithmetic").configure({"form": "completion"})
    given = {
        "engine": engine or SimulatedEngine.configure({"right": 1.0}),
        "model": "toy",
        "name": "toy",
        "benchmark": form,
        "controllers": load_controllers("self-consistency:branches=8"),
        "beta": 0.5,
        "settings": BranchSettings(100, 4000),
        "limits": Limits(),
        "keys": ApiKeys([]),
    }
    return Setup(**(given | changed))


@contextmanager
def serving(chosen: Setup, grace: float = 5.0) -> Iterator[Served]:
    """Run a server on a free port for as long as the context; nothing may be left over."""
    ready = threading.Event()
    found: dict[str, Any] = {}

    async def run(listener: socket.socket) -> None:
        async with service(chosen) as running:
            app = application(running, chosen.keys, chosen.answer_form)
            server = Server(app, running, grace, ready.set)
            found.update(url=f"{address(listener)}/v1", service=running, server=server)
            await server.serve([listener])

    def in_a_loop() -> None:
        with event_loop() as loop:
            loop.run(run(bound("127.0.0.1", 0)))

    thread = threading.Thread(target=in_a_loop)
    thread.start()
    assert ready.wait(30)
    try:
        yield Served(engine=chosen.engine, **found)
    finally:
        found["server"].should_exit = True
        thread.join(60)
        assert not thread.is_alive()


Serving = Callable[..., AbstractContextManager[Served]]


@pytest.fixture(scope="session")
def serve() -> Serving:
    """Runs a server as it is told to, for as long as a context."""

    def start(engine: Engine | None = None, grace: float = 5.0, **changed: Any) -> Any:
        return serving(setup(engine, **changed), grace)

    return start


@pytest.fixture(scope="module")
def served(serve: Serving) -> Iterator[Served]:
    """One with nothing special about it."""
    with serve() as running:
        yield running
