"""What an answer looks like in OpenAI's protocol: whole, and in the chunks of a stream."""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from autotts_core.live.solving import OUT_OF_TIME
from autotts_core.replay.outcomes import BUDGET_EXHAUSTED
from autotts_serve.requests import ChatRequest, CompletionRequest, GenerationRequest

if TYPE_CHECKING:
    from autotts_serve.answering import Answered

Json = dict[str, Any]

ANSWER = "{answer}"
"""Where the answer stands in the form of a reply's text."""


class Reply(ABC):
    """The reply to one request; `form` is its text, with `{answer}` where that stands."""

    request: ClassVar[type[GenerationRequest]]
    prefix: ClassVar[str]
    kind: ClassVar[str]
    chunk_kind: ClassVar[str]

    def __init__(self, model: str, form: str, with_usage: bool) -> None:
        self._form = form
        self._with_usage = with_usage
        self._head = {
            "id": f"{self.prefix}-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model,
        }

    def whole(self, answered: Answered) -> Json:
        """The reply's one JSON object."""
        choice = {
            "index": 0,
            **self._content(answered),
            "logprobs": None,
            "finish_reason": finish_reason(answered),
        }
        return {
            **self._head,
            "object": self.kind,
            "choices": [choice],
            "usage": usage(answered),
            "autotts": account(answered),
        }

    def opening(self) -> Iterator[Json]:
        """Chunks that come before there is an answer."""
        return iter(())

    def chunks(self, answered: Answered) -> Iterator[Json]:
        """The answer's chunks."""
        for piece in self._pieces(answered):
            yield self._chunk(piece)
        ended = self._chunk(self._nothing(), finish_reason(answered))
        yield {**ended, "autotts": account(answered)}
        if self._with_usage:
            yield {**self._chunk_head(), "choices": [], "usage": usage(answered)}

    def text(self, answered: Answered) -> str:
        """The answer in its form; empty where there is none."""
        answer = answered.found.answer
        return self._form.replace(ANSWER, answer) if answer else ""

    @abstractmethod
    def _content(self, answered: Answered) -> Json:
        """What a whole reply's choice holds."""

    @abstractmethod
    def _pieces(self, answered: Answered) -> Iterator[Json]:
        """What the choices of the chunks hold, one after another."""

    @abstractmethod
    def _nothing(self) -> Json:
        """What the choice of a chunk without content holds."""

    def _chunk(self, piece: Json, reason: str | None = None) -> Json:
        choice = {"index": 0, **piece, "logprobs": None, "finish_reason": reason}
        return {**self._chunk_head(), "choices": [choice]}

    def _chunk_head(self) -> Json:
        # With usage asked for, each chunk says that it is not the one that has it.
        extra = {"usage": None} if self._with_usage else {}
        return {**self._head, "object": self.chunk_kind, **extra}


class ChatReply(Reply):
    """Of `/v1/chat/completions`."""

    request = ChatRequest
    prefix, kind, chunk_kind = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def opening(self) -> Iterator[Json]:
        yield self._chunk({"delta": {"role": "assistant", "content": ""}})

    def _content(self, answered: Answered) -> Json:
        message = {
            "role": "assistant",
            "content": self.text(answered),
            "reasoning_content": reasoning(answered),
            "refusal": None,
        }
        return {"message": message}

    def _pieces(self, answered: Answered) -> Iterator[Json]:
        yield {"delta": {"reasoning_content": reasoning(answered)}}
        yield {"delta": {"content": self.text(answered)}}

    def _nothing(self) -> Json:
        return {"delta": {}}


class CompletionReply(Reply):
    """Of `/v1/completions`."""

    request = CompletionRequest
    prefix, kind, chunk_kind = "cmpl", "text_completion", "text_completion"

    def _content(self, answered: Answered) -> Json:
        return {"text": self.text(answered)}

    def _pieces(self, answered: Answered) -> Iterator[Json]:
        yield {"text": self.text(answered)}

    def _nothing(self) -> Json:
        return {"text": ""}


def finish_reason(answered: Answered) -> str:
    """`length` where the episode was cut off, at its budget or its time."""
    return "length" if answered.found.stop in (BUDGET_EXHAUSTED, OUT_OF_TIME) else "stop"


def reasoning(answered: Answered) -> str:
    """The text of a branch that gave the answer: one that ended, where there is one."""
    agreeing = [answered.found.branches[i] for i in answered.found.agreeing]
    return max(agreeing, key=lambda each: each.finished).text if agreeing else ""


def usage(answered: Answered) -> Json:
    """Tokens as OpenAI counts them: all that were generated, and the prompt once."""
    found = answered.found
    completion = found.tokens + found.probe_tokens
    return {
        "prompt_tokens": answered.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": answered.prompt_tokens + completion,
        "completion_tokens_details": {"reasoning_tokens": found.tokens},
    }


def account(answered: Answered) -> Json:
    """The extension `autotts`: who answered, why it stopped, and what went where."""
    found = answered.found
    agreeing = set(found.agreeing)
    return {
        "controller": answered.choice.label,
        "beta": answered.choice.beta,
        "seed": answered.seed,
        "stopped": found.stop,
        "seconds": round(found.seconds, 3),
        "tokens": found.tokens,
        "sequential_tokens": found.sequential_tokens,
        "probe_tokens": found.probe_tokens,
        "prefix_tokens": sum(branch.prompt_tokens for branch in found.branches),
        "cached_tokens": sum(branch.cached_tokens for branch in found.branches),
        "branches": [
            {
                "tokens": branch.tokens,
                "probe_tokens": branch.probe_tokens,
                "finished": branch.finished,
                "agrees": i in agreeing,
            }
            for i, branch in enumerate(found.branches)
        ],
    }
