"""`autotts serve` as a process, and its owner's mistakes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from autotts_serve.server import address, bound
from click.testing import CliRunner

from autotts_core.cli import cli

from .conftest import ASK, HTTP

SERVE = [
    "serve", "--model", "toy", "--backend", "simulated-engine", "--benchmark", "arithmetic",
    "--benchmark-option", "form=completion", "--interval", "100", "--max-tokens", "4000",
    "--port", "0",
]  # fmt: skip


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and where it serves."""
    command = [sys.executable, "-m", "autotts_core", *SERVE, *arguments]
    keys = {"AUTOTTS_API_KEYS": "sk-secret"}
    with subprocess.Popen(
        command, env=os.environ | keys, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        started = running.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/v1", started)
        try:
            assert found, started
            yield running, found[0]
        finally:
            running.kill()


def ask(url: str) -> httpx.Response:
    headers = {"authorization": "Bearer sk-secret"}
    return HTTP.post(f"{url}/chat/completions", json=ASK, headers=headers)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_ends_it_when_running_requests_are_done(number: int) -> None:
    slow = ["--option", "seconds_per_token=0.0005", "--controller", "self-consistency:branches=8"]
    with process(*slow) as (running, url), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, url)
        metrics = url.replace("/v1", "/metrics")
        while "autotts_requests_running 1.0" not in HTTP.get(metrics).text:
            pass
        running.send_signal(number)
        assert asked.result().json()["autotts"]["controller"] == "self-consistency(branches=8)"
        out, err = running.communicate(timeout=30)
        assert (running.returncode, out, err) == (0, "", "")


def test_a_second_signal_does_not_wait() -> None:
    with process("--option", "seconds_per_token=100") as (running, url):
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask, url)
            metrics = url.replace("/v1", "/metrics")
            while "autotts_requests_running 1.0" not in HTTP.get(metrics).text:
                pass
            running.send_signal(signal.SIGTERM)
            assert not asked.done()
            running.send_signal(signal.SIGINT)
            reply = asked.result()
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "shutting_down")
        running.communicate(timeout=30)
        assert running.returncode == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--backend", "simulated"], "hands over whole traces"),
        (["--answer-form", "yes"], "must hold {answer}"),
        (["--api-keys", "nowhere"], "--api-keys nowhere: cannot be read"),
        (
            ["--controller", "asc:max_branches=1,2"],
            "is 2 controllers (asc(max_branches=1), asc(max_branches=2)): name one",
        ),
        (["--controller", "asc", "--controller", "asc:max_branches=3"], "'asc' is given twice"),
        (["--benchmark-option", "form=chat"], "tokenizer_config.json"),
        (["--host", "256.0.0.1"], "256.0.0.1"),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    given: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, [*SERVE, *given])
    assert done.exit_code == 2, done.output
    assert told in done.output
    assert "Traceback" not in done.output


def test_replies_are_sent_without_delay() -> None:
    # By the protocol asyncio knows that it may switch Nagle's algorithm off.
    for host in ("127.0.0.1", "::1"):
        with bound(host, 0) as listener:
            assert listener.proto == socket.IPPROTO_TCP
            assert address(listener).startswith(f"http://{'[::1]' if ':' in host else host}:")


def test_a_port_that_is_taken_is_told() -> None:
    with process() as (_, url):
        port = url.split(":")[2].removesuffix("/v1")
        done = CliRunner().invoke(cli, [*SERVE, "--port", port])
        assert done.exit_code == 2
        assert f"--host 127.0.0.1 --port {port}: Address already in use." in done.output
