"""Claude through Anthropic's Messages API, streamed.

https://platform.claude.com/docs/en/api/messages, and on caching
https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from typing import Any, Literal

import anthropic
import httpx2

from autotts_core.agent.http_status import status_error
from autotts_core.agent.llm import (
    LLM,
    Listener,
    LLMError,
    Message,
    Reply,
    Request,
    Results,
    Said,
    Stop,
    ToolCall,
    Unavailable,
    Usage,
)

_STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "pause_turn": "end",
    "tool_use": "tools",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}

_PASSING = {"overloaded_error", "rate_limit_error", "api_error", "timeout_error"}
"""Kinds of errors in a stream after which asking again may help."""

_CACHED = {"type": "ephemeral"}


class MessagesLLM(LLM):
    """One Claude model; keys and addresses come from where Anthropic's SDK looks for them."""

    def __init__(
        self,
        model: str,
        effort: str | None = None,
        thinking: Literal["adaptive", "off"] | int | None = None,
        base_url: str | None = None,
    ) -> None:
        self.model = model
        self._base_url = base_url
        self._extra: dict[str, Any] = {}
        if effort is not None:
            self._extra["output_config"] = {"effort": effort}
        if isinstance(thinking, int):
            self._extra["thinking"] = {"type": "enabled", "budget_tokens": thinking}
        elif thinking is not None:
            kind = "adaptive" if thinking == "adaptive" else "disabled"
            self._extra["thinking"] = {"type": kind}

    def reply(self, request: Request, listener: Listener) -> Reply:
        """The next turn; see `LLM.reply`."""
        try:
            client = anthropic.Anthropic(
                base_url=self._base_url, timeout=request.seconds, max_retries=0
            )
            with client, client.messages.create(**self._body(request)) as stream:
                return _Turn(listener).heard(stream)
        except anthropic.APIStatusError as error:
            told = error.api_message or error.message
            if error.status_code < 400:
                # An error that came in the stream, after the headers had promised a turn.
                kind = Unavailable if error.type in _PASSING else LLMError
                raise kind(f"The server said {error.type}: {told}.") from None
            raise status_error(
                error.status_code, told, error.response.headers, "ANTHROPIC_API_KEY"
            ) from None
        except (anthropic.APIConnectionError, httpx2.TransportError) as error:
            raise Unavailable(
                f"The connection to {client.base_url.host} failed ({_innermost(error)})."
            ) from None
        except anthropic.AnthropicError as error:
            raise LLMError(str(error)) from None

    def _body(self, request: Request) -> dict[str, Any]:
        messages = [_message(each) for each in request.messages]
        messages[-1]["content"][-1]["cache_control"] = _CACHED
        return {
            "model": self.model,
            "max_tokens": request.max_tokens,
            "system": [{"type": "text", "text": request.brief, "cache_control": _CACHED}],
            "tools": [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.parameters,
                }
                for tool in request.tools
            ],
            "messages": messages,
            "stream": True,
            **self._extra,
        }


class _Turn:
    """A turn as its events come in."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}
        self._usage: Usage | None = None
        self._reason: str | None = None

    def heard(self, stream: Any) -> Reply:
        # Raw events, because the SDK's own accumulation mends tool input that was cut off.
        for event in stream:
            match event.type:
                case "message_start":
                    self._count(event.message.usage)
                case "content_block_start":
                    self._blocks[event.index] = event.content_block.to_dict()
                case "content_block_delta":
                    self._add(event.index, event.delta)
                case "message_delta":
                    self._reason = event.delta.stop_reason
                    self._count(event.usage)
                case "message_stop":
                    return self._reply()
        raise Unavailable("The stream broke off before the turn was over.")

    def _add(self, index: int, delta: Any) -> None:
        block = self._blocks[index]
        match delta.type:
            case "text_delta":
                block["text"] += delta.text
                self._listener.text(delta.text)
            case "thinking_delta":
                block["thinking"] += delta.thinking
                self._listener.text(delta.thinking)
            case "signature_delta":
                block["signature"] = delta.signature
            case "input_json_delta":
                self._inputs[index] = self._inputs.get(index, "") + delta.partial_json
                self._listener.text(delta.partial_json)

    def _count(self, usage: Any) -> None:
        if usage is None:
            return
        before = self._usage or Usage()

        def latest(field: str, known: int) -> int:
            value = getattr(usage, field, None)
            return known if value is None else int(value)

        self._usage = Usage(
            latest("input_tokens", before.input),
            latest("cache_read_input_tokens", before.cache_read),
            latest("cache_creation_input_tokens", before.cache_write),
            latest("output_tokens", before.output),
        )
        self._listener.usage(self._usage)

    def _reply(self) -> Reply:
        calls, texts, raw = [], [], []
        for index, block in sorted(self._blocks.items()):
            if block["type"] == "tool_use":
                call = ToolCall(block["id"], block["name"], self._inputs.get(index, ""))
                calls.append(call)
                block["input"] = call.sendable()
            if block["type"] == "text":
                texts.append(block["text"])
                if not block["text"]:
                    continue
            raw.append(block)
        stop = _STOPS.get(self._reason or "", "end")
        return Reply("\n".join(texts), tuple(calls), stop, self._usage, raw)


def _message(message: Message) -> dict[str, Any]:
    match message:
        case Said(text):
            return {"role": "user", "content": [{"type": "text", "text": text}]}
        case Reply(raw=raw):
            # The API takes no empty turn.
            content = [dict(block) for block in raw] or [{"type": "text", "text": "(nothing)"}]
            return {"role": "assistant", "content": content}
        case Results(results):
            content = [
                {
                    "type": "tool_result",
                    "tool_use_id": each.call,
                    "content": each.text,
                    "is_error": each.error,
                }
                for each in results
            ]
            return {"role": "user", "content": content}


def _innermost(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}".rstrip(": ")
