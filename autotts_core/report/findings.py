"""What a run found, read from its directory: what `autotts show` prints and the report shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from autotts_core.discovery.history import Entry
from autotts_core.discovery.results import operating_points, point_row
from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.errors import AutoTTSError
from autotts_core.frontier import Frontier, Point

SETS = {"search": "Search set", "held_out": "Held-out set"}
"""The keys of `results.json` that hold a table, and their titles."""

GAINS = {
    "expected": "expected of other questions",
    "search": "on the search set, cross-validated",
    "held_out": "held out",
}
"""The keys of `gain` in `results.json`, in words."""

Row = Mapping[str, Any]
"""A row of `results.json`: one controller at one β, averaged and for each store."""


@dataclass(frozen=True)
class Curve:
    """The rows of one controller, or of one baseline's sweep, on the same stores.

    `kind` is "selected", "baseline" or "round", the last for the best entry of a round.
    """

    kind: str
    name: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Findings:
    """A finished run. Numbers are those of its files, at full precision."""

    run: RunDirectory
    results: Mapping[str, Any]

    @classmethod
    def of(cls, run: RunDirectory) -> Findings:
        """What `run` found; raises `AutoTTSError` where it has not finished."""
        if not run.results.exists():
            raise AutoTTSError(f"{run.path} is not finished: `autotts run` goes on with it.")
        return cls(run, run.read_json(run.results))

    @classmethod
    def of_selected(cls, run: RunDirectory) -> Findings:
        """What `run` found; raises `AutoTTSError` also where it ended with nothing selected."""
        found = cls.of(run)
        if found.selection["selected"] is None:
            raise AutoTTSError(
                f"{run.path} selected no controller, for none of its proposals could be scored: "
                "`autotts show` says why, and what the baselines came to."
            )
        return found

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.run.path.resolve().name

    @property
    def selection(self) -> Mapping[str, Any]:
        """The content of `selection.json`."""
        found: Mapping[str, Any] = self.results["selection"]
        return found

    @cached_property
    def sets(self) -> Mapping[str, Mapping[str, Any]]:
        """The sets that were scored, by their key: the search set, and the held-out set if any."""
        return {key: self.results[key] for key in SETS if self.results[key]}

    @property
    def decisive_set(self) -> str:
        """The key of the set that conclusions are drawn from: held-out where there is one."""
        return "held_out" if "held_out" in self.sets else "search"

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """Every proposal, in order."""
        return list(_entries(self.run))

    @cached_property
    def rounds_best(self) -> Sequence[Entry]:
        """Of each round the entry that the selection rule values most."""
        best: dict[int, Entry] = {}
        for entry in self.entries:
            if entry.frontier is None:
                continue
            standing = best.get(entry.round)
            if standing is None or self._value(entry) > self._value(standing):
                best[entry.round] = entry
        return list(best.values())

    @property
    def selected(self) -> Entry:
        """The selected entry."""
        return next(e for e in self.entries if e.name == self.selection["selected"])

    @cached_property
    def source(self) -> str:
        """The selected controller's source."""
        return self.run.selected.read_text(encoding="utf-8")

    @cached_property
    def operating_points(self) -> Mapping[float | None, str]:
        """What the selected controller's distinguished βs are called; see `Versus`."""
        return operating_points(self.selection) if self.selection["selected"] else {}

    def operating_row(self, of: str, point: str) -> Row:
        """The selected controller's row on the set `of` at its "matching" or "best" β."""
        beta = self.selection[f"{point}_beta"]
        rows: Sequence[Row] = self.results[of]["rows"]
        return next(row for row in rows if row["kind"] == "selected" and row["beta"] == beta)

    @cached_property
    def curves(self) -> Mapping[str, Sequence[Curve]]:
        """The curves of each set, the selected controller first; rounds on the search set only."""
        found = {key: curves_of(each["rows"]) for key, each in self.sets.items()}
        found["search"] += [
            Curve("round", f"round {e.round} ({e.name})", _frontier_rows(e.frontier))
            for e in self.rounds_best
            if e.frontier and e.name != self.selection["selected"]
        ]
        return found

    def frontiers(self, of: str) -> tuple[Frontier, Sequence[Frontier]]:
        """The selected controller's frontier on the set `of`, and the baselines'."""
        run = self.run
        if of == "search":
            assert self.selected.frontier is not None
            chosen = self.selected.frontier
            folders = [run.baseline(k) for k in range(self._baselines)]
        else:
            chosen = Frontier.read(run.held_out / "selected")
            folders = [run.held_out_baseline(k) for k in range(self._baselines)]
        return chosen, [Frontier.read(folder) for folder in folders]

    @property
    def _baselines(self) -> int:
        return len(self.results["search"]["areas"])

    @cached_property
    def trajectory(self) -> Sequence[Row]:
        """See `trajectory`."""
        return trajectory(self.run)

    @cached_property
    def events(self) -> Sequence[Mapping[str, Any]]:
        """The lines of events.jsonl."""
        return self.run.noted()

    @property
    def seconds_exploring(self) -> float:
        """Time spent exploring, over all processes that worked on the run."""
        return max((float(e.get("explored", 0)) for e in self.events), default=0.0)

    @property
    def seconds(self) -> float:
        """From the first event to the last, pauses included."""
        times = [datetime.fromisoformat(event["time"]) for event in self.events]
        return (times[-1] - times[0]).total_seconds() if times else 0.0

    @cached_property
    def progress(self) -> Sequence[Mapping[str, float]]:
        """Candidates tried over the seconds spent exploring, counted over all rounds."""
        counts: dict[int, int] = {}
        found: list[Mapping[str, float]] = []
        for event in self.events:
            if event["event"] != "progress":
                continue
            number = int(event["round"])
            counts[number] = max(counts.get(number, 0), int(event["candidates"]))
            found.append({"seconds": event["explored"], "candidates": sum(counts.values())})
        return found

    @cached_property
    def rounds(self) -> Sequence[Mapping[str, Any]]:
        """Of each finished round its number, proposals, seconds so far and dollars."""
        seconds = {
            e["round"]: e.get("explored") for e in self.events if e["event"] == "round finished"
        }
        return [
            {
                "round": number,
                "proposals": sum(entry.round == number for entry in self.entries),
                "seconds": seconds.get(number),
                "dollars": self.run.dollars(number),
            }
            for number in self.run.finished_rounds()
        ]

    def _value(self, entry: Entry) -> float:
        return float(self.selection["values"].get(entry.name, float("-inf")))


