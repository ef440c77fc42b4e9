"""The trace backend contract: an engine that continues token prefixes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from autotts_core.component import Component


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw the next tokens; `seed` makes a request repeatable where the engine can."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Continuation:
    """What an engine added to a prefix.

    `logprobs` has one value per token, or is None where the engine gives none;
    `cached_tokens` is how much of the prefix came from the engine's cache, None if unknown.
    """

    token_ids: Sequence[int]
    text: str
    finish: Literal["length", "stop", "abort"]
    logprobs: Sequence[float] | None = None
    cached_tokens: int | None = None


class TraceBackend(Component, ABC):
    """Generates; segmenting, probing, parsing and storing are the core's."""

    kind: ClassVar[str] = "trace backend"

    @abstractmethod
    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """Continue `prefix` (token ids) by at most `max_tokens`.

        Cancelling the awaiting task aborts the request in the engine.
        """

    @abstractmethod
    async def close(self) -> None:
        """Release the engine and everything it started."""
