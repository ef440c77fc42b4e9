"""Requests in OpenAI's protocol: what is honoured, what is harmless, and what is refused."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from autotts_serve.refusal import Refusal

HARMLESS = frozenset(
    {"user", "metadata", "safety_identifier", "prompt_cache_key", "service_tier", "store"}
)
"""Change no answer, here as at OpenAI, and are passed over."""

REFUSED: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "stop": ([], ""),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "reasoning_effort": (),
    "verbosity": (),
    "prediction": (),
    "audio": (),
    "web_search_options": (),
    "echo": (False,),
    "suffix": ("",),
}
"""Cannot be honoured, with the values that ask for nothing."""

_MOST_SEED = 2**32


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


def _text(content: Any) -> Any:
    """The text of a message's content, which may come in parts."""
    if not isinstance(content, list):
        return content
    for part in content:
        if not (isinstance(part, dict) and part.get("type") in ("text", "input_text")):
            raise ValueError("only text can be read here")
        if not isinstance(part.get("text"), str):
            raise ValueError("a part has no text")
    return "".join(part["text"] for part in content)


class Message(_Model):
    """A turn of a chat; the reasoning of earlier turns is left out, as models' templates do."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, BeforeValidator(_text)]
    name: str | None = None
    reasoning_content: str | None = None

    @property
    def for_template(self) -> dict[str, str]:
        """As chat templates know it: developers speak as the system."""
        role = "system" if self.role == "developer" else self.role
        return {"role": role, "content": self.content}


class StreamOptions(_Model):
    """How a streamed answer ends."""

    include_usage: bool = False


class Controls(_Model):
    """The extension `autotts`: how a controller is to go about it."""

    controller: str | None = None
    """An installed controller, as in `NAME` or `NAME:key=value`."""
    beta: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: int | None = None
    budget: Annotated[int, Field(ge=1)] | None = None
    """Tokens that all branches together may take, without probes."""
    seconds: Annotated[float, Field(gt=0)] | None = None
    """From when the request came in."""


class GenerationRequest(_Model):
    """What both endpoints take."""

    endpoint: ClassVar[str]
    model: str
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: int | None = None
    seed: int | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Of each branch."""
    autotts: Controls = Controls()

    @property
    @abstractmethod
    def characters(self) -> int:
        """Of all that it asks, or tokens where it has those."""

    @property
    def longest(self) -> int | None:
        """Tokens that each branch may have."""
        return self.max_tokens

    @property
    def given_seed(self) -> int | None:
        """The seed, in the range that engines take."""
        given = self.seed if self.autotts.seed is None else self.autotts.seed
        return None if given is None else given % _MOST_SEED


class ChatRequest(GenerationRequest):
    """Of `/v1/chat/completions`."""

    endpoint: ClassVar[str] = "chat"
    messages: Annotated[Sequence[Message], Field(min_length=1)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None

    @property
    def characters(self) -> int:
        return sum(len(message.content) for message in self.messages)

    @property
    def longest(self) -> int | None:
        given = (self.max_tokens, self.max_completion_tokens)
        return min((each for each in given if each is not None), default=None)


def _one_prompt(prompt: Any) -> Any:
    """The prompt itself where it is the only one of a list."""
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        if len(prompt) > 1:
            raise ValueError("one prompt a request: it has several")
        return prompt[0]
    return prompt


class CompletionRequest(GenerationRequest):
    """Of `/v1/completions`: `prompt` is text or token ids, and continued as it stands."""

    endpoint: ClassVar[str] = "completions"
    prompt: Annotated[
        str | Annotated[Sequence[int], Field(min_length=1)], BeforeValidator(_one_prompt)
    ]

    @property
    def characters(self) -> int:
        return len(self.prompt)


AnyRequest = TypeVar("AnyRequest", bound=GenerationRequest)


def read_request(kind: type[AnyRequest], body: bytes) -> AnyRequest:
    """The request in `body`; raises `Refusal` that names the argument."""
    try:
        # Unlike `json`, it refuses text that no encoding has, and numbers that are none.
        found = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Refusal(400, "The body is not readable as JSON.") from None
    if not isinstance(found, dict):
        raise Refusal(400, "The body must be a JSON object.")
    # Clients write null for what they do not ask for.
    given = {key: value for key, value in found.items() if value is not None}
    for key, neutral in REFUSED.items():
        if key in given and given.pop(key) not in neutral:
            raise Refusal(400, _refusal(key), key, "unsupported_parameter")
    kept = {key: value for key, value in given.items() if key not in HARMLESS}
    try:
        return kind.model_validate(_without_nulls(kept))
    except ValidationError as error:
        raise _explained(error) from None


def _without_nulls(given: dict[str, Any]) -> dict[str, Any]:
    """Without nulls one level down, where messages and options are."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: each for key, each in value.items() if each is not None}
        return value

    return {
        key: [kept(each) for each in value] if key == "messages" and isinstance(value, list)
        else kept(value)
        for key, value in given.items()
    }  # fmt: skip


def _refusal(key: str) -> str:
    if key in ("n", "best_of"):
        return f"'{key}': a controller gives one answer, and opens as many branches as it likes."
    if key == "reasoning_effort":
        return "'reasoning_effort' cannot be honoured here: autotts.beta says how much is spent."
    return f"'{key}' cannot be honoured by a controller over several branches: leave it out."


def _explained(error: ValidationError) -> Refusal:
    problem = error.errors(include_url=False, include_input=False)[0]
    # A union's members are named after the field.
    parts = [str(part) for part in problem["loc"]]
    param = ".".join(parts)[:100]
    if problem["type"] == "missing":
        return Refusal(400, f"Missing required parameter: '{param}'.", param, "missing_parameter")
    if problem["type"] == "extra_forbidden":
        message = f"Unrecognized request argument supplied: {param}"
        return Refusal(400, message, param, "unknown_parameter")
    told = problem["msg"].removeprefix("Value error, ")
    return Refusal(400, f"Invalid value for '{param}': {told}.", param, "invalid_value")