def widest(sweep: Frontier) -> Point:
    """A baseline's most expensive setting, which comparisons are made with."""
    return max(sweep.points, key=lambda point: point.tokens)


def family(row: Row) -> str:
    """What a row's curve is called: "selected", or the baseline controller's name."""
    return "selected" if row["kind"] == "selected" else row["stores"][0]["controller"]


def curves_of(rows: Sequence[Row]) -> list[Curve]:
    """The curves of the rows of `results.json`, the selected controller's, if any, first."""
    names = sorted(dict.fromkeys(map(family, rows)), key=lambda name: name != "selected")
    return [
        Curve(
            "selected" if name == "selected" else "baseline",
            name,
            [row for row in rows if family(row) == name],
        )
        for name in names
    ]


def conditions(of_set: Mapping[str, Any], seeds: int) -> str:
    """What a set's numbers were measured with, in words: questions, seeds, grader, accounting."""
    stores = [store for row in of_set["rows"] for store in row["stores"]]
    questions = sorted({store["questions"] for store in stores})
    graders = ", ".join(sorted({store["grader"] for store in stores}))
    accountings = ", ".join(sorted({store["accounting"] for store in stores}))
    return (
        f"{' or '.join(map(str, questions))} questions x {seeds} seeds, "
        f"grader {graders}, {accountings} accounting"
    )


def trajectory(run: RunDirectory) -> list[Row]:
    """Every proposal in order, with its best point on the search set, or its fault."""
    values = run.read_json(run.selection)["values"] if run.selection.exists() else {}
    rows: list[Row] = []
    for entry in _entries(run):
        best = entry.frontier.best if entry.frontier else None
        rows.append(
            {
                "entry": entry.name,
                "rationale": entry.proposal.rationale,
                "fault": entry.fault,
                "accuracy": best and best.accuracy,
                "tokens": best and best.tokens,
                "beta": best and best.beta,
                "value": values.get(entry.name),
            }
        )
    return rows


def _entries(run: RunDirectory) -> Iterator[Entry]:
    for path in sorted(run.path.glob("rounds/*"), key=lambda path: int(path.name)):
        yield from run.kept(int(path.name))


def _frontier_rows(frontier: Frontier) -> list[Row]:
    return [asdict(point_row("round", point)) for point in frontier.points]
