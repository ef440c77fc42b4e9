"""An engine that many episodes share, none of which can keep the others waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from autotts_core.engine_wrapper import EngineWrapper
from autotts_core.trace_backend import Continuation, Engine, EngineFacts, Sampling


class Slots:
    """Requests that an engine works on at a time: `count`.

    Whoever waits gets one in turns, however much each of them asks for.
    """

    def __init__(self, count: int) -> None:
        self.free = count
        self.waiting = 0
        self._count = count
        self._turns: deque[Share] = deque()

    @property
    def taken(self) -> int:
        """Requests at the engine now."""
        return self._count - self.free

    async def take(self, share: Share) -> None:
        """Wait for a slot."""
        if self.free:
            self.free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        if not share.turns:
            self._turns.append(share)
        share.turns.append(turn)
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # It had just been given to this one.
                self.give()
            raise
        finally:
            self.waiting -= 1

    def give(self) -> None:
        """Hand a slot on to whose turn it is."""
        while self._turns:
            share = self._turns.popleft()
            while share.turns:
                turn = share.turns.popleft()
                if not turn.done():
                    turn.set_result(None)
                    if share.turns:
                        self._turns.append(share)
                    return
        self.free += 1


class Share(EngineWrapper):
    """`engine` as one episode sees it: through its turns at the `slots`. Counts what it gets."""

    name: ClassVar[str] = "share"
    summary: ClassVar[str] = "One episode's share of an engine"

    def __init__(self, engine: Engine, slots: Slots) -> None:
        super().__init__(engine)
        self.running = 0
        self.tokens = 0
        """Generated so far, probes' included."""
        self.turns: deque[asyncio.Future[None]] = deque()
        """Of its requests that wait for a slot; `Slots` keeps it."""
        self._slots = slots

    async def start(self, model: str) -> EngineFacts:
        """The engine is started once, for all."""
        raise NotImplementedError("start the engine itself")

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """What the engine gives, in a slot."""
        await self._slots.take(self)
        self.running += 1
        try:
            found = await self.engine.generate(prefix, max_tokens, sampling)
        finally:
            self.running -= 1
            self._slots.give()
        self.tokens += len(found.token_ids)
        return found

    async def close(self) -> None:
        """The engine is closed once, for all."""
