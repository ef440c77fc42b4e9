"""vLLM in this process, by its `AsyncLLM`: https://docs.vllm.ai."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from autotts_core.component import Options
from autotts_core.confidence import token_confidence
from autotts_core.errors import EngineError
from autotts_core.trace_backend import Continuation, Engine, EngineFacts, Sampling

INSTALL = "pip install vllm"


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


class VLLMOptions(Options):
    """What `vllm` takes."""

    tokenizer: Path | None = None
    """The directory with the model's tokenizer.json, where the model itself is no directory."""
    engine_args: Annotated[dict[str, Any], BeforeValidator(_parsed)] = Field(default_factory=dict)
    """Handed on to vLLM's AsyncEngineArgs: tensor_parallel_size, data_parallel_size, dtype,
    gpu_memory_utilization, quantization, and so on. On a command line, as JSON."""


class VLLM(Engine):
    """An engine of vLLM in this process. vLLM is installed apart, for it decides about torch."""

    name: ClassVar[str] = "vllm"
    summary: ClassVar[str] = "vLLM in this process, on all cards that it is told to use"
    Options: ClassVar[type[Options]] = VLLMOptions
    options: VLLMOptions

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._llm: Any = None

    def tokenizer(self, model: str) -> Path:
        """That of the options, the model itself where it is a directory, or the hub's."""
        if self.options.tokenizer is not None:
            return self.options.tokenizer
        return Path(model) if Path(model).is_dir() else _downloaded(model)

    async def start(self, model: str) -> EngineFacts:
        """Load the model, which takes a minute or more."""
        # What a command prints is for programs, too.
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
        try:
            import vllm
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise EngineError(f"vLLM is not installed here ({error}): {INSTALL}") from None
        try:
            arguments = AsyncEngineArgs(**{"model": model, **self.options.engine_args})
            self._llm = AsyncLLM.from_engine_args(arguments)
        except (TypeError, ValueError, OSError, RuntimeError) as error:
            raise EngineError(
                f"vLLM cannot load {model!r}: {error}\nWhat it said above tells more. Where it ran "
                "out of memory, lower gpu_memory_utilization or max_model_len in engine_args."
            ) from None
        return EngineFacts(self.name, vllm.__version__, self._llm.model_config.max_model_len)

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """One request; cancelling it aborts it in the engine."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError

        parameters = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=max(sampling.top_k, 0),
            seed=sampling.seed,
            stop=list(sampling.stop),
            max_tokens=max_tokens,
            logprobs=sampling.top_logprobs,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        found: Any = None
        prompt = {"prompt_token_ids": list(prefix)}
        try:
            # Leaving the loop by being cancelled aborts the request.
            async for each in self._llm.generate(prompt, parameters, uuid.uuid4().hex):
                found = each
        except EngineDeadError as error:
            raise EngineError(f"vLLM has died: {error}") from None
        except ValueError as error:
            raise EngineError(f"vLLM refuses a request: {error}") from None
        if found is None or not found.finished:
            raise EngineError("vLLM ended a request without an answer.", transient=True)
        output = found.outputs[0]
        ids = list(output.token_ids)
        logprobs = confidences = None
        if output.logprobs:
            pairs = zip(ids, output.logprobs, strict=True)
            logprobs = [min(0.0, each[token].logprob) for token, each in pairs]
            if most := sampling.top_logprobs:
                # Of the top tokens, and of the one that was drawn.
                tops = ((token.logprob for token in each.values()) for each in output.logprobs)
                confidences = [token_confidence(top, most) for top in tops]
        return Continuation(
            ids, output.text, output.finish_reason, logprobs, found.num_cached_tokens, confidences
        )

    async def close(self) -> None:
        """Shut the engine down, and the processes that it started."""
        llm, self._llm = self._llm, None
        if llm is not None:
            llm.shutdown()


def _downloaded(model: str) -> Path:
    """The tokenizer of a model on the hub, which vLLM will download anyway."""
    try:
        from huggingface_hub import snapshot_download

        return Path(
            snapshot_download(
                model,
                allow_patterns=["tokenizer*", "chat_template*"],
                local_files_only=os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"),
            )
        )
    except ImportError:
        raise EngineError(f"vLLM is not installed here: {INSTALL}") from None
    except (OSError, ValueError) as error:
        raise EngineError(
            f"no tokenizer is known for {model!r}: it is no directory, and the hub does not give "
            f"it ({error}). Give the directory that holds its tokenizer.json as the option "
            "'tokenizer'."
        ) from None
