"""SGLang as an engine, by its own protocol: https://docs.sglang.ai/basic_usage/native_api.html."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import uuid
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PositiveFloat

from autotts_core.component import Options
from autotts_core.confidence import token_confidence
from autotts_core.errors import EngineError
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.trace_backend import Continuation, Engine, EngineFacts, Sampling

if TYPE_CHECKING:
    import httpx

INSTALL = "pip install sglang"

_AGAIN = {408, 429}

# PR_SET_PDEATHSIG outlives exec, and SGLang's own processes end with their server.
_ENDS_WITH_ITS_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class SGLangOptions(Options):
    """What `sglang` takes."""

    base_url: str | None = None
    """The address of a server that is there; unless told, one is started, and stopped in the
    end."""
    tokenizer: Path | None = None
    """The directory with the model's tokenizer.json, where the model itself is no directory."""
    python: str = "python3"
    """The interpreter that has SGLang, for a server to be started."""
    arguments: str = ""
    """More arguments of `sglang.launch_server`, such as `--tp 2`."""
    start_timeout: PositiveFloat = 1800
    """Seconds that a server may take to be ready."""
    timeout: PositiveFloat = 3600
    """Seconds that one request may take."""


class SGLang(Engine):
    """A server of SGLang, given or started; a started one has a process group of its own."""

    name: ClassVar[str] = "sglang"
    summary: ClassVar[str] = "SGLang's own protocol: a server that is given, or started for the run"
    Options: ClassVar[type[Options]] = SGLangOptions
    options: SGLangOptions

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._client: httpx.AsyncClient | None = None
        self._server: Process | None = None
        self._url = ""
        self._vocabulary = 0

    def tokenizer(self, model: str) -> Path:
        """That of the options, or the model itself where it is a directory."""
        if self.options.tokenizer is not None:
            return self.options.tokenizer
        if Path(model).is_dir():
            return Path(model)
        raise EngineError(
            f"backend {self.name!r}: no tokenizer is known for {model!r}. Give the directory that "
            "holds its tokenizer.json as the option 'tokenizer'."
        )

    async def start(self, model: str) -> EngineFacts:
        """Reach the server, or start one, and see what it serves."""
        import httpx

        self._vocabulary = ModelTokenizer(self.tokenizer(model)).size
        self._url = self.options.base_url or await self._started(model)
        self._client = httpx.AsyncClient(
            base_url=self._url.rstrip("/") + "/",
            timeout=httpx.Timeout(self.options.timeout, connect=30),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )
        if self._server is not None:
            await self._ready(model)
        found = await self._answer("GET", "model_info")
        server = await self._answer("GET", "server_info")
        served = dict.fromkeys([server.get("served_model_name"), found.get("model_path")])
        if model not in served:
            names = ", also called ".join(map(repr, served))
            raise EngineError(f"{self._url}: does not serve {model!r}, but {names}.")
        return EngineFacts(
            self.name,
            str(server.get("version", "unknown")),
            server.get("context_length") or found.get("max_context_length"),
            ("seeds: the same branch cannot be drawn again",),
        )

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """One request; cancelling it aborts it in the server."""
        if prefix and max(prefix) >= self._vocabulary:
            # The server would not refuse it, but die.
            raise EngineError(f"token {max(prefix)} is not in the model's vocabulary.")
        # SGLang ends a request whose id *begins* with the one to abort: ids are of one length.
        rid = uuid.uuid4().hex
        body = {
            "rid": rid,
            "input_ids": list(prefix),
            "sampling_params": {
                "max_new_tokens": max_tokens,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
                "stop": list(sampling.stop),
            },
            "return_logprob": True,
            "top_logprobs_num": sampling.top_logprobs,
        }
        try:
            answer = await self._answer("POST", "generate", body)
        except asyncio.CancelledError:
            await asyncio.shield(self._abort(rid))
            raise
        about = answer["meta_info"]
        finish = (about.get("finish_reason") or {}).get("type")
        if finish not in ("length", "stop"):
            reason = about.get("finish_reason")
            raise EngineError(f"{self._url}: a request ended with {reason!r}.", transient=True)
        confidences = None
        if (most := sampling.top_logprobs) and (tops := about.get("output_top_logprobs")):
            confidences = [token_confidence((each[0] for each in top), most) for top in tops]
        return Continuation(
            answer["output_ids"],
            answer["text"],
            finish,
            [min(0.0, each[0]) for each in about.get("output_token_logprobs") or []] or None,
            about.get("cached_tokens"),
            confidences,
        )

    async def close(self) -> None:
        """Close all connections, and stop the server if this started it."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
        server, self._server = self._server, None
        if server is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(server.wait(), 30)
        except TimeoutError:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            await server.wait()

    async def _abort(self, rid: str) -> None:
        with suppress(EngineError):
            await self._answer("POST", "abort_request", {"rid": rid})

    async def _started(self, model: str) -> str:
        """Start a server for `model`, and its address."""
        python = self.options.python
        try:
            trial = await asyncio.create_subprocess_exec(
                python,
                "-c",
                "import importlib.util as u; raise SystemExit(u.find_spec('sglang') is None)",
            )
        except OSError as error:
            raise EngineError(f"{python}: cannot be run: {error.strerror}.") from None
        if await trial.wait():
            raise EngineError(f"SGLang is not installed for {python}: {python} -m {INSTALL}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._server = await asyncio.create_subprocess_exec(
            *(python, "-c", _ENDS_WITH_ITS_PARENT, str(os.getpid())),
            *(python, "-m", "sglang.launch_server", "--model-path", model),
            *("--host", "127.0.0.1", "--port", str(port), *self.options.arguments.split()),
            start_new_session=True,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=None,
        )
        return f"http://127.0.0.1:{port}"

    async def _ready(self, model: str) -> None:
        import httpx

        assert self._client is not None
        assert self._server is not None
        loop = asyncio.get_running_loop()
        end = loop.time() + self.options.start_timeout
        while loop.time() < end:
            if self._server.returncode is not None:
                raise EngineError(
                    f"SGLang ended with status {self._server.returncode} while it loaded "
                    f"{model!r}: what it said stands above."
                )
            with suppress(httpx.HTTPError):
                if (await self._client.get("health", timeout=10)).is_success:
                    return
            await asyncio.sleep(1)
        raise EngineError(f"SGLang is not ready after {self.options.start_timeout:g} s.")

    async def _answer(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        import httpx

        assert self._client is not None, "start the engine first"
        if self._server is not None and self._server.returncode is not None:
            raise EngineError(f"SGLang has ended with status {self._server.returncode}.")
        try:
            response = await self._client.request(method, path, json=body)
        except httpx.InvalidURL as error:
            raise EngineError(f"{self._url!r} is no address: {error}") from None
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise EngineError(f"{self._url}: cannot be reached: {told}", transient=True) from None
        if response.status_code != 200:
            raise EngineError(
                f"{self._url}: {method} {path} gives status {response.status_code}: "
                f"{response.text[:500]}",
                transient=response.status_code >= 500 or response.status_code in _AGAIN,
            )
        try:
            return dict(response.json())
        except ValueError:
            raise EngineError(
                f"{self._url}: {method} {path} gives no JSON object: {response.text[:200]!r}",
                transient=True,
            ) from None
