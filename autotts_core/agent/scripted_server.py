"""A model provider for tests: answers from a script, over real HTTP, in three protocols.

Anthropic's Messages, OpenAI's Responses, and Chat Completions, all streamed as server-sent
events. The script is JSON:

    {"conversations": [
        [{"text": "I look first.", "calls": [{"name": "proposals", "arguments": {}}]},
         {"calls": [{"name": "submit",
                     "arguments": {"source": {"file": "a.py"}, "rationale": "Wider."}}],
          "usage": {"input": 900, "cache_read": 400, "cache_write": 0, "output": 80}}],
        [{"faults": [{"status": 429, "retry_after": 0.1}, {"cut": 3}], "text": "Second round."}]
    ]}

A request belongs to the conversation that began with the same message, a new one to the next of
the script, and gets the turn that follows those it holds; the last turn is repeated for ever. So a
client that was killed finds the server as it left it. `faults` come first, one for each request.
Requests are checked as the providers check them: what is wrong is answered with 400.

A turn has `text`, `thinking`, `calls`, `stop` (end, tools, length, refusal), `usage` (null where
none is told), `pause` (seconds before each event) and `faults`: a `status` with `message` and
`retry_after`, `error` (a kind, in the stream), or `cut` (events after which the connection is
dropped). A call's `arguments` may be text, sent as it is; `{"file": NAME}` stands for what is in a
file beside the script.

    python -m autotts_core.agent.scripted_server SCRIPT COMMAND...

runs COMMAND with the addresses and keys of the providers in its environment set to the server's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Event = tuple[str, dict[str, Any] | str]
Turn = Mapping[str, Any]

_USAGE = {"input": 1000, "cache_read": 0, "cache_write": 0, "output": 100}
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_CHUNK = 40
"""Characters of a text in one event."""


@dataclass
class Asked:
    """One request, and what became of it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    conversation: int = -1
    turn: int = -1
    fault: dict[str, Any] | None = None
    finished: float | None = None
    """When the last event of a turn without a fault had been sent, by `time.monotonic`."""


@dataclass
class ScriptedServer:
    """What is served, and what was asked so far, in order."""

    script: Mapping[str, Any]
    folder: Path = Path()
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    _begun: list[str] = field(default_factory=list)
    _faults: dict[tuple[int, int], int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, path: Path) -> ScriptedServer:
        """The server of the script in the file `path`."""
        return cls(json.loads(path.read_text(encoding="utf-8")), path.parent)

    @property
    def bought(self) -> list[tuple[int, int]]:
        """(conversation, turn) of every turn that was sent to its end, in order."""
        return [(each.conversation, each.turn) for each in self.asked if each.finished]

    def dollars(self, prices: Mapping[str, float]) -> float:
        """What the turns that were sent to their end cost, at `prices` for a million tokens."""
        turns = (self._turn(*each) for each in self.bought)
        usages: list[dict[str, int]] = [each.get("usage", _USAGE) or {} for each in turns]
        return sum(
            usage.get(kind, 0) * price / 1e6 for usage in usages for kind, price in prices.items()
        )

    def answered(self, asked: Asked, opening: str, said: int) -> tuple[Turn, dict[str, Any] | None]:
        """The turn for a request whose conversation holds `said` turns, and its fault."""
        with self._lock:
            if opening not in self._begun:
                self._begun.append(opening)
            number = min(self._begun.index(opening), len(self.script["conversations"]) - 1)
            asked.conversation, asked.turn = self._begun.index(opening), said
            turn = self._turn(number, said)
            faults: Sequence[dict[str, Any]] = turn.get("faults", ())
            met = self._faults.get((asked.conversation, said), 0)
            self._faults[asked.conversation, said] = met + 1
            asked.fault = faults[met] if met < len(faults) else None
            return turn, asked.fault

    def _turn(self, conversation: int, number: int) -> Turn:
        turns = self.script["conversations"]
        turns = turns[min(conversation, len(turns) - 1)]
        found: Turn = turns[min(number, len(turns) - 1)]
        return found

    def arguments(self, call: Mapping[str, Any]) -> str:
        """The arguments of a scripted call as a model writes them."""
        given = call.get("arguments", {})
        if isinstance(given, str):
            return given
        filled = {
            name: (self.folder / value["file"]).read_text(encoding="utf-8")
            if isinstance(value, dict) and "file" in value
            else value
            for name, value in given.items()
        }
        return json.dumps(filled)


