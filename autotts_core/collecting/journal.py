"""What has been collected so far, on disk: one line for each finished branch."""

from __future__ import annotations

import json
import os
import shutil
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autotts_core.errors import StoreError
from autotts_core.files import write_atomically
from autotts_core.traces import BranchText, BranchTrace


@dataclass(frozen=True, slots=True)
class Spent:
    """What a finished branch took of its engine, beside its own tokens."""

    probe_tokens: int
    prompt_tokens: int
    cached_tokens: int


class Journal:
    """The directory of a collection under way; each question is for one process at a time.

    `settings` are what branches hang on: a journal that was begun with others is refused.
    What branches wrote is kept only where `with_texts` says so.
    """

    def __init__(
        self, directory: Path, settings: Mapping[str, Any], with_texts: bool = False
    ) -> None:
        self.directory = directory
        self._with_texts = with_texts
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
                line["probes"],
                line["tokens"],
                line["final"],
                line["signals"],
                line.get("confidences"),
            )
        return found

    def texts(self, question: int) -> list[BranchText]:
        """What the branches of a question wrote, in their order, once all are finished."""
        found = {}
        for line in self._lines(question):
            written = line["written"]
            ids = array("i", written["token_ids"])
            found[line["branch"]] = BranchText(
                ids, written["text"], written["probes"], written["final_probe"]
            )
        return [found[number] for number in sorted(found)]

    def keep(
        self, question: int, number: int, branch: BranchTrace, text: BranchText, spent: Spent
    ) -> None:
        """Put a finished branch on disk; it is there when this returns."""
        line = {
            "branch": number,
            "tokens": branch.tokens,
            "final": branch.final,
            "probes": list(branch.probes),
            "signals": None if branch.signals is None else list(branch.signals),
            **asdict(spent),
        }
        if branch.confidences is not None:
            line["confidences"] = list(branch.confidences)
        if self._with_texts:
            line["written"] = {
                "token_ids": list(text.token_ids),
                "text": text.text,
                "probes": list(text.probes),
                "final_probe": text.final_probe,
            }
        with self.path(question).open("ab") as file:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def path(self, question: int) -> Path:
        """The file with the finished branches of a question, a line of JSON each."""
        return self.directory / f"{question:06}.jsonl"

    def remove(self) -> None:
        """Nothing of it is needed once the store is there."""
        shutil.rmtree(self.directory)

    def _lines(self, question: int) -> Iterator[dict[str, Any]]:
        path = self.path(question)
        if not path.exists():
            return
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            # Whoever wrote it was killed in the middle of a line.
            with path.open("r+b") as file:
                file.truncate(len(whole))
        for line in whole.split(b"\n")[:-1]:
            yield json.loads(line)
