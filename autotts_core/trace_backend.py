"""The trace backend contract: where reasoning branches come from.

A backend is either an `Engine`, which continues token prefixes while the core segments, probes
and stores, or a `TraceSource`, which hands over whole traces: a simulator, a published data set.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from autotts_core.component import Component
from autotts_core.traces import TraceSet


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw the next tokens; `seed` makes a request repeatable where the engine can.

    Generation ends where it completes one of the strings `stop`. Engines differ in whether they
    then give the tokens of that string; `EngineBranch` says what becomes of either.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int = 0
    """How many of the likeliest tokens each token's confidence is made of; 0: none is wanted."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What an engine added to a prefix.

    `logprobs` has one value per token, or is None where the engine gives none;
    `cached_tokens` is how much of the prefix came from the engine's cache, None if unknown.
    `confidences` has `autotts_core.confidence.token_confidence` of each token, where
    `Sampling.top_logprobs` asks for it and the engine gives what it takes.
    """

    token_ids: Sequence[int]
    text: str
    finish: Literal["length", "stop", "abort"]
    logprobs: Sequence[float] | None = None
    cached_tokens: int | None = None
    confidences: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One replay store to be made: a model's branches on a benchmark's questions."""

    model: str
    benchmark: str
    branches: int
    interval_tokens: int
    seed: int

    @property
    def name(self) -> str:
        """`model/benchmark`."""
        return f"{self.model}/{self.benchmark}"


class TraceBackend(Component, ABC):
    """What every backend has: a name for recipes, and options. Derive from one of the two below."""

    kind: ClassVar[str] = "trace backend"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself once it has started.

    `context` is the most tokens that a prefix and its continuation may have, None if unknown.
    `lacks` says in words which of token ids, log-probabilities, seeds and cache counts it does
    not give, and what that means.
    """

    name: str
    version: str
    context: int | None = None
    lacks: tuple[str, ...] = ()


class Engine(TraceBackend):
    """Generates; segmenting, probing, parsing and storing are the core's.

    Used from one event loop: `start`, then any number of `generate` at a time, then `close`.
    """

    @abstractmethod
    def tokenizer(self, model: str) -> Path:
        """The directory with the tokenizer of `model`; `EngineError` where none is known."""

    @abstractmethod
    async def start(self, model: str) -> EngineFacts:
        """Make ready to generate with `model`; `EngineError` says what is missing."""

    @abstractmethod
    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """Continue `prefix` (token ids, perhaps in an `array`) by at most `max_tokens`.

        Cancelling the awaiting task aborts the request in the engine. Raises `EngineError`,
        which says whether asking again may help.
        """

    @abstractmethod
    async def close(self) -> None:
        """Release the engine and everything it started."""


class TraceSource(TraceBackend):
    """Has whole traces to hand over, and calls no model for them."""

    @abstractmethod
    def check(self, request: StoreRequest) -> None:
        """Raise `AutoTTSError` where `traces` could not answer `request`.

        Says what there is instead. Called before any work starts: it must be quick, and may
        neither read traces nor use the network.
        """

    @abstractmethod
    def traces(self, request: StoreRequest) -> TraceSet:
        """The traces of one store; the same request and options give the same traces.

        Raises `AutoTTSError` where they cannot be had.
        """

    def originals(self, request: StoreRequest) -> Sequence[Path]:
        """Files on this machine that hold the traces of `request` already.

        A run hides them, like the store itself, from the search when they are held out.
        """
        return ()
