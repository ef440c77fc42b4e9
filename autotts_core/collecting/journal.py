"""What has been collected so far, on disk: one line for each finished branch."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotts_core.errors import StoreError
from autotts_core.files import write_atomically
from autotts_core.traces import BranchTrace


class Journal:
    """The directory of a collection under way, for one process at a time.

    `settings` are what branches hang on: a journal that was begun with others is refused.
    """

    def __init__(self, directory: Path, settings: Mapping[str, Any]) -> None:
        self.directory = directory
        path = directory / "settings.json"
        text = json.dumps(settings, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        if not path.exists():
            write_atomically(path, text.encode())
        elif (before := path.read_text(encoding="utf-8")) != text:
            then = json.loads(before)
            keys = then.keys() | settings.keys()
            different = [key for key in keys if then.get(key) != settings.get(key)]
            raise StoreError(
                f"{directory}: holds branches that were collected with other settings "
                f"({', '.join(sorted(different))}). Collect with the old ones, or elsewhere, or "
                "remove the directory and its branches."
            )

    def branches(self, question: int) -> dict[int, BranchTrace]:
        """The finished branches of a question, by number."""
        found = {}
        for line in self._lines(question):
            found[line["branch"]] = BranchTrace(
                line["probes"], line["tokens"], line["final"], line["signals"]
            )
        return found

    def keep(self, question: int, number: int, branch: BranchTrace) -> None:
        """Put a finished branch on disk; it is there when this returns."""
        line = {
            "branch": number,
            "tokens": branch.tokens,
            "final": branch.final,
            "probes": list(branch.probes),
            "signals": None if branch.signals is None else list(branch.signals),
        }
        with self._path(question).open("ab") as file:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """Nothing of it is needed once the store is there."""
        shutil.rmtree(self.directory)

    def _lines(self, question: int) -> list[dict[str, Any]]:
        path = self._path(question)
        if not path.exists():
            return []
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            # Whoever wrote it was killed in the middle of a line.
            with path.open("r+b") as file:
                file.truncate(len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def _path(self, question: int) -> Path:
        return self.directory / f"{question:06}.jsonl"