@contextmanager
def serving(server: ScriptedServer, port: int = 0) -> Iterator[ScriptedServer]:
    """Run `server` at `server.url`, on this machine alone, for as long as the context."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            asked = Asked(self.path, dict(self.headers.items()), json.loads(content))
            with server._lock:
                server.asked.append(asked)
            path = self.path.partition("?")[0]
            protocol = next((p for end, p in PROTOCOLS.items() if path.endswith(end)), None)
            if protocol is None:
                return self._refuse(404, {}, f"no such path: {self.path}")
            try:
                opening, said = protocol.read(asked.body)
            except (KeyError, TypeError, ValueError) as error:
                return self._refuse(400, {}, f"invalid request: {error}")
            turn, fault = server.answered(asked, opening, said)
            if fault and "status" in fault:
                after = {"retry-after": str(fault["retry_after"])} if "retry_after" in fault else {}
                return self._refuse(fault["status"], after, fault.get("message", "scripted"))
            return self._stream(asked, turn, fault or {}, protocol)

        def _refuse(self, status: int, headers: Mapping[str, str], message: str) -> None:
            error = {"type": _KINDS.get(status, "api_error"), "message": message}
            content = json.dumps({"type": "error", "error": error}).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _stream(
            self, asked: Asked, turn: Turn, fault: Mapping[str, Any], protocol: type[_Protocol]
        ) -> None:
            # Without a length the end of the connection is the end of the reply.
            self.close_connection = True
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            cut = fault.get("cut")
            try:
                for number, (name, data) in enumerate(protocol(server, asked, turn).events()):
                    if number == cut:
                        return
                    if "error" in fault and number == 1:
                        name, data = protocol.failure(fault["error"])
                    time.sleep(turn.get("pause", 0))
                    text = data if isinstance(data, str) else json.dumps(data)
                    head = f"event: {name}\n" if name else ""
                    self.wfile.write(f"{head}data: {text}\n\n".encode())
                    self.wfile.flush()
                    if "error" in fault and number == 1:
                        return
            except OSError:
                return
            asked.finished = time.monotonic()

    httpd = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    httpd.daemon_threads = True
    server.url = f"http://127.0.0.1:{httpd.server_port}"
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()


def _require(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _CHUNK):
        yield text[start : start + _CHUNK]


class _Protocol:
    """One wire format: what a request holds, and a turn as events."""

    def __init__(self, server: ScriptedServer, asked: Asked, turn: Turn) -> None:
        self.server = server
        self.model = asked.body["model"]
        self.name = f"{asked.conversation}_{asked.turn}"
        self.text: str = turn.get("text", "")
        self.thinking: str = turn.get("thinking", "")
        self.calls: Sequence[Mapping[str, Any]] = turn.get("calls", ())
        self.stop: str = turn.get("stop", "tools" if self.calls else "end")
        self.usage: dict[str, int] | None = turn.get("usage", _USAGE)

    @staticmethod
    def read(body: Mapping[str, Any]) -> tuple[str, int]:
        """The first message, and how many turns of the model a request holds.

        Raises `ValueError` for what the provider would refuse.
        """
        raise NotImplementedError

    @staticmethod
    def failure(kind: str) -> Event:
        """The event that tells of an error of `kind`."""
        raise NotImplementedError

    def events(self) -> Iterator[Event]:
        """The turn."""
        raise NotImplementedError


def _turns(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Roles and blocks; the API takes neighbours of one role as one turn."""
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        elif message["role"] != "system":
            turns.append((message["role"], list(blocks)))
    return turns


