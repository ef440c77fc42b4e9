"""An engine whose requests are made again where that may help."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import ClassVar

from autotts_core.engine_wrapper import EngineWrapper
from autotts_core.errors import EngineError
from autotts_core.trace_backend import Continuation, Engine, Sampling

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 60.0


class RetryingEngine(EngineWrapper):
    """`engine`, with up to `attempts` attempts for each request.

    A reply that cannot be right is no better than an error: one that the engine ended though
    nobody asked it to, one with more tokens than were asked for, one without any that says there
    are more, one with log-probabilities of other tokens.

    Waits between attempts as long as the engine says, else twice as long each time, a little at
    random so that a thousand requests that failed at once do not come back at once.
    """

    name: ClassVar[str] = "retrying"
    summary: ClassVar[str] = "Makes requests again where that may help"

    def __init__(self, engine: Engine, attempts: int = 8) -> None:
        super().__init__(engine)
        self.retried = 0
        """Requests that were made again."""
        self._attempts = attempts

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """What the engine gives, sooner or later; the last `EngineError` where it does not."""
        wait = _FIRST_WAIT
        for attempt in range(1, self._attempts + 1):
            try:
                found = await self.engine.generate(prefix, max_tokens, sampling)
                _refuse_impossible(found, max_tokens)
                return found
            except EngineError as error:
                if not error.transient or attempt == self._attempts:
                    raise
                pause = wait * random.uniform(0.5, 1.0) if error.after is None else error.after
            self.retried += 1
            await asyncio.sleep(pause)
            wait = min(2 * wait, _LONGEST_WAIT)
        raise AssertionError("unreachable")


def _refuse_impossible(found: Continuation, max_tokens: int) -> None:
    tokens = len(found.token_ids)
    if found.finish == "abort":
        raise EngineError("the engine aborted a request that nobody cancelled", transient=True)
    if tokens > max_tokens:
        told = f"the engine gave {tokens} tokens where {max_tokens} were asked for"
        raise EngineError(told, transient=True)
    if tokens == 0 and found.finish == "length":
        raise EngineError("the engine gave no token, and says there are more", transient=True)
    if found.logprobs is not None and len(found.logprobs) != tokens:
        told = f"the engine gave {len(found.logprobs)} log-probabilities for {tokens} tokens"
        raise EngineError(told, transient=True)
