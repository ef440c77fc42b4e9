"""Real engines, with a tiny model of random weights, for as long as the tests run.

`tests/engines/run` installs them and runs these tests, which plain `pytest` does not collect.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

if "AUTOTTS_TEST_ENGINES" in os.environ:
    ENGINES = Path(os.environ["AUTOTTS_ENGINES_DIR"])
else:
    # Also where the user keeps engines, plain `pytest` leaves them alone.
    collect_ignore_glob = ["test_*.py"]

_PATIENCE = 400
"""Seconds that an engine may take to load the tiny model on a busy machine."""

OFFLINE = {"HF_HUB_OFFLINE": "1"}
VLLM = {**OFFLINE, "VLLM_CPU_KVCACHE_SPACE": "1"}
SGLANG = {
    **OFFLINE,
    "OMP_NUM_THREADS": "1",
    "SGLANG_USE_CPU_ENGINE": "1",
    "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "0",
    "PYTHONPATH": str(HERE / "sglang-shim"),
}
SGLANG_ARGUMENTS = (
    "--device cpu --attention-backend torch_native --dtype float32 --max-total-tokens 16384 "
    "--max-running-requests 16 --context-length 2048 --disable-overlap-schedule "
    "--skip-server-warmup"
)


SMALL = ["--branches", "6", "--interval", "40", "--max-tokens", "400", "--probe-tokens", "8"]
QUESTIONS = ["--benchmark-option", "questions=3", "--benchmark-option", "form=completion"]


def python(engine: str) -> str:
    """The interpreter of an engine's environment."""
    return str(ENGINES / engine / "bin" / "python")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says nothing, as engines load it."""
    directory = tmp_path_factory.mktemp("models") / "tiny"
    subprocess.run([python("vllm"), HERE / "tiny_model.py", directory], check=True)
    return directory


@dataclass
class EngineServer:
    """A server in a process group of its own, which can be killed and started again."""

    command: list[str]
    environment: Mapping[str, str]
    log: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it on its port, a free one at first, and wait until it answers."""
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "--host", "127.0.0.1", "--port", str(self.port)],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=10).is_success:
                    return
            time.sleep(0.5)
        self.stop()
        pytest.fail(f"{self.command[2]} does not start: {self.log.read_text()[-4000:]}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End its whole process group."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def running(server: EngineServer) -> Iterator[EngineServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def vllm_server(model: Path, log: Path) -> EngineServer:
    """A vLLM server for `model`, not started."""
    command = [python("vllm"), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    command += ["--served-model-name", str(model), "--enforce-eager", "--dtype", "float32"]
    command += ["--max-model-len", "16384", "--enable-prompt-tokens-details"]
    # A seeded request that does not fit into one batch kills vLLM 0.32 on a CPU.
    command += ["--max-num-batched-tokens", "65536"]
    command += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    return EngineServer(command, VLLM, log)


def sglang_server(model: Path, log: Path) -> EngineServer:
    """A server of SGLang for `model`, not started."""
    command = [python("sglang"), "-W", "ignore", "-m", "sglang.launch_server"]
    command += ["--model-path", str(model), *SGLANG_ARGUMENTS.split()]
    return EngineServer(command, SGLANG, log)


@dataclass(frozen=True)
class Backend:
    """How to reach an engine: the backend's name and options, and where the command runs."""

    name: str
    options: Mapping[str, str]
    block: int
    """Tokens of a block of the engine's prefix cache."""
    interpreter: str = sys.executable
    environment: Mapping[str, str] | None = None
    server: EngineServer | None = None

    def command(self, *arguments: object) -> list[str]:
        given = [part for pair in self.options.items() for part in ("--option", "=".join(pair))]
        told = [str(each) for each in arguments]
        return [self.interpreter, "-m", "autotts_core", *told, "--backend", self.name, *given]

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env={**os.environ, **(self.environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: object) -> str:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err[-3000:]
        return out


BACKENDS = ("vllm-server", "sglang-server", "vllm", "sglang")
"""Servers that are there, and engines that the backend starts itself."""


@pytest.fixture(scope="session")
def backend(
    request: pytest.FixtureRequest, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """One of `BACKENDS`; a server runs for as long as its tests do."""
    log = tmp_path_factory.mktemp("engine") / "log"
    if request.param == "vllm-server":
        with running(vllm_server(model, log)) as server:
            options = {"base_url": f"{server.url}/v1"}
            yield Backend("openai-compatible", options, 128, server=server)
    elif request.param == "sglang-server":
        with running(sglang_server(model, log)) as server:
            options = {"base_url": server.url, "timeout": "20"}
            yield Backend("sglang", options, 1, server=server)
    elif request.param == "vllm":
        arguments = {"enforce_eager": True, "dtype": "float32", "max_model_len": 2048}
        options = {"engine_args": json.dumps(arguments)}
        yield Backend("vllm", options, 128, python("vllm"), VLLM)
    else:
        options = {"python": python("sglang"), "arguments": SGLANG_ARGUMENTS}
        yield Backend("sglang", options, 1, sys.executable, SGLANG)


def on(*engines: str) -> pytest.MarkDecorator:
    """Run a test on these of `BACKENDS`."""
    return pytest.mark.parametrize("backend", engines, indirect=True, scope="session")
