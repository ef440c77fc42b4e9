"""The keys that clients have to show, which stand in a file or in the environment."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from autotts_core.errors import OptionError

VARIABLE = "AUTOTTS_API_KEYS"


class ApiKeys:
    """Keys are kept as digests, and compared in a time that tells nothing of them."""

    def __init__(self, keys: list[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admits(self, authorization: str | None) -> bool:
        """Whether a request with this header may go on; any may where there are no keys."""
        if not self._digests:
            return True
        scheme, _, key = (authorization or "").partition(" ")
        given = _digest(key.strip())
        found = [hmac.compare_digest(given, each) for each in self._digests]
        return scheme.lower() == "bearer" and any(found)


def load_api_keys(path: Path | None) -> ApiKeys:
    """The keys in the file, one a line, else those in `AUTOTTS_API_KEYS`, between white space.

    In the file, lines that begin with # do not count. Raises `OptionError` for a file that cannot
    be read or holds none.
    """
    if path is None:
        return ApiKeys(os.environ.get(VARIABLE, "").split())
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"--api-keys {path}: cannot be read: {error}") from None
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        raise OptionError(f"--api-keys {path}: holds no key: write one a line.")
    return ApiKeys(keys)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()
