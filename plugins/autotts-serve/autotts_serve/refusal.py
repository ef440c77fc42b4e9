"""What a request is refused with, in the shape of OpenAI's errors."""

from __future__ import annotations

from math import ceil
from typing import Any


class Refusal(Exception):  # noqa: N818
    """A request that gets no answer; `param` is the argument that is to blame.

    With `after`, clients are told to come back in so many seconds.
    """

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.after = after

    @property
    def body(self) -> dict[str, Any]:
        """As OpenAI's clients read it."""
        return {
            "error": {
                "message": str(self),
                "type": _type(self.status),
                "param": self.param,
                "code": self.code,
            }
        }

    @property
    def headers(self) -> dict[str, str]:
        """`retry-after`, in whole seconds."""
        return {} if self.after is None else {"retry-after": str(max(1, ceil(self.after)))}


def _type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"