class _Messages(_Protocol):
    @staticmethod
    def read(body: Mapping[str, Any]) -> tuple[str, int]:
        _require(body["stream"] is True, "stream: only true is scripted")
        _require(body["max_tokens"] >= 1, "max_tokens: must be at least 1")
        turns = _turns(body["messages"])
        open_calls: list[str] = []
        for number, (role, blocks) in enumerate(turns):
            _require(role == ("assistant" if number % 2 else "user"), "messages.0: not the user's")
            _require(blocks, f"messages.{number}: content must not be empty")
            for block in blocks:
                _require(block.get("text") != "", f"messages.{number}: text must be non-empty")
                if block["type"] == "tool_use":
                    _require(isinstance(block["input"], dict), "input: must be an object")
            given = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
            if role == "user":
                same = sorted(given) == sorted(open_calls)
                _require(same, f"messages.{number}: tool_use without tool_result")
            open_calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        _require(len(turns) % 2, "the last message must be the user's")
        opening = " ".join(block.get("text", "") for block in turns[0][1])
        return opening, len(turns) // 2

    @staticmethod
    def failure(kind: str) -> Event:
        return "error", {"type": "error", "error": {"type": kind, "message": "scripted"}}

    def events(self) -> Iterator[Event]:
        for data in self._data():
            yield data["type"], data

    def _data(self) -> Iterator[dict[str, Any]]:
        usage = self.usage or {}
        told = {
            "input_tokens": usage.get("input", 0),
            "cache_read_input_tokens": usage.get("cache_read", 0),
            "cache_creation_input_tokens": usage.get("cache_write", 0),
            "output_tokens": 1 if usage else 0,
        }
        message = {
            "id": f"msg_{self.name}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": told if usage else None,
        }
        yield {"type": "message_start", "message": message}
        index = 0
        blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        if self.thinking:
            deltas = [{"type": "thinking_delta", "thinking": p} for p in _pieces(self.thinking)]
            deltas.append({"type": "signature_delta", "signature": f"signed-{self.name}"})
            blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
        if self.text:
            deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(self.text)]
            blocks.append(({"type": "text", "text": ""}, deltas))
        for number, call in enumerate(self.calls):
            arguments = self.server.arguments(call)
            deltas = [{"type": "input_json_delta", "partial_json": p} for p in _pieces(arguments)]
            name = f"toolu_{self.name}_{number}"
            blocks.append(
                ({"type": "tool_use", "id": name, "name": call["name"], "input": {}}, deltas)
            )
        for index, (block, deltas) in enumerate(blocks):
            yield {"type": "content_block_start", "index": index, "content_block": block}
            yield {"type": "ping"}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        reasons = {"end": "end_turn", "tools": "tool_use", "length": "max_tokens"}
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": reasons.get(self.stop, self.stop), "stop_sequence": None},
            "usage": {"output_tokens": usage["output"]} if usage else None,
        }
        yield {"type": "message_stop"}


class _Responses(_Protocol):
    @staticmethod
    def read(body: Mapping[str, Any]) -> tuple[str, int]:
        _require(body["stream"] is True, "stream: only true is scripted")
        items = body["input"]
        _require(items[0]["role"] == "user", "input.0: expected a message")
        calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
        given = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
        _require(calls == given, "No tool output found for function call.")
        turns = 0
        before = "user"
        for item in items:
            mine = item.get("type") in ("function_call", "reasoning") or (
                item.get("type") == "message" and item["role"] == "assistant"
            )
            turns += int(mine and before != "model")
            before = "model" if mine else "user"
        return str(items[0]["content"]), turns

    @staticmethod
    def failure(kind: str) -> Event:
        return "error", {
            "type": "error",
            "code": kind,
            "message": "scripted",
            "param": None,
            "sequence_number": 1,
        }

    def events(self) -> Iterator[Event]:
        for number, data in enumerate(self._data()):
            yield data["type"], {**data, "sequence_number": number}

    def _data(self) -> Iterator[dict[str, Any]]:
        response: dict[str, Any] = {
            "id": f"resp_{self.name}",
            "object": "response",
            "created_at": 0,
            "model": self.model,
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "status": "in_progress",
            "usage": None,
        }
        yield {"type": "response.created", "response": response}
        items: list[dict[str, Any]] = []
        if self.thinking:
            summary = [{"type": "summary_text", "text": self.thinking}]
            items.append({"type": "reasoning", "id": f"rs_{self.name}", "summary": summary})
            items[-1]["encrypted_content"] = f"sealed-{self.name}"
        if self.text or not self.calls:
            kind = "refusal" if self.stop == "refusal" else "output_text"
            part: dict[str, Any] = {"type": kind, "text": self.text, "annotations": []}
            if kind == "refusal":
                part = {"type": kind, "refusal": self.text}
            items.append({"type": "message", "id": f"msg_{self.name}", "role": "assistant"})
            items[-1] |= {"status": "completed", "content": [part]}
        for number, call in enumerate(self.calls):
            items.append(
                {
                    "type": "function_call",
                    "id": f"fc_{self.name}_{number}",
                    "call_id": f"call_{self.name}_{number}",
                    "name": call["name"],
                    "arguments": self.server.arguments(call),
                    "status": "completed",
                }
            )
        for index, item in enumerate(items):
            yield {"type": "response.output_item.added", "output_index": index, "item": item}
            place = {"item_id": item["id"], "output_index": index}
            if item["type"] == "message":
                for piece in _pieces(self.text):
                    delta = {"content_index": 0, "delta": piece, "logprobs": []}
                    yield {"type": "response.output_text.delta", **place, **delta}
            if item["type"] == "function_call":
                for piece in _pieces(item["arguments"]):
                    kind = "response.function_call_arguments.delta"
                    yield {"type": kind, **place, "delta": piece}
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
        whole = self.stop != "length"
        response |= {"output": items, "status": "completed" if whole else "incomplete"}
        if not whole:
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        if self.usage:
            read, write = self.usage.get("cache_read", 0), self.usage.get("cache_write", 0)
            told = self.usage["input"] + read + write
            response["usage"] = {
                "input_tokens": told,
                "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
                "output_tokens": self.usage["output"],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": told + self.usage["output"],
            }
        kind = "response.completed" if whole else "response.incomplete"
        yield {"type": kind, "response": response}


