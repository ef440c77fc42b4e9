"""OpenAI's Responses API, streamed: https://developers.openai.com/api/reference/resources/responses"""

from __future__ import annotations

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
from autotts_openai.client import OpenAILLM, stream_error


class ResponsesLLM(OpenAILLM):
    """Keeps nothing at the server: reasoning comes back encrypted and is sent again."""

    def streamed(self, client: openai.OpenAI, request: Request, listener: Listener) -> Reply:
        """The next turn; see `OpenAILLM.streamed`."""
        items: dict[int, Any] = {}
        with client.responses.create(**self._body(request)) as stream:
            for event in stream:
                match event.type:
                    case (
                        "response.output_text.delta"
                        | "response.refusal.delta"
                        | "response.reasoning_summary_text.delta"
                        | "response.function_call_arguments.delta"
                    ):
                        listener.text(event.delta)
                    case "response.output_item.done":
                        items[event.output_index] = event.item
                    case "response.completed" | "response.incomplete":
                        return _reply([items[k] for k in sorted(items)], event.response)
                    case "response.failed":
                        error = event.response.error
                        raise stream_error(error and error.code, error.message if error else "")
                    case "error":
                        raise stream_error(event.code, event.message)
        raise Unavailable("The stream broke off before the turn was over.")

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "instructions": request.brief,
            "input": [item for message in request.messages for item in _items(message)],
            "tools": [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                    "strict": False,
                }
                for tool in request.tools
            ],
            "tool_choice": self.tool_choice,
            "max_output_tokens": request.max_tokens,
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "stream": True,
        }
        if self.effort is not None:
            body["reasoning"] = {"effort": self.effort}
        return body


def _items(message: Message) -> list[dict[str, Any]]:
    match message:
        case Said(text):
            return [{"role": "user", "content": text}]
        case Reply(raw=raw):
            return list(raw)
        case Results(results):
            return [
                {"type": "function_call_output", "call_id": each.call, "output": each.text}
                for each in results
            ]


def _reply(items: list[Any], response: Any) -> Reply:
    texts, calls = [], []
    refused = False
    for item in items:
        if item.type == "function_call":
            calls.append(ToolCall(item.call_id, item.name, item.arguments))
        elif item.type == "message":
            for part in item.content:
                refused = refused or part.type == "refusal"
                texts.append(part.refusal if part.type == "refusal" else part.text)
    stop: Stop = "tools" if calls else "refusal" if refused else "end"
    if response.status == "incomplete":
        reason = response.incomplete_details and response.incomplete_details.reason
        stop = "refusal" if reason == "content_filter" else "length"
    raw = [item.to_dict() for item in items]
    return Reply("\n".join(texts), tuple(calls), stop, _usage(response.usage), raw)


def _usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    details = usage.input_tokens_details
    read = getattr(details, "cached_tokens", None) or 0
    write = getattr(details, "cache_write_tokens", None) or 0
    return Usage(usage.input_tokens - read - write, read, write, usage.output_tokens)
