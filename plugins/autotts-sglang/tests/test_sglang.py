"""SGLang's protocol before a small server that speaks it. Before the real one: tests/engines."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from autotts_core.errors import EngineError
from autotts_core.plugins import registry
from autotts_core.trace_backend import Continuation, Engine, Sampling

VOCABULARY = {"vocab": {chr(97 + k): k for k in range(26)}, "type": "BPE", "merges": []}


@dataclass
class Server:
    """What it answers to a generation, and what it was asked."""

    replies: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()
    told.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(
                200,
                {"model_path": "here/tiny", "vocab_size": 26}
                if self.path == "/model_info"
                else {"served_model_name": "tiny", "version": "1.2.3", "context_length": 100},
            )

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            told.asked.append((self.path, body))
            if self.path != "/generate":
                return self._answer(200, {})
            told.hold.wait(30)
            return self._answer(*told.replies.pop(0))

        def _answer(self, status: int, value: Any) -> None:
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    told.url = f"http://127.0.0.1:{httpd.server_port}"
    yield told
    told.hold.set()
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def engine(server: Server, tmp_path: Path) -> Engine:
    (tmp_path / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": VOCABULARY}))
    options = {"base_url": server.url, "tokenizer": tmp_path}
    found = registry().get("trace backend", "sglang").configure(options)
    assert isinstance(found, Engine)
    return found


SAMPLING = Sampling(0.7, 0.9, 20, seed=1, stop=("z",))


def generated(
    engine: Engine, prefix: list[int], model: str = "tiny", sampling: Sampling = SAMPLING
) -> Continuation:
    async def run() -> Continuation:
        await engine.start(model)
        try:
            return await engine.generate(prefix, 5, sampling)
        finally:
            await engine.close()

    return asyncio.run(run())


def reply(finish: str = "length") -> dict[str, Any]:
    return {
        "text": "cd",
        "output_ids": [2, 3],
        "meta_info": {
            "finish_reason": {"type": finish},
            "output_token_logprobs": [[-0.5, 2, "c"], [0.0, 3, "d"]],
            "cached_tokens": 1,
        },
    }


def test_a_request_and_its_reply(server: Server, engine: Engine) -> None:
    server.replies = [(200, reply())]
    found = generated(engine, [0, 1])
    assert found == Continuation([2, 3], "cd", "length", [-0.5, 0.0], 1)
    [(path, body)] = server.asked
    assert (path, body["input_ids"], body["return_logprob"]) == ("/generate", [0, 1], True)
    assert body["sampling_params"] == {
        "max_new_tokens": 5,
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 20,
        "stop": ["z"],
    }


@pytest.mark.parametrize(
    ("status", "value", "transient", "said"),
    [
        (503, {"error": "busy"}, True, "gives status 503"),
        (429, {}, True, "gives status 429"),
        (400, {"error": {"message": "too long"}}, False, "too long"),
        (200, reply("abort"), True, "ended with {'type': 'abort'}"),
    ],
)
def test_errors(
    status: int, value: Any, transient: bool, said: str, server: Server, engine: Engine
) -> None:
    server.replies = [(status, value)]
    with pytest.raises(EngineError) as caught:
        generated(engine, [0])
    assert caught.value.transient is transient
    assert said in str(caught.value)


def test_confidences_are_of_the_top_tokens(server: Server, engine: Engine) -> None:
    answer = reply()
    answer["meta_info"]["output_top_logprobs"] = [
        [[-0.5, 2, "c"], [-1.5, 4, "e"]],
        [[-1.0, 3, "d"], [-2.0, 0, "a"]],
    ]
    server.replies = [(200, answer)]
    found = generated(engine, [0, 1], sampling=Sampling(top_logprobs=2))
    assert found.confidences == [1.0, 1.5]
    assert server.asked[0][1]["top_logprobs_num"] == 2


def test_another_model_and_a_token_that_it_lacks(server: Server, engine: Engine) -> None:
    with pytest.raises(EngineError, match="does not serve 'large', but 'tiny', also called"):
        generated(engine, [0], "large")
    with pytest.raises(EngineError, match="token 26 is not in the model's vocabulary"):
        generated(engine, [26])
    assert server.asked == []


def test_cancelling_aborts_the_request_in_the_server(server: Server, engine: Engine) -> None:
    server.hold.clear()
    server.replies = [(200, reply())]

    async def run() -> None:
        await engine.start("tiny")
        task = asyncio.create_task(engine.generate([0], 5, Sampling()))
        while not server.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await engine.close()

    asyncio.run(run())
    (_, generation), (path, aborted) = server.asked
    assert (path, aborted) == ("/abort_request", {"rid": generation["rid"]})


def test_no_server_and_no_sglang(tmp_path: Path, engine: Engine) -> None:
    sglang = registry().get("trace backend", "sglang")
    tokenizer = engine.tokenizer("tiny")
    nowhere = sglang.configure({"base_url": "http://127.0.0.1:9", "tokenizer": tokenizer})
    with pytest.raises(EngineError, match="cannot be reached"):
        asyncio.run(nowhere.start("tiny"))
    with pytest.raises(EngineError, match=r"SGLang is not installed for .*: .* -m pip install"):
        asyncio.run(sglang.configure({"tokenizer": tokenizer}).start("tiny"))
    options = {"tokenizer": tokenizer, "python": "no-python"}
    with pytest.raises(EngineError, match="no-python: cannot be run"):
        asyncio.run(sglang.configure(options).start("tiny"))
    with pytest.raises(EngineError, match="no tokenizer is known for 'tiny'"):
        sglang.configure({}).tokenizer("tiny")
