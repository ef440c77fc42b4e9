"""Keeps keys out of everything that is written."""

import json
import os
import re
from typing import Any

_NAMED_LIKE_A_KEY = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_LEAST_CHARACTERS = 8
"""Shorter values are no keys, and may be words that stand anywhere."""


def redacted(text: str) -> str:
    """`text` with each environment variable's value that looks like a key replaced by its name.

    Servers repeat keys in their error messages, and proxies whole headers.
    """
    for name, value in os.environ.items():
        if len(value) >= _LEAST_CHARACTERS and _NAMED_LIKE_A_KEY.search(name):
            text = text.replace(value, f"[{name}]")
    return text


def redacted_json(value: Any) -> Any:
    """A JSON value with keys replaced in all of its texts."""
    return json.loads(redacted(json.dumps(value, ensure_ascii=False)))
