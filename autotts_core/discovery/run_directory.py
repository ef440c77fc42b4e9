"""A run's directory: what is where, and how it is written so that nothing is lost.

    recipe.yaml            the recipe, resolved
    environment.json       versions, plugins, machine
    stores.json            every store with its role and digest
    events.jsonl           what happened when
    baselines/<n>/         the n-th baseline's scores on the search set
    rounds/<r>/<n>/        the n-th proposal of round r: controller.py, rationale.md, and either
                           its scores and digest.json, or fault.txt
    rounds/<r>/journal/    what the explorer had computed, or paid for, once
    rounds/<r>/charges/    what it cost
    rounds/<r>/scratch/    an explorer's own files
    rounds/<r>/transcript.jsonl  what an agent and its tools said, as it came in
    evaluations/<hash>/    scores, or the fault, of everything evaluated, by content
    selection.json         which proposal was selected, and why
    selected.py            its source
    held_out/selected/     its scores on the held-out set
    held_out/baselines/    the baselines' there
    results.json           the comparisons and the table
    report.html            all of it to look at

Every file appears whole or not at all. Scores hold no dates, so that an unbroken run and one
that was killed and taken up again end with the same bytes; times are in events.jsonl.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from autotts_core.discovery.digest import Digest
from autotts_core.discovery.history import Entry
from autotts_core.errors import AutoTTSError
from autotts_core.explorer import Proposal
from autotts_core.files import draft_directory, write_atomically
from autotts_core.frontier import SCORES, Frontier
from autotts_core.secrets import redacted
from autotts_core.statistics import Interval

_JOURNAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,200}")


@dataclass(eq=False)
class RunDirectory:
    """The directory of one run; paths are its attributes, all below `path`."""

    path: Path
    _began: float = field(default_factory=time.monotonic)

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def stores(self) -> Path:
        return self.path / "stores.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def selection(self) -> Path:
        return self.path / "selection.json"

    @property
    def selected(self) -> Path:
        return self.path / "selected.py"

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def held_out(self) -> Path:
        return self.path / "held_out"

    def baseline(self, number: int) -> Path:
        """The folder of the baseline's scores on the search set."""
        return self.path / "baselines" / str(number)

    def held_out_baseline(self, number: int) -> Path:
        """The folder of the baseline's scores on the held-out set."""
        return self.held_out / "baselines" / str(number)

    def round(self, number: int) -> Path:
        """The folder of round `number`, from 1."""
        return self.path / "rounds" / str(number)

    def evaluation(self, key: str) -> Path:
        """The folder of an evaluation by its content."""
        return self.path / "evaluations" / key

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from working on this run; the lock ends with this process."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise AutoTTSError(
                    f"{self.path}: another process is working on this run. Wait for it, or give "
                    "this run a directory of its own with --out."
                ) from None
            yield

    def note(self, event: str, **facts: Any) -> None:
        """Append a line to events.jsonl."""
        line = {
            "time": _now(),
            "process": os.getpid(),
            "elapsed": round(time.monotonic() - self._began, 3),
            "event": event,
            **facts,
        }
        _append(self.events, line)

    def transcribe(self, round_number: int, facts: Mapping[str, Any]) -> None:
        """Append a line to a round's transcript.jsonl."""
        _append(self.round(round_number) / "transcript.jsonl", {"time": _now(), **facts})

    def noted(self) -> list[dict[str, Any]]:
        """The lines of events.jsonl; one that a kill has cut off is left out."""
        if not self.events.exists():
            return []
        lines = []
        for text in self.events.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                continue
        return lines

    def write_json(self, path: Path, value: Any) -> None:
        """Write `value` to a JSON file of this run."""
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        write_atomically(path, text.encode())

    def read_json(self, path: Path) -> Any:
        """What `write_json` wrote."""
        return json.loads(path.read_bytes())

    def once(self, round_number: int, name: str, compute: Callable[[], Any]) -> Any:
        """See `Workbench.once`."""
        path = self._journal(round_number, "journal", name)
        if not path.exists():
            self.write_json(path, compute())
        # Read back even when it is new, so that it is the same then and after an interruption.
        return json.loads(path.read_bytes())

    def journal(self, name: str, rounds: range) -> list[Any]:
        """What `rounds` kept under `name`, those that kept nothing left out."""
        paths = [self._journal(number, "journal", name) for number in rounds]
        return [self.read_json(path) for path in paths if path.exists()]

    def charge(self, round_number: int, name: str, dollars: float) -> None:
        """See `Workbench.charge`."""
        path = self._journal(round_number, "charges", name)
        if not path.exists():
            self.write_json(path, {"dollars": dollars})

    def dollars(self, round_number: int | None = None) -> float:
        """What was charged so far, in one round or in all of them."""
        of = "*" if round_number is None else round_number
        charges = sorted(self.path.glob(f"rounds/{of}/charges/*.json"))
        return sum(float(self.read_json(path)["dollars"]) for path in charges)

    def _journal(self, round_number: int, kind: str, name: str) -> Path:
        if not _JOURNAL_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name: use letters, digits, '.', '-' and '_'")
        return self.round(round_number) / kind / f"{name}.json"

    @contextmanager
    def new_folder(self, folder: Path) -> Iterator[Path]:
        """A draft that becomes `folder` when the block ends, whole or not at all."""
        draft = draft_directory(folder.parent)
        try:
            yield draft
            draft.chmod(0o755)
            draft.replace(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def keep(self, entry: Entry) -> None:
        """Write an entry's folder."""
        with self.new_folder(self.round(entry.round) / str(entry.number)) as draft:
            (draft / "controller.py").write_text(entry.proposal.source, encoding="utf-8")
            (draft / "rationale.md").write_text(entry.proposal.rationale, encoding="utf-8")
            if entry.fault is not None:
                (draft / "fault.txt").write_text(entry.fault, encoding="utf-8")
            if entry.frontier is not None:
                entry.frontier.write(draft)
            if entry.proposal.expected is not None:
                self.write_json(draft / "expected.json", asdict(entry.proposal.expected))
            if entry.digest is not None:
                (draft / "digest.json").write_text(entry.digest.to_json(), encoding="utf-8")

    def kept(self, round_number: int) -> list[Entry]:
        """The entries of a round that are on disk, by number."""
        folder = self.round(round_number)
        numbers = sorted(int(path.name) for path in folder.glob("*") if path.name.isdecimal())
        return [self._entry(round_number, number) for number in numbers]

    def _entry(self, round_number: int, number: int) -> Entry:
        folder = self.round(round_number) / str(number)
        fault, digest = folder / "fault.txt", folder / "digest.json"
        expected = folder / "expected.json"
        return Entry(
            round=round_number,
            number=number,
            proposal=Proposal(
                (folder / "controller.py").read_text(encoding="utf-8"),
                (folder / "rationale.md").read_text(encoding="utf-8"),
                Interval(**self.read_json(expected)) if expected.exists() else None,
            ),
            frontier=Frontier.read(folder) if (folder / SCORES).exists() else None,
            digest=Digest.from_json(digest.read_bytes()) if digest.exists() else None,
            fault=fault.read_text(encoding="utf-8") if fault.exists() else None,
        )

    def finish_round(self, number: int, facts: Mapping[str, Any]) -> None:
        """Mark round `number` as finished."""
        self.write_json(self.round(number) / "round.json", dict(facts))

    def finished_rounds(self) -> list[int]:
        """The numbers of finished rounds, in order."""
        found = self.path.glob("rounds/*/round.json")
        return sorted(int(path.parent.name) for path in found)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _append(path: Path, line: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = redacted(json.dumps(line, ensure_ascii=False))
    with path.open("ab+") as file:
        # A line that a kill has cut off must not swallow this one.
        if file.tell() and not _ends_line(file):
            file.write(b"\n")
        file.write(text.encode() + b"\n")


def _ends_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
