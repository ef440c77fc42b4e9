"""What both protocols share: OpenAI's client, and what its errors mean."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import Any

import httpx2
import openai

from autotts_core.agent.http_status import status_error
from autotts_core.agent.llm import (
    LLM,
    Listener,
    LLMError,
    Reply,
    Request,
    RequestRefused,
    Unavailable,
)

_PASSING = {"server_error", "rate_limit_exceeded", "overloaded", "timeout", "server_overloaded"}
"""Codes of errors in a stream after which asking again may help."""


class OpenAILLM(LLM):
    """One model; a subclass speaks one protocol."""

    def __init__(
        self,
        model: str,
        effort: str | None = None,
        tool_choice: str = "auto",
        base_url: str | None = None,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        self.model = model
        self.effort = effort
        self.tool_choice = tool_choice
        self._base_url = base_url
        self._key_variable = key_variable

    @abstractmethod
    def streamed(self, client: openai.OpenAI, request: Request, listener: Listener) -> Reply:
        """The next turn, from `client`, whose errors are the caller's to explain."""

    def reply(self, request: Request, listener: Listener) -> Reply:
        """The next turn; see `LLM.reply`."""
        try:
            client = openai.OpenAI(
                # The client wants one; a server of one's own does not look at it.
                api_key=os.environ.get(self._key_variable) or "none",
                base_url=self._base_url,
                timeout=request.seconds,
                max_retries=0,
            )
            with client:
                return self.streamed(client, request, listener)
        except openai.APIStatusError as error:
            raise status_error(
                error.status_code, told(error), error.response.headers, self._key_variable
            ) from None
        except (openai.APIConnectionError, httpx2.TransportError) as error:
            cause = error.__cause__ or error
            raise Unavailable(
                f"The connection to {client.base_url.host} failed "
                f"({type(cause).__name__}: {cause})."
            ) from None
        except openai.APIError as error:
            raise stream_error(error.code, told(error)) from None
        except openai.OpenAIError as error:
            raise LLMError(str(error)) from None


def told(error: openai.APIError) -> str:
    """What the server said, without what the SDK wraps it in."""
    body: Any = error.body
    if isinstance(body, dict):
        found = body.get("message") or body.get("error") or body.get("detail")
        if isinstance(found, str):
            return found
    return error.message


def stream_error(code: str | None, text: str) -> LLMError:
    """The error that a stream told of in place of a turn."""
    kind = Unavailable if code in _PASSING or code is None else RequestRefused
    return kind(f"The server said {code or 'error'}: {text}.")