class _Chat(_Protocol):
    @staticmethod
    def read(body: Mapping[str, Any]) -> tuple[str, int]:
        _require(body["stream"] is True, "stream: only true is scripted")
        messages = [message for message in body["messages"] if message["role"] != "system"]
        open_calls: list[str] = []
        for number, message in enumerate(messages):
            if message["role"] == "tool":
                _require(message["tool_call_id"] in open_calls, f"messages.{number}: unasked")
                open_calls.remove(message["tool_call_id"])
                continue
            _require(not open_calls, f"messages.{number}: tool calls without their results")
            open_calls = [call["id"] for call in message.get("tool_calls", ())]
            for call in message.get("tool_calls", ()):
                json.loads(call["function"]["arguments"])
        turns = sum(message["role"] == "assistant" for message in messages)
        return str(messages[0]["content"]), turns

    @staticmethod
    def failure(kind: str) -> Event:
        return "", {"error": {"message": "scripted", "type": kind, "code": kind, "param": None}}

    def events(self) -> Iterator[Event]:
        yield self._chunk({"role": "assistant", "content": ""})
        for piece in _pieces(self.text):
            yield self._chunk({"refusal" if self.stop == "refusal" else "content": piece})
        for index, call in enumerate(self.calls):
            head = {"index": index, "id": f"call_{self.name}_{index}", "type": "function"}
            named = {"name": call["name"], "arguments": ""}
            yield self._chunk({"tool_calls": [{**head, "function": named}]})
            for piece in _pieces(self.server.arguments(call)):
                part = {"index": index, "function": {"arguments": piece}}
                yield self._chunk({"tool_calls": [part]})
        reasons = {"end": "stop", "tools": "tool_calls", "refusal": "stop"}
        yield self._chunk({}, reasons.get(self.stop, self.stop))
        if self.usage:
            read, write = self.usage.get("cache_read", 0), self.usage.get("cache_write", 0)
            told = self.usage["input"] + read + write
            usage = {
                "prompt_tokens": told,
                "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
                "completion_tokens": self.usage["output"],
                "total_tokens": told + self.usage["output"],
            }
            yield "", {**self._head, "choices": [], "usage": usage}
        yield "", "[DONE]"

    @property
    def _head(self) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.name}",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": self.model,
        }

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> Event:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return "", {**self._head, "choices": [choice]}


PROTOCOLS: Mapping[str, type[_Protocol]] = {
    "/messages": _Messages,
    "/responses": _Responses,
    "/chat/completions": _Chat,
}


def main() -> int:
    """Serve a script for as long as a command runs; its exit status."""
    script, *command = sys.argv[1:]
    with serving(ScriptedServer.of(Path(script))) as server:
        environment = {
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_API_KEY": "scripted",
            "OPENAI_BASE_URL": f"{server.url}/v1",
            "OPENAI_API_KEY": "scripted",
        }
        return subprocess.run(command, env={**os.environ, **environment}).returncode


if __name__ == "__main__":
    sys.exit(main())
