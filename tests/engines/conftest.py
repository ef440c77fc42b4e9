"""Real engines, with a tiny model of random weights, for as long as the tests run.

`tests/engines/run` installs them and runs these tests, which plain `pytest` does not collect.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
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
    command += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    return EngineServer(command, VLLM, log)


def sglang_server(model: Path, log: Path) -> EngineServer:
    """A server of SGLang for `model`, not started."""
    command = [python("sglang"), "-W", "ignore", "-m", "sglang.launch_server"]
    command += ["--model-path", str(model), *SGLANG_ARGUMENTS.split()]
    return EngineServer(command, SGLANG, log)
