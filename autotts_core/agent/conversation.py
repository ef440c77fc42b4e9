"""A round's conversation with a model: every turn bought once, priced, and kept."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from autotts_core.agent.llm import (
    LLM,
    LLMError,
    Message,
    Reply,
    Request,
    Results,
    Said,
    ToolResult,
    ToolSpec,
    Unavailable,
    Usage,
)
from autotts_core.agent.pricing import Price
from autotts_core.discovery.workbench import Workbench
from autotts_core.errors import AutoTTSError
from autotts_core.secrets import redacted_json

_FIRST_WAIT, _LONGEST_WAIT = 2.0, 60.0
_FEWEST_TOKENS = 1000
"""A turn with less room than this cannot hold a controller."""
_BYTES_PER_TOKEN = 2
"""Fewer than any tokenizer needs for English and code, so that limits hold."""
_PIECE = 200
"""Characters of a stream that are written to the transcript at a time."""


class OutOfBudget(AutoTTSError):  # noqa: N818
    """Money or time that is not enough for another turn."""


class Conversation:
    """What was said in one round so far, and the model that it is said to.

    A finished turn is on disk before anything is made of it, and after an interruption it is
    read from there. `attempts` bounds how often a turn is asked for.
    """

    def __init__(
        self,
        llm: LLM,
        price: Price | None,
        workbench: Workbench,
        brief: str,
        tools: Sequence[ToolSpec],
        *,
        max_tokens: int,
        attempts: int,
        seconds: float,
    ) -> None:
        self.messages: list[Message] = []
        self._llm = llm
        self._price = price
        self._workbench = workbench
        self._brief = brief
        self._tools = tools
        self._max_tokens = max_tokens
        self._attempts = attempts
        self._seconds = seconds
        self._known = Usage()

    def say(self, text: str) -> None:
        """Add a message to the model."""
        self.messages.append(Said(text))

    def answer(self, number: int, results: Sequence[ToolResult]) -> None:
        """Add the results of the calls of turn `number`, as they were when they were first had."""
        kept = self._workbench.once(
            f"results-{number}", lambda: redacted_json([asdict(each) for each in results])
        )
        for each in kept:
            self._workbench.transcribe({"turn": number, "kind": "result", **each})
        self.messages.append(Results(tuple(ToolResult(**each) for each in kept)))

    def turn(self, number: int) -> Reply:
        """The model's turn `number`, bought unless it was before.

        Raises `OutOfBudget` where it cannot be, `LLMError` where the server will not answer.
        """
        kept = self._workbench.once(f"turn-{number}", lambda: self._bought(number))
        reply = Reply.from_json(kept["reply"])
        usage = Usage(**kept["usage"])
        self._known = usage
        self._workbench.charge(f"turn-{number}", kept["dollars"])
        self.messages.append(reply)
        return reply

    def _bought(self, number: int) -> dict[str, Any]:
        wait = _FIRST_WAIT
        for attempt in range(1, self._attempts + 1):
            request = Request(
                self._brief, self._tools, tuple(self.messages), self._room(), self._time()
            )
            meter = _Meter(self._workbench, number, self._price, self._time)
            try:
                reply = self._llm.reply(request, meter)
            except Unavailable as error:
                meter.flush()
                if attempt == self._attempts:
                    raise LLMError(
                        f"turn {number}: {error} Given up after {attempt} attempts. Nothing is "
                        "lost: the same command goes on from here."
                    ) from None
                pause = wait * random.uniform(0.5, 1.0)
                if error.retry_after is not None:
                    pause = error.retry_after
                if pause >= self._workbench.seconds_left:
                    raise OutOfBudget(
                        f"{error} It would be asked again in {pause:.0f} s, when the budget of "
                        "seconds is spent"
                    ) from None
                self._workbench.say(
                    f"turn {number}: {error} Asking again in {pause:.3g} s "
                    f"(attempt {attempt + 1} of {self._attempts})."
                )
                time.sleep(pause)
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                meter.flush()
                return self._kept(number, request, reply, meter)
        raise AssertionError("unreachable")

    def _kept(self, number: int, request: Request, reply: Reply, meter: _Meter) -> dict[str, Any]:
        usage = reply.usage or Usage(
            input=_tokens(request), output=_bound(reply.to_json()), estimated=True
        )
        dollars = self._price.dollars(usage) if self._price else 0.0
        cost = f"${dollars:.4f}" if self._price else "price unknown"
        self._workbench.say(f"turn {number}: {usage}, {cost}")
        value = {
            "reply": reply.to_json(),
            "usage": asdict(usage),
            # What the server told while it streamed has been charged already.
            "dollars": max(0.0, dollars - meter.charged),
        }
        self._workbench.transcribe({"turn": number, "kind": "reply", **reply.to_json()})
        return dict(redacted_json(value))

    def _time(self) -> float:
        left = self._workbench.seconds_left
        if left <= 0:
            raise OutOfBudget("the budget of seconds is spent")
        return min(left, self._seconds)

    def _room(self) -> int:
        """Tokens that the next turn may have, so that the budget holds whatever it says."""
        left = self._workbench.dollars_left
        if self._price is None or left == float("inf"):
            return self._max_tokens
        known = self._known
        seen = known.input + known.cache_read + known.cache_write + known.output
        new = self.messages[-1:] if seen else self.messages
        fixed = 0 if seen else _bound([self._brief, [asdict(tool) for tool in self._tools]])
        most = seen + fixed + _bound([asdict(message) for message in new])
        after = left - self._price.dollars(Usage(cache_write=most))
        if self._price.output == 0:
            return self._max_tokens
        tokens = min(self._max_tokens, int(after / self._price.dollars(Usage(output=1))))
        if tokens < min(_FEWEST_TOKENS, self._max_tokens):
            raise OutOfBudget(f"the ${left:.2f} that are left do not buy another turn")
        return tokens


class _Meter:
    """Hears a turn as it streams: writes it down, books what is paid for already, keeps time."""

    def __init__(
        self, workbench: Workbench, number: int, price: Price | None, time_left: Callable[[], float]
    ) -> None:
        self.charged = 0.0
        self._workbench = workbench
        self._number = number
        self._price = price
        self._time_left = time_left
        self._unwritten = ""

    def text(self, piece: str) -> None:
        """Write it down; raises `OutOfBudget` when time is up."""
        self._unwritten += piece
        if len(self._unwritten) >= _PIECE:
            self.flush()
        self._time_left()

    def usage(self, usage: Usage) -> None:
        """Book it at once, once: a stream that breaks off has been paid for, too."""
        if self._price is None or self.charged:
            return
        self.charged = self._price.dollars(usage)
        # An attempt has no name that a later process could know, and is never charged again.
        self._workbench.charge(f"turn-{self._number}-{uuid.uuid4().hex[:12]}", self.charged)

    def flush(self) -> None:
        """Write down what was heard so far."""
        if self._unwritten:
            self._workbench.transcribe(
                {"turn": self._number, "kind": "stream", "text": self._unwritten}
            )
            self._unwritten = ""


def _tokens(request: Request) -> int:
    tools = [asdict(tool) for tool in request.tools]
    return _bound([request.brief, tools, [asdict(message) for message in request.messages]])


def _bound(value: Any) -> int:
    return -(-len(json.dumps(value, ensure_ascii=False).encode()) // _BYTES_PER_TOKEN)
