"""An engine around another one: what a wrapper does not change is the other's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotts_core.trace_backend import Continuation, Engine, EngineFacts, Sampling


class EngineWrapper(Engine):
    """Does what `engine` does; derive from it to change some of that."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def tokenizer(self, model: str) -> Path:
        return self.engine.tokenizer(model)

    async def start(self, model: str) -> EngineFacts:
        return await self.engine.start(model)

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        return await self.engine.generate(prefix, max_tokens, sampling)

    async def close(self) -> None:
        await self.engine.close()
