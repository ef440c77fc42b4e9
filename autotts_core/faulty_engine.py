"""An engine that misbehaves as often as it is told to: for the tests of whatever uses engines."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from autotts_core.engine_wrapper import EngineWrapper
from autotts_core.errors import EngineError
from autotts_core.trace_backend import Continuation, Engine, Sampling


@dataclass(frozen=True, slots=True)
class Faults:
    """The share of requests that each fault meets; together no more than 1."""

    overloaded: float = 0.0
    """Sent away, to come back."""
    cut: float = 0.0
    """Worked on, and then the connection breaks."""
    slow: float = 0.0
    """Answered late."""
    aborted: float = 0.0
    """Ended by the engine half-way, though nobody asked for it."""
    too_long: float = 0.0
    """Answered with more tokens than were asked for."""
    empty: float = 0.0
    """Answered with no token, though it is said that there are more to come."""
    wrong_logprobs: float = 0.0
    """Answered with more log-probabilities than tokens."""
    refused: float = 0.0
    """Refused for good."""


class FaultyEngine(EngineWrapper):
    """`engine` with `faults`, drawn with `seed` in the order in which requests come.

    What passes is to be asked again `after` so many seconds; what is slow takes `slow_seconds`
    more. While `down`, every request fails as if there were no engine.

        engine = FaultyEngine(SimulatedEngine(), Faults(overloaded=0.1, aborted=0.05))
    """

    name: ClassVar[str] = "faulty"
    summary: ClassVar[str] = "Misbehaves as often as it is told to"

    def __init__(
        self,
        engine: Engine,
        faults: Faults,
        seed: int = 0,
        after: float | None = 0.0,
        slow_seconds: float = 1.0,
    ) -> None:
        super().__init__(engine)
        self.down = False
        self.running = 0
        """Requests at work now, the slow ones too."""
        self.met: Counter[str] = Counter()
        """How often each fault was met."""
        self._rates = {each.name: getattr(faults, each.name) for each in dataclasses.fields(faults)}
        self._random = random.Random(seed)
        self._after = after
        self._slow_seconds = slow_seconds

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """What the engine gives, unless a fault is drawn."""
        self.running += 1
        try:
            return await self._generated(prefix, max_tokens, sampling)
        finally:
            self.running -= 1

    async def _generated(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        fault = "down" if self.down else self._drawn()
        self.met[fault] += 1
        if fault == "down":
            raise self._passing("the engine cannot be reached")
        if fault == "overloaded":
            raise self._passing("overloaded")
        if fault == "refused":
            raise EngineError("refused for good")
        if fault == "slow":
            await asyncio.sleep(self._slow_seconds)
        found = await self.engine.generate(prefix, max_tokens, sampling)
        ids, logprobs = list(found.token_ids), list(found.logprobs or [])
        if fault == "cut":
            raise self._passing("the connection was cut")
        if fault == "aborted":
            half = len(ids) // 2
            return replace(found, token_ids=ids[:half], logprobs=None, finish="abort")
        if fault == "too_long":
            ids *= 1 + max_tokens // max(1, len(ids))
            return replace(found, token_ids=[*ids, 0], logprobs=None)
        if fault == "empty":
            return replace(found, token_ids=[], text="", logprobs=None, finish="length")
        if fault == "wrong_logprobs":
            return replace(found, logprobs=[*logprobs, -1.0])
        return found

    def _drawn(self) -> str:
        chance = self._random.random()
        for fault, rate in self._rates.items():
            if chance < rate:
                return fault
            chance -= rate
        return "none"

    def _passing(self, message: str) -> EngineError:
        return EngineError(message, transient=True, after=self._after)
