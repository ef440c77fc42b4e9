"""Controllers in front of real engines: `solve`, `serve` and `verify-live`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from .conftest import QUESTIONS, SMALL, Backend, on

FORM = ["--benchmark-option", "form=completion"]
LIVE = ["--benchmark", "arithmetic", *FORM, "--interval", 40, "--max-tokens", 200]
QUESTION = "What is 2 + 2?"


@on("vllm-server", "sglang-server")
def test_solve(backend: Backend, model: Path) -> None:
    told: dict[str, Any] = json.loads(
        backend.run(
            *("solve", QUESTION, "--model", model, *LIVE),
            *("--branches", 8, "--controller", "cmc", "--json"),
        )
    )
    assert told["tokens"] > 0
    assert told["stopped"]


@on("vllm-server", "sglang-server")
def test_verify_live(backend: Backend, model: Path, tmp_path: Path) -> None:
    backend.run("collect", model, "arithmetic", "--out", tmp_path, *SMALL, *QUESTIONS)
    told: dict[str, Any] = json.loads(
        backend.run(
            *("verify-live", "--traces", tmp_path, "--model", model, *QUESTIONS),
            *("--controller", "parallel-probe:branches=4,warm_up=1", "--seeds", 2, "--json"),
        )
    )
    assert (told["questions"], told["live_seeds"]) == (3, 2)
    assert told["differences"] == []
    tokens = told["tokens"]
    assert 0 < tokens["replay"]["mean"] <= 4 * 400
    assert 0 < tokens["live"]["mean"] <= 4 * 400
    assert told["gap"]["probes"] > 0
    # A block of each request's prefix at most: every branch is probed at each of its intervals.
    requests = 4 * 2 * (400 // 40 + 1)
    assert 0 <= told["gap"]["computed_again"] <= requests * backend.block
    print(backend.name, {key: told[key] for key in ("accuracy", "tokens", "gap")})


@on("vllm-server", "sglang-server")
def test_serve(backend: Backend, model: Path, tmp_path: Path) -> None:
    with serving(backend, model) as url:
        client = openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=200)
        name = f"{model.name}@self-consistency:branches=3"
        messages: list[Any] = [{"role": "user", "content": QUESTION}]
        reply = client.chat.completions.create(model=name, messages=messages, seed=1)
        assert reply.usage is not None
        assert reply.usage.completion_tokens > 0
        assert reply.usage.prompt_tokens > 0
        *_, last = client.chat.completions.create(
            model=name, messages=messages, stream=True, stream_options={"include_usage": True}
        )
        assert last.usage is not None
        assert last.usage.completion_tokens > 0
        body = json.dumps({"model": name, "messages": messages})
        done = subprocess.run(
            ["curl", "-sS", f"{url}/chat/completions", "-d", body], capture_output=True, check=True
        )
        assert json.loads(done.stdout)["choices"][0]["finish_reason"] == "stop"
        (tmp_path / "extra-openai-models.yaml").write_text(
            f"- model_id: mine\n  model_name: {name}\n  api_base: {url}\n"
        )
        llm = subprocess.run(
            [sys.executable, "-m", "llm", "-m", "mine", "--usage", QUESTION],
            env=os.environ | {"LLM_USER_PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert llm.returncode == 0, llm.stderr
        assert "output" in llm.stderr


@on("vllm-server")
def test_a_client_that_goes_takes_its_branches_along(backend: Backend, model: Path) -> None:
    assert backend.server is not None
    with serving(backend, model, "--max-tokens", 12_000) as url:
        name = f"{model.name}@self-consistency:branches=64"
        body = {"model": name, "messages": [{"role": "user", "content": QUESTION}]}
        with (
            pytest.raises(httpx.ReadTimeout),
            httpx.stream("POST", f"{url}/chat/completions", json=body, timeout=1) as response,
        ):
            response.read()
        end = time.monotonic() + 30
        while running_requests(backend.server.url) > 0:
            assert time.monotonic() < end
            time.sleep(0.2)


def running_requests(url: str) -> float:
    text = httpx.get(f"{url}/metrics").text
    return sum(
        map(float, re.findall(r"^vllm:num_requests_(?:running|waiting)\{.*\} (.*)$", text, re.M))
    )


@contextmanager
def serving(backend: Backend, model: Path, *arguments: object) -> Iterator[str]:
    """The address of `autotts serve` in front of an engine."""
    asked = ("serve", "--model", model, *LIVE, "--port", 0, *arguments)
    with backend.start(*asked) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://\S+", said)
            assert found, process.stderr and process.stderr.read()
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    assert process.returncode == 0
