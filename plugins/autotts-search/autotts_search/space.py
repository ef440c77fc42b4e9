"""Candidates: which parts a policy has, and how its knobs run with β."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from autotts_core.controller import Controller, Params
from autotts_search import grammar

MOST_BRANCHES = 64

Scale = Literal["count", "ratio", "level"]


@dataclass(frozen=True, slots=True)
class Knob:
    """A number of the policy between `low` and `high`.

    A "count" is whole; it and a "ratio" are searched, and run with β, on a logarithmic scale,
    a "level" on a linear one. One that `rises` has an end for β = 0 and a larger one for β = 1,
    where larger costs more; any other is the same at every β. `parts` are those of the policy
    that read it: any of them, or none for a knob that every policy reads.
    """

    low: float
    high: float
    scale: Scale
    rises: bool = False
    parts: tuple[str, ...] = ()

    def at(self, place: float) -> float:
        """The value at a place from 0 to 1."""
        if self.scale == "level":
            return round(self.low + (self.high - self.low) * place, 2)
        value = self.low * (self.high / self.low) ** place
        return round(value) if self.scale == "count" else round(value, 2)

    def place(self, value: float) -> float:
        """Where on the scale a value is: what `at` takes."""
        if self.scale == "level":
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low)


KNOBS: Mapping[str, Knob] = {
    "width": Knob(2, MOST_BRANCHES, "count", rises=True),
    "enough": Knob(1, 8, "count"),
    "sure": Knob(0.5, 3.5, "level", rises=True),
    "brevity": Knob(0.3, 4, "ratio", parts=("weighs",)),
    "hold": Knob(2, 16, "count", parts=("listens",)),
    "voice": Knob(0.05, 1, "ratio", parts=("listens",)),
    "horizon": Knob(12, 128, "count", rises=True, parts=("hurries",)),
    "calm": Knob(2, 12, "count", parts=("calms",)),
    "swing": Knob(0.2, 1, "level", parts=("overtakes",)),
    "quorum": Knob(3, 24, "count", rises=True, parts=("quits",)),
    "hope": Knob(0, 1, "level", parts=("quits",)),
    "warm_up": Knob(1, 24, "count", parts=("prunes", "widens")),
    "patience": Knob(3, 32, "count", parts=("prunes",)),
    "stretch": Knob(1.1, 4, "ratio", parts=("cuts",)),
    "burst": Knob(2, 4, "count", parts=("bursts",)),
    "wider": Knob(1, 4, "count", parts=("widens",)),
    "most": Knob(4, MOST_BRANCHES, "count", rises=True, parts=("widens", "refills", "waves")),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy: its parts, and each of its knobs' values at β = 0 and at β = 1."""

    parts: tuple[str, ...]
    ends: Mapping[str, tuple[float, float]]

    def at(self, knob: str, beta: float) -> int | float:
        """The value of a knob at β, exactly as the written schedule computes it."""
        low, high = self.ends[knob]
        scale = KNOBS[knob].scale
        if low == high:
            return int(low) if scale == "count" else float(low)
        if scale == "count":
            return round(low * round(high / low, 3) ** beta)
        return round(low + round(high - low, 2) * beta, 3)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"parts": list(self.parts), "ends": {k: list(v) for k, v in self.ends.items()}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Candidate:
        """What `to_json` gave."""
        ends = {knob: (low, high) for knob, (low, high) in values["ends"].items()}
        return cls(tuple(values["parts"]), ends)


class GrammarController(Controller):
    """A candidate as a controller, without writing it out: all of them share one kernel."""

    name = "candidate"
    summary = "A candidate of the search"
    policy = staticmethod(grammar.policy)

    def __init__(self, candidate: Candidate) -> None:
        super().__init__()
        self.candidate = candidate

    def schedule(self, beta: float) -> Params:
        """All parts and knobs, those too that the candidate lacks."""
        parts: Params = {part: part in self.candidate.parts for part in grammar.PARTS}
        own: Params = {knob: self.candidate.at(knob, beta) for knob in self.candidate.ends}
        return parts | _UNREAD | own


_UNREAD: Params = {
    name: int(knob.low) if knob.scale == "count" else float(knob.low)
    for name, knob in KNOBS.items()
}
"""Values for knobs that a candidate does not read."""


