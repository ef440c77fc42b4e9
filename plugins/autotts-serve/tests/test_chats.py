"""System messages and earlier turns go through the model's chat template; keys stay out of logs."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from autotts_serve.api_keys import ApiKeys
from autotts_sim.engine import SimulatedEngine

from autotts_core.plugins import registry
from autotts_core.trace_backend import Continuation, Sampling

from .conftest import ASK, HTTP, Served, Serving

TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'system' and message.content == 'refuse' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "<{{ message.role }}>{{ message.content }}</>{% endfor %}<assistant>"
)
FORM = "\n\nPlease reason step by step, and put your final answer within \\boxed{}."


class Chatting(SimulatedEngine):
    """Has a chat template, notes what it is asked, and answers 7."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.prompts: list[str] = []
        plain = super().tokenizer("toy")
        shutil.copy(plain / "tokenizer.json", directory)
        config = {"chat_template": TEMPLATE}
        (directory / "tokenizer_config.json").write_text(json.dumps(config))

    def tokenizer(self, model: str) -> Path:
        return self.directory

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        self.prompts.append(bytes(list(prefix)).decode())
        text = "so </think> \\boxed{7}"
        return Continuation(list(text.encode()), text, "stop")


def chat(served: Served, *turns: tuple[str, Any]) -> Any:
    messages = [{"role": role, "content": content} for role, content in turns]
    return served.post(messages=messages)


def test_what_was_said_before_is_asked_with_the_question(serve: Serving, tmp_path: Path) -> None:
    engine = Chatting(tmp_path)
    form = registry().get("benchmark", "arithmetic").configure({})
    with serve(engine, benchmark=form) as served:
        reply = chat(served, ("user", "3 + 4?")).json()
        assert engine.prompts[-1] == f"<user>3 + 4?{FORM}</><assistant>"
        assert reply["choices"][0]["message"]["content"] == "7"
        assert reply["usage"]["prompt_tokens"] == len(engine.prompts[-1])
        chat(served, ("developer", "Be brief."), ("user", "1 + 1?"), ("assistant", "2"),
             ("user", "And twice that?"))  # fmt: skip
        assert engine.prompts[-1] == (
            "<system>Be brief.</><user>1 + 1?</><assistant>2</>"
            f"<user>And twice that?{FORM}</><assistant>"
        )
        refused = chat(served, ("system", "refuse"), ("user", "x"))
        assert refused.status_code == 400
        assert "System role not supported" in refused.json()["error"]["message"]


def test_keys_and_addresses_are_in_no_log_and_no_reply(
    serve: Serving, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autotts_core.errors import EngineError

    async def refused(*_: Any) -> Continuation:
        raise EngineError("http://10.0.0.3:8000/v1: status 401: no such key sk-engine-secret")

    monkeypatch.setenv("ENGINE_KEY", "sk-engine-secret")
    monkeypatch.setattr(SimulatedEngine, "generate", refused)
    with caplog.at_level(logging.INFO), serve(keys=ApiKeys(["sk-client"])) as served:
        headers = {"authorization": "Bearer sk-client"}
        reply = HTTP.post(f"{served.url}/chat/completions", json=ASK, headers=headers)
        assert reply.status_code == 502
        assert "10.0.0.3" not in reply.text
        assert "10.0.0.3" in caplog.text
        assert reply.headers["x-request-id"] in caplog.text
        assert "sk-client" not in caplog.text
        assert "sk-engine-secret" not in caplog.text
