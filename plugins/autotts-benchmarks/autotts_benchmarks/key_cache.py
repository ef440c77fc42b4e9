"""Keys of answers that were worked out before, by content."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from types import TracebackType

from autotts_core.cache import cache_directory


class KeyCache:
    """One grader's keys, in a SQLite file that processes share. Useless files are ignored."""

    def __init__(self, grader: str) -> None:
        self._connection: sqlite3.Connection | None = None
        path = cache_directory() / "grading" / f"{grader}.sqlite"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS keys (answer BLOB PRIMARY KEY, key TEXT) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error):
            self._close()

    def __enter__(self) -> KeyCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def get(self, answers: Sequence[str]) -> dict[str, str | None]:
        """The keys that are known."""
        found: dict[str, str | None] = {}
        if self._connection is not None:
            try:
                for answer in answers:
                    row = self._connection.execute(
                        "SELECT key FROM keys WHERE answer = ?", (_digest(answer),)
                    ).fetchone()
                    if row is not None:
                        found[answer] = row[0]
            except sqlite3.Error:
                self._close()
        return found

    def put(self, keys: Mapping[str, str | None]) -> None:
        """Keep `keys`, all of them or none."""
        if self._connection is not None:
            try:
                with self._connection:
                    self._connection.executemany(
                        "INSERT OR IGNORE INTO keys VALUES (?, ?)",
                        [(_digest(answer), key) for answer, key in keys.items()],
                    )
            except sqlite3.Error:
                self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _digest(answer: str) -> bytes:
    return hashlib.sha256(answer.encode(errors="surrogatepass")).digest()
