"""A server with the OpenAI completions protocol, as an engine."""

from __future__ import annotations

import os
from collections.abc import Sequence
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

_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
"""Statuses after which asking again may help."""


class OpenAICompatibleOptions(Options):
    base_url: str
    """Where the protocol begins, most often ending in /v1."""
    tokenizer: Path | None = None
    """The directory with the model's tokenizer.json, where the model itself is no directory."""
    key_variable: str = "OPENAI_API_KEY"
    """The environment variable that holds the key, where the server wants one."""
    timeout: PositiveFloat = 3600
    """Seconds that one request may take."""


class OpenAICompatible(Engine):
    """Sends prompts as token ids; says what the server lacks, and does without it."""

    name: ClassVar[str] = "openai-compatible"
    summary: ClassVar[str] = "Any server with /v1/completions: vLLM, SGLang, llama.cpp, hosted ones"
    Options: ClassVar[type[Options]] = OpenAICompatibleOptions
    options: OpenAICompatibleOptions

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._client: httpx.AsyncClient | None = None
        self._model = ""
        self._gives_ids = True
        self._gives_logprobs = True

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
        """Look for the model, and try what the server can do."""
        import httpx

        key = os.environ.get(self.options.key_variable)
        self._model = model
        self._client = httpx.AsyncClient(
            base_url=self.options.base_url.rstrip("/") + "/",
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(self.options.timeout, connect=30),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )
        found = (await self._asked("GET", "models")).get("data") or []
        served = {str(each.get("id")): each for each in found if isinstance(each, dict)}
        if model not in served:
            raise EngineError(
                f"{self.options.base_url}: does not serve {model!r}, but "
                f"{', '.join(map(repr, served)) or 'nothing'}."
            )
        context = served[model].get("max_model_len")
        self._tokenizer = ModelTokenizer(self.tokenizer(model))
        first = self._tokenizer.encode("1")
        choice, cached = await self._completed(first, 3, Sampling(temperature=0.0))
        self._gives_ids = _ids(choice) is not None
        self._gives_logprobs = _logprobs(choice) is not None
        lacks = {
            "token ids in replies: what was generated is tokenised again": not self._gives_ids,
            "log-probabilities: the store has no signals": not self._gives_logprobs,
            "counts of cached tokens": cached is None,
        }
        return EngineFacts(
            str(served[model].get("owned_by") or self.name),
            await self._version(),
            context if isinstance(context, int) else None,
            tuple(words for words, lacking in lacks.items() if lacking),
        )

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """One request; its connection is closed when this is cancelled, which ends it there."""
        choice, cached = await self._completed(prefix, max_tokens, sampling)
        text = str(choice.get("text") or "")
        ids = _ids(choice) if self._gives_ids else None
        logprobs = _logprobs(choice) if self._gives_logprobs else None
        if ids is None:
            ids = self._tokenizer.encode(text)[:max_tokens]
            if logprobs:
                # Those of tokens that are not known: what is left of them is their mean.
                logprobs = [sum(logprobs) / len(logprobs)] * len(ids)
        reason = choice.get("finish_reason")
        return Continuation(
            ids,
            text,
            "length" if reason == "length" else "abort" if reason == "abort" else "stop",
            logprobs,
            cached,
            _confidences(choice, sampling.top_logprobs) if sampling.top_logprobs else None,
        )

    async def close(self) -> None:
        """Close all connections; the server goes on."""
        if self._client is not None:
            await self._client.aclose()

    async def _completed(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> tuple[dict[str, Any], int | None]:
        """The reply's one choice, and how many tokens of the prefix came from the cache."""
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": list(prefix),
            "max_tokens": max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
        }
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.top_k > 0:
            body["top_k"] = sampling.top_k
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if self._gives_logprobs:
            body["logprobs"] = sampling.top_logprobs
        if self._gives_ids:
            body["return_token_ids"] = True
        reply = await self._asked("POST", "completions", body)
        choices = reply.get("choices")
        if not (isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], dict)):
            raise EngineError(
                f"{self.options.base_url}: answers without one choice: {str(reply)[:200]}",
                transient=True,
            )
        details = (reply.get("usage") or {}).get("prompt_tokens_details") or {}
        cached = details.get("cached_tokens")
        return choices[0], cached if isinstance(cached, int) else None

    async def _version(self) -> str:
        """vLLM's word for its version, which stands beside the protocol; else 'unknown'."""
        try:
            return str((await self._asked("GET", "../version")).get("version") or "unknown")
        except EngineError:
            return "unknown"

    async def _asked(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        import httpx

        assert self._client is not None, "start the engine first"
        where = self.options.base_url
        try:
            reply = await self._client.request(method, path, json=body)
        except httpx.InvalidURL as error:
            raise EngineError(f"{where!r} is no address: {error}") from None
        except httpx.TimeoutException:
            raise EngineError(f"{where}: no answer in time", transient=True) from None
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise EngineError(f"{where}: cannot be reached: {told}", transient=True) from None
        if reply.status_code != 200:
            again = reply.status_code in _AGAIN
            raise EngineError(
                f"{where}: {method} {path} gives status {reply.status_code}: {_told(reply)}",
                transient=again,
                after=_seconds(reply.headers.get("retry-after")),
            )
        try:
            found = reply.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise EngineError(
                f"{where}: {method} {path} gives no JSON object: {reply.text[:200]!r}",
                transient=True,
            )
        return found


def _ids(choice: dict[str, Any]) -> list[int] | None:
    ids = choice.get("token_ids")
    if isinstance(ids, list) and all(isinstance(each, int) for each in ids):
        return ids
    return None


def _logprobs(choice: dict[str, Any]) -> list[float] | None:
    values = (choice.get("logprobs") or {}).get("token_logprobs")
    if isinstance(values, list) and None not in values:
        return [float(each) for each in values]
    return None


def _confidences(choice: dict[str, Any], most: int) -> list[float] | None:
    tops = (choice.get("logprobs") or {}).get("top_logprobs")
    if isinstance(tops, list) and all(isinstance(top, dict) for top in tops):
        return [token_confidence(top.values(), most) for top in tops]
    return None


def _told(reply: httpx.Response) -> str:
    """The server's reason, in either of the shapes that there are."""
    try:
        error = reply.json()
        for key in ("error", "message"):
            error = error.get(key, error) if isinstance(error, dict) else error
    except ValueError:
        error = reply.text
    return str(error)[:500]


def _seconds(value: str | None) -> float | None:
    try:
        return min(float(value), 600.0) if value else None
    except ValueError:
        return None
