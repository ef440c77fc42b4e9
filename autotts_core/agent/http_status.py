"""What a model provider's HTTP status means for the agent."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from autotts_core.agent.llm import LLMError, RequestRefused, Unavailable

_BUSY = {408, 409, 425, 429}
_AT_FAULT = {400, 413, 422}


def status_error(status: int, told: str, headers: Mapping[str, str], key: str) -> LLMError:
    """The error for a reply with `status`, of which the server said `told`.

    `key` is the environment variable that requests are signed with.
    """
    text = f"The server answered {status}: {told}."
    if status in _BUSY or status >= 500:
        return Unavailable(text, retry_after(headers))
    if status in (401, 403):
        return LLMError(f"{text} Look at {key} in the environment.")
    if status == 404:
        return LLMError(f"{text} Look at the model's name and the server's address.")
    return RequestRefused(text) if status in _AT_FAULT else LLMError(text)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to be left alone for, None where it does not."""
    if "retry-after-ms" in headers:
        return _seconds(headers["retry-after-ms"], 1000)
    return _seconds(headers.get("retry-after", ""), 1)


def _seconds(text: str, per_second: int) -> float | None:
    try:
        return max(0.0, float(text) / per_second)
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
