"""A branch of a live episode: it does in order what a controller asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autotts_core.engine_branch import EngineBranch
from autotts_core.trace_backend import Continuation, Sampling


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a branch stands after something was asked of it; `signal` is the last interval's,
    `confidence` the branch's."""

    depth: int
    tokens: int
    answer: str
    finished: bool
    signal: float
    confidence: float


@dataclass
class LiveBranch(EngineBranch):
    """Counts depth in intervals, as a store does."""

    depth: int = 0
    probes: int = 0
    """How often it was probed."""
    _end: Standing | None = None

    async def advance(self, intervals: int) -> Standing:
        """Run so many intervals, or to the end, and reveal the answer."""
        for _ in range(intervals):
            if not self.finished:
                await self.extend(self.settings.interval_tokens)
                self.depth += 1
        return await self._standing()

    async def read(self) -> Standing:
        """Run to the end, in one request."""
        await self.extend(self.settings.max_tokens)
        self.depth = max(1, -(-self.tokens // self.settings.interval_tokens))
        return await self._standing()

    async def _generate(self, prefix: Sequence[int], most: int, sampling: Sampling) -> Continuation:
        probe = list(self.question.probe)
        self.probes += list(prefix[-len(probe) :]) == probe
        return await super()._generate(prefix, most, sampling)

    async def _standing(self) -> Standing:
        if self._end is not None:
            return self._end
        answer = await (self.answer() if self.finished else self.probed())
        standing = Standing(
            self.depth, self.tokens, answer, self.finished, self.signal, self.confidence
        )
        self._end = standing if self.finished else None
        return standing
