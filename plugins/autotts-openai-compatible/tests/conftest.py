"""A server that speaks the completions protocol over the simulated engine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from autotts_sim.engine import SimulatedEngine

from autotts_core.trace_backend import Sampling


@dataclass
class Server:
    """What it is told to do, and what it was asked."""

    engine: SimulatedEngine
    bare: bool = False
    """Whether it knows no more than the protocol: no token ids, log-probabilities, caches."""
    gives_ids: bool = True
    faults: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    """(status, headers, body) of the next replies; a status of 0 drops the connection."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    url: str = ""

    def reply(self, body: dict[str, Any], loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
        stop = tuple(body.get("stop", ()))
        top = body.get("logprobs", 0)
        sampling = Sampling(
            temperature=body["temperature"], seed=body.get("seed"), stop=stop, top_logprobs=top
        )
        generated = self.engine.generate(body["prompt"], body["max_tokens"], sampling)
        found = asyncio.run_coroutine_threadsafe(generated, loop).result()
        choice: dict[str, Any] = {"index": 0, "text": found.text, "finish_reason": found.finish}
        usage: dict[str, Any] = {"completion_tokens": len(found.token_ids)}
        if not self.bare:
            if self.gives_ids:
                choice["token_ids"] = list(found.token_ids)
            # Tokens by their text, as the protocol has it; one token stands for all of them.
            tops = [{"a": -each} for each in found.confidences or ()]
            choice["logprobs"] = {"token_logprobs": list(found.logprobs or [])}
            choice["logprobs"]["top_logprobs"] = tops if top else None
            usage["prompt_tokens_details"] = {"cached_tokens": found.cached_tokens}
        return {"object": "text_completion", "choices": [choice], "usage": usage}


@pytest.fixture
def server() -> Iterator[Server]:
    """One that serves the model "toy"."""
    with serving(Server(SimulatedEngine.configure({}))) as running:
        yield running


@pytest.fixture
def another_server() -> Iterator[Server]:
    """The same elsewhere."""
    with serving(Server(SimulatedEngine.configure({}))) as running:
        yield running


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run `server` on a free port of this machine for as long as the context."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(server.engine.start("toy"), loop).result()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None: ...

        def do_GET(self) -> None:
            server.keys.add(self.headers.get("authorization"))
            if self.path == "/v1/models":
                served = {"id": "toy", "owned_by": "toy-server"}
                self.answer(200, {}, {"data": [served | ({} if server.bare else LENGTH)]})
            elif self.path == "/version" and not server.bare:
                self.answer(200, {}, {"version": "1.2.3"})
            else:
                self.answer(404, {}, {"error": "no such page"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.asked.append(body)
            if server.faults:
                status, headers, text = server.faults.pop(0)
                if status == 0:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.answer(status, headers, text)
            else:
                self.answer(200, {}, server.reply(body, loop))

        def answer(self, status: int, headers: dict[str, str], body: Any) -> None:
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            # A client that gives up is part of some tests.
            with suppress(ConnectionError):
                self.wfile.write(content)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        loop.call_soon_threadsafe(loop.stop)


LENGTH = {"max_model_len": 100_000}
