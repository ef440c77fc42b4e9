"""An engine that replays a store as if it generated it, token by token."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from autotts_core.engine_branch import BranchSettings, EngineQuestion
from autotts_core.errors import EngineError
from autotts_core.replay.interpreted_episode import RecordedQuestion, recorded_question
from autotts_core.replay.orders import branch_orders
from autotts_core.store import ReplayStore
from autotts_core.trace_backend import Continuation, Engine, EngineFacts, Sampling

_LONGEST = 2**20
"""Tokens of a branch: token j of branch b has the id b * _LONGEST + j."""
_PROMPT, _PROBE = 2**32 - 2, 2**32 - 1


class RecordedEngine(Engine):
    """Generates the branches of one question of a store, in the order that a seed opens them.

    The store has to have exact accounting. A request takes `seconds_per_token` for each token,
    times a random factor up to 2, on the clock of the event loop. The engine knows by a
    request's tokens alone where it stands; which branch a bare prompt begins, by its seed.
    """

    name: ClassVar[str] = "recorded"
    summary: ClassVar[str] = "Replays a store as if it generated it"

    def __init__(
        self,
        store: ReplayStore,
        question: int,
        seed: int,
        seconds_per_token: float = 0.0,
    ) -> None:
        super().__init__()
        self.running = 0
        """Requests at work now, and the most of them at any time."""
        self.most_running = 0
        self._store = store
        self._question = question
        self._seed = seed
        self._seconds_per_token = seconds_per_token
        self._random = random.Random(seed)

    def question(self) -> EngineQuestion:
        """The question as this engine understands it."""
        return EngineQuestion([_PROMPT], [_PROBE], "", _last_answer)

    def settings(self) -> BranchSettings:
        """What the store was collected with, as far as it matters here."""
        longest = max(self._recorded.tokens) + self._recorded.interval_tokens
        return BranchSettings(self._recorded.interval_tokens, longest)

    @property
    def branches(self) -> int:
        """How many branches the question has."""
        return len(self._recorded.tokens)

    def tokenizer(self, model: str) -> Path:
        """None: its tokens stand for places in the store."""
        raise EngineError("a recorded engine has no tokenizer")

    async def start(self, model: str) -> EngineFacts:
        """There is nothing to make ready."""
        return EngineFacts(self.name, "1", lacks=("log-probabilities",))

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """What the store has after `prefix`."""
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            found = self._found(prefix, max_tokens, (sampling.seed or 0) >> 24)
            pace = self._seconds_per_token * len(found.token_ids)
            await asyncio.sleep(pace * self._random.uniform(1, 2))
            return found
        finally:
            self.running -= 1

    async def close(self) -> None:
        """There is nothing to release."""

    def _found(self, prefix: Sequence[int], max_tokens: int, number: int) -> Continuation:
        recorded = self._recorded
        interval = recorded.interval_tokens
        probing = prefix[-1] == _PROBE
        last = prefix[-2] if probing else prefix[-1]
        if last == _PROMPT:
            branch, position = self._order[number], 0
        else:
            branch, position = last // _LONGEST, last % _LONGEST + 1
        steps, tokens = recorded.steps[branch], recorded.tokens[branch]
        if probing:
            # Of a branch that has come to its end without an answer, too.
            depth = len(steps) if position >= tokens else position // interval
            return Continuation([_PROBE], self._text(steps[depth - 1]), "stop", None, position)
        end = min(position + max_tokens, tokens)
        ids = range(branch * _LONGEST + position, branch * _LONGEST + end)
        if (position + max_tokens) // interval >= len(steps):
            return Continuation(ids, self._text(steps[-1]), "stop", None, position)
        return Continuation(ids, "", "length", None, position)

    def _text(self, answer_class: int) -> str:
        return f"[{self._recorded.class_text()[answer_class]}]" if answer_class >= 0 else ""

    @cached_property
    def _recorded(self) -> RecordedQuestion:
        return recorded_question(self._store.load(), self._question)

    @cached_property
    def _order(self) -> list[int]:
        seeds = range(self._seed, self._seed + 1)
        order: list[int] = branch_orders(len(self._recorded.tokens), seeds)[0].tolist()
        return order


def _last_answer(text: str) -> str:
    return text.rpartition("[")[2].removesuffix("]")
