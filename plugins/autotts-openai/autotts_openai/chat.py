"""Chat Completions, streamed: what OpenAI, vLLM, SGLang, llama.cpp and most others speak.

https://developers.openai.com/api/reference/resources/chat
"""

from __future__ import annotations

import json
from typing import Any

import openai

from autotts_core.agent.llm import (
    Listener,
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
from autotts_openai.client import OpenAILLM

_STOPS: dict[str, Stop] = {
    "stop": "end",
    "tool_calls": "tools",
    "function_call": "tools",
    "length": "length",
    "content_filter": "refusal",
}


class ChatLLM(OpenAILLM):
    """The reasoning that some servers tell of is written down, and not sent back."""

    def streamed(self, client: openai.OpenAI, request: Request, listener: Listener) -> Reply:
        """The next turn; see `OpenAILLM.streamed`."""
        texts: list[str] = []
        calls: dict[int, dict[str, str]] = {}
        reason: str | None = None
        refused = False
        usage: Usage | None = None
        with client.chat.completions.create(**self._body(request)) as stream:
            for chunk in stream:
                usage = _usage(chunk.usage) or usage
                for choice in chunk.choices:
                    delta = choice.delta
                    reason = choice.finish_reason or reason
                    thought = getattr(delta, "reasoning_content", None)
                    refused = refused or bool(delta.refusal)
                    for piece in (delta.content, delta.refusal):
                        texts.append(piece or "")
                    for piece in (thought, delta.content, delta.refusal):
                        if piece:
                            listener.text(piece)
                    for part in delta.tool_calls or []:
                        _add(calls, part, listener)
        if reason is None:
            raise Unavailable("The stream broke off before the turn was over.")
        stop = "refusal" if refused else _STOPS.get(reason, "end")
        made = tuple(ToolCall(**call) for _, call in sorted(calls.items()))
        return Reply("".join(texts), made, stop, usage)

    def _body(self, request: Request) -> dict[str, Any]:
        messages: list[dict[str, Any]] = [{"role": "system", "content": request.brief}]
        for message in request.messages:
            messages += _messages(message)
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                    },
                }
                for tool in request.tools
            ],
            "tool_choice": self.tool_choice,
            "max_completion_tokens": request.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self.effort is not None:
            body["reasoning_effort"] = self.effort
        return body


def _add(calls: dict[int, dict[str, str]], part: Any, listener: Listener) -> None:
    call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
    call["id"] = part.id or call["id"]
    if part.function is not None:
        call["name"] += part.function.name or ""
        call["arguments"] += part.function.arguments or ""
        if part.function.arguments:
            listener.text(part.function.arguments)


def _messages(message: Message) -> list[dict[str, Any]]:
    match message:
        case Said(text):
            return [{"role": "user", "content": text}]
        case Reply():
            said: dict[str, Any] = {"role": "assistant", "content": message.text}
            if message.calls:
                # Chat templates read the arguments, so that they have to be JSON.
                said["tool_calls"] = [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {
                            "name": call.name,
                            "arguments": json.dumps(call.sendable(), ensure_ascii=False),
                        },
                    }
                    for call in message.calls
                ]
            return [said]
        case Results(results):
            return [
                {"role": "tool", "tool_call_id": each.call, "content": each.text}
                for each in results
            ]


def _usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    details = usage.prompt_tokens_details
    read = getattr(details, "cached_tokens", None) or 0
    write = getattr(details, "cache_write_tokens", None) or 0
    return Usage(usage.prompt_tokens - read - write, read, write, usage.completion_tokens)