def in_order(parts: Iterable[str]) -> tuple[str, ...]:
    """`parts` in the order of the grammar."""
    given = set(parts)
    return tuple(part for part in grammar.PARTS if part in given)


def knobs_of(parts: Sequence[str]) -> tuple[str, ...]:
    """The knobs that a policy with these parts reads."""
    return tuple(
        name for name, knob in KNOBS.items() if not knob.parts or set(knob.parts) & set(parts)
    )


def dimensions(parts: Sequence[str]) -> int:
    """How many numbers describe a policy with these parts."""
    return sum(1 + KNOBS[name].rises for name in knobs_of(parts))


def decode(parts: Sequence[str], places: npt.NDArray[np.float64]) -> Candidate:
    """The candidate at a point of the unit cube, of `dimensions(parts)` numbers.

    The two ends of a knob that rises may come in either order; numbers outside of the cube
    count as on its face.
    """
    ends = {}
    rest = np.clip(places, 0, 1).tolist()
    for name in knobs_of(parts):
        knob = KNOBS[name]
        own = sorted(rest.pop(0) for _ in range(1 + knob.rises))
        ends[name] = (knob.at(own[0]), knob.at(own[-1]))
    return _candidate(parts, ends)


def encode(candidate: Candidate) -> npt.NDArray[np.float64]:
    """A point that `decode` makes `candidate` of."""
    places = []
    for name in knobs_of(candidate.parts):
        knob = KNOBS[name]
        places += [knob.place(end) for end in candidate.ends[name][: 1 + knob.rises]]
    return np.array(places)


def sample(rng: np.random.Generator) -> Candidate:
    """A candidate drawn at random."""
    parts = [part for part in grammar.PARTS if rng.random() < 0.25]
    return decode(parts, rng.random(dimensions(parts)))


def neighbour(candidate: Candidate, rng: np.random.Generator) -> Candidate:
    """A candidate near by: all knobs moved a little, now and then a part added or left out."""
    parts = set(candidate.parts)
    if rng.random() < 0.5:
        parts ^= {str(rng.choice(grammar.PARTS))}
    near = with_parts(candidate, parts)
    places = encode(near)
    return decode(near.parts, places + rng.normal(0, 0.1, len(places)))


def with_parts(candidate: Candidate, parts: Iterable[str]) -> Candidate:
    """`candidate` with other parts: knobs that are new to it start in their middle."""
    parts = in_order(parts)
    middle = {name: KNOBS[name].at(0.5) for name in knobs_of(parts)}
    ends = {name: candidate.ends.get(name, (value, value)) for name, value in middle.items()}
    return _candidate(parts, ends)


def _candidate(parts: Iterable[str], ends: dict[str, tuple[float, float]]) -> Candidate:
    """The candidate with these ends; `most` is no less than `width`."""
    if "most" in ends:
        (least, width), (low, high) = ends["width"], ends["most"]
        ends["most"] = (max(least, low), max(width, high))
    return Candidate(in_order(parts), ends)


ANCESTORS: Mapping[str, Candidate] = {
    "self-consistency": Candidate(
        (), {"width": (4, MOST_BRANCHES), "enough": (8, 8), "sure": (3.5, 3.5)}
    ),
    "asc": Candidate(
        ("refills",),
        {"width": (2, 2), "enough": (2, 2), "sure": (1.64, 1.64), "most": (8, MOST_BRANCHES)},
    ),
    "esc": Candidate(
        ("waves",),
        {"width": (8, 8), "enough": (8, 8), "sure": (2.5, 2.5), "most": (8, MOST_BRANCHES)},
    ),
    "parallel-probe": Candidate(
        ("listens", "calms", "prunes"),
        {
            "width": (8, MOST_BRANCHES),
            "enough": (1, 1),
            "sure": (0.5, 0.5),
            "hold": (2, 2),
            "voice": (1, 1),
            "calm": (12, 12),
            "warm_up": (15, 15),
            "patience": (7, 7),
        },
    ),
    "cmc": Candidate(
        ("calms", "prunes", "bursts", "widens"),
        {
            "width": (2, 8),
            "enough": (2, 2),
            "sure": (1.04, 1.88),
            "calm": (2, 2),
            "warm_up": (5, 5),
            "patience": (8, 8),
            "burst": (2, 2),
            "wider": (2, 2),
            "most": (4, MOST_BRANCHES),
        },
    ),
}
"""Candidates that do about what known controllers do, for a search to start from and leave."""
