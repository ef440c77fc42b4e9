"""The port through which the agent talks to a model: a conversation in, the next turn out."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from autotts_core.errors import AutoTTSError

Stop = Literal["end", "tools", "length", "refusal"]
"""Why a turn ended: nothing more to say, tools called, cut off at `max_tokens`, refused."""


class LLMError(AutoTTSError):
    """A request that will not be answered, however often it is sent: no key, no such model."""


class RequestRefused(LLMError):  # noqa: N818
    """A request that the server finds wrong in itself, such as one that is too long."""


class Unavailable(LLMError):  # noqa: N818
    """A server that is busy, down, or broke off: the same request may be answered later.

    `retry_after` is how many seconds it asked to be left alone for, where it said so.
    """

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one turn, each counted once: `input` is what no cache was read from or written to.

    `estimated` where the server reported none, and they were counted by characters.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.output + other.output,
            self.estimated or other.estimated,
        )

    def __str__(self) -> str:
        cached = f" ({self.cache_read:,} from cache, {self.cache_write:,} written to it)"
        total = self.input + self.cache_read + self.cache_write
        shown = cached if self.cache_read or self.cache_write else ""
        counted = ", by an estimate" if self.estimated else ""
        return f"{total:,} tokens in{shown}, {self.output:,} out{counted}"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model called; `arguments` is the JSON text that it wrote, whatever it is."""

    id: str
    name: str
    arguments: str

    def parsed(self) -> dict[str, Any]:
        """The arguments; raises `ValueError` where they are no JSON object."""
        values = json.loads(self.arguments or "{}")
        if not isinstance(values, dict):
            raise ValueError(f"they are {values!r:.60}")
        return values

    def sendable(self) -> dict[str, Any]:
        """The arguments as they can be sent back: empty where they are no JSON object."""
        try:
            return self.parsed()
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool call came to."""

    call: str
    text: str
    error: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A message to the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Results:
    """The results of all calls of the reply before, in order."""

    results: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One turn of the model.

    `raw` is JSON of the provider's own: the turn as it has to be sent back, thinking and
    signatures included. `usage` is None where the server reported none.
    """

    text: str
    calls: tuple[ToolCall, ...]
    stop: Stop
    usage: Usage | None
    raw: Any = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept in a run."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Reply:
        """What `to_json` gave."""
        return cls(
            values["text"],
            tuple(ToolCall(**call) for call in values["calls"]),
            values["stop"],
            Usage(**values["usage"]) if values["usage"] else None,
            values["raw"],
        )


Message = Said | Reply | Results


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it; `parameters` is a JSON Schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A conversation that the model is to go on with.

    The brief, the tools and all messages but the last are those of the request before, so that
    a provider's cache can hold them. `seconds` is how long the answer may take.
    """

    brief: str
    tools: Sequence[ToolSpec]
    messages: Sequence[Message]
    max_tokens: int
    seconds: float


class Listener(Protocol):
    """Hears a turn while it streams; may raise, and then nothing more is wanted."""

    def text(self, piece: str) -> None:
        """A piece of what the model says, thinks or writes as arguments."""

    def usage(self, usage: Usage) -> None:
        """What the server reports before the turn has ended: paid for even if it breaks off."""


class LLM(ABC):
    """A model behind some provider's API."""

    model: str

    @abstractmethod
    def reply(self, request: Request, listener: Listener) -> Reply:
        """The model's next turn, told to `listener` as it streams.

        Sends the request once: the agent asks again where that helps. Raises `Unavailable`
        where it does, `LLMError` where it does not, both with a text that says what happened.
        """
