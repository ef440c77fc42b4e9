"""Clients of others, unchanged: curl, OpenAI's own library, and the command `llm`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest
from autotts_serve.api_keys import ApiKeys
from autotts_serve.limits import Limits
from autotts_sim.engine import SimulatedEngine

from autotts_core.faulty_engine import Faults, FaultyEngine

from .conftest import ASK, QUESTION, Served, Serving


def client(served: Served, **given: Any) -> openai.OpenAI:
    options = {"api_key": "none", "max_retries": 0, "timeout": 60}
    return openai.OpenAI(base_url=served.url, **(options | given))


def test_the_openai_client_asks(served: Served) -> None:
    asked = client(served)
    assert "toy@cmc" in [model.id for model in asked.models.list()]
    assert asked.models.retrieve("toy@cmc:0.5").id == "toy@cmc:0.5"
    reply = asked.chat.completions.create(
        model="toy@cmc:1",
        messages=ASK["messages"],
        temperature=0.8,
        seed=1,
        extra_body={"autotts": {"seconds": 60}},
    )
    assert reply.choices[0].message.content == "38"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.completion_tokens_details is not None
    assert reply.usage.completion_tokens > (
        reply.usage.completion_tokens_details.reasoning_tokens or 0
    )
    text = asked.completions.create(model="toy", prompt=f"Question: {QUESTION}\nReasoning:")
    assert text.choices[0].text == "38"


def test_the_openai_client_streams(served: Served) -> None:
    chunks = list(
        client(served).chat.completions.create(
            model="toy",
            messages=ASK["messages"],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(text) == "38"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    with client(served).chat.completions.stream(model="toy", messages=ASK["messages"]) as stream:
        assert stream.get_final_completion().choices[0].message.content == "38"


def test_the_openai_client_understands_every_refusal(serve: Serving) -> None:
    keys = ApiKeys(["sk-good"])
    faulty = FaultyEngine(SimulatedEngine(), Faults())
    with serve(faulty, keys=keys, limits=Limits(body_bytes=10_000)) as served:
        with pytest.raises(openai.AuthenticationError):
            client(served, api_key="sk-bad").models.list()
        asked = client(served, api_key="sk-good")
        with pytest.raises(openai.NotFoundError, match="no controller 'none'"):
            asked.models.retrieve("toy@none")
        create = asked.chat.completions.create
        with pytest.raises(openai.BadRequestError, match="'n': a controller gives one") as raised:
            create(model="toy", messages=ASK["messages"], n=3)
        assert (raised.value.param, raised.value.code) == ("n", "unsupported_parameter")
        with pytest.raises(openai.APIStatusError, match="larger than") as large:
            create(model="toy", messages=[{"role": "user", "content": "x" * 10_000}])
        assert large.value.status_code == 413


def test_an_error_in_a_stream_reaches_the_openai_client(serve: Serving) -> None:
    faulty = FaultyEngine(SimulatedEngine(), Faults(refused=1.0))
    with serve(faulty) as served:
        stream = client(served).chat.completions.create(
            model="toy", messages=ASK["messages"], stream=True
        )
        assert next(stream).choices[0].delta.role == "assistant"
        with pytest.raises(openai.APIError, match="The engine refused to go on") as raised:
            list(stream)
        assert raised.value.code == "engine_error"


def test_the_openai_client_gives_up_and_so_does_the_engine(serve: Serving) -> None:
    with serve(SimulatedEngine.configure({"seconds_per_token": 1.0})) as served:

        async def cancelled() -> None:
            asked = openai.AsyncOpenAI(base_url=served.url, api_key="none", max_retries=0)
            task = asyncio.create_task(
                asked.chat.completions.create(model="toy", messages=ASK["messages"])
            )
            while served.engine.running < 8:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        served.idle()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl_asks(served: Served) -> None:
    asked = ["curl", "-sN", f"{served.url}/chat/completions", "-d"]
    done = subprocess.run([*asked, json.dumps(ASK)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == "38"
    streamed = json.dumps(ASK | {"stream": True})
    done = subprocess.run([*asked, streamed], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("data: [DONE]\n\n")


@pytest.mark.slow
@pytest.mark.parametrize("stream", [[], ["--no-stream"]])
def test_llm_asks(served: Served, tmp_path: Path, stream: list[str]) -> None:
    pytest.importorskip("llm")
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: mine\n  model_name: toy@self-consistency\n  api_base: {served.url}\n"
    )

    def llm(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            env=os.environ | {"LLM_USER_PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )

    done = llm("-m", "mine", *stream, "-o", "temperature", "0.8", "--usage", QUESTION)
    assert (done.returncode, done.stdout.strip()) == (0, "38"), done.stderr
    assert "output" in done.stderr
    refused = llm("-m", "mine", *stream, "-o", "stop", "x", QUESTION)
    assert refused.returncode != 0
    assert "'stop' cannot be honoured" in refused.stderr
