"""Candidates: which parts a policy has, and how its knobs run with β."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autotts_core.controller import Controller, Params
from autotts_search import grammar

MOST_BRANCHES = 64


@dataclass(frozen=True, slots=True)
class Knob:
    """A number that runs linearly with β, always in the direction that costs more.

    Drawn evenly on the scale of its logarithm between `low` and `high`; for a threshold, that
    of what it lacks to 1. `part` is the part of the policy that reads it, if not all do.
    """

    low: float
    high: float
    whole: bool = True
    part: str | None = None


KNOBS: Mapping[str, Knob] = {
    "width": Knob(2, MOST_BRANCHES),
    "rounds": Knob(16, 100),
    "enough": Knob(1, 12),
    "plenty": Knob(2, MOST_BRANCHES),
    "sure": Knob(0.6, 0.998, whole=False),
    "warm_up": Knob(1, 24),
    "patience": Knob(2, 24, part="prunes"),
    "burst": Knob(2, 4, part="bursts"),
    "stable": Knob(4, 48, part="settles"),
    "wider": Knob(1, 4, part="widens"),
    "most": Knob(4, MOST_BRANCHES, part="widens"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy: its parts, and each knob's value at β = 0 and at β = 1."""

    parts: tuple[str, ...]
    ends: Mapping[str, tuple[float, float]]

    def at(self, knob: str, beta: float) -> int | float:
        """The value of a knob at β, exactly as the written schedule computes it."""
        low, high = self.ends[knob]
        if KNOBS[knob].whole:
            return round(low + (high - low) * beta)
        return round(low + round(high - low, 4) * beta, 4)

    @property
    def knobs(self) -> tuple[str, ...]:
        """The knobs that the policy reads."""
        used = set(self.parts)
        # Only pruning and widening wait for the warm-up.
        idle = {"warm_up"} if not used & {"prunes", "widens"} else set()
        return tuple(
            name
            for name, knob in KNOBS.items()
            if (knob.part is None or knob.part in used) and name not in idle
        )

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
        return parts | {knob: self.candidate.at(knob, beta) for knob in KNOBS}


def sample(rng: np.random.Generator) -> Candidate:
    """A candidate drawn at random."""
    parts = tuple(part for part in grammar.PARTS if rng.random() < 0.4)
    ends = {}
    for name, knob in KNOBS.items():
        low, high = sorted(rng.random(2).tolist())
        ends[name] = _ends(knob, low, high)
    return _repaired(Candidate(parts, ends))


def mutate(candidate: Candidate, rng: np.random.Generator) -> Candidate:
    """A neighbour: one to three knobs moved, now and then a part added or left out."""
    parts = set(candidate.parts)
    if rng.random() < 0.25:
        parts ^= {str(rng.choice(grammar.PARTS))}
    ends = dict(candidate.ends)
    used = replace(candidate, parts=tuple(sorted(parts))).knobs
    for name in rng.choice(used, size=int(rng.integers(1, 4)), replace=False).tolist():
        low, high = (_place(KNOBS[name], value) for value in ends[name])
        moved = np.array([low, high]) + rng.normal(0, 0.15, 2)
        low, high = sorted(np.clip(moved, 0, 1).tolist())
        ends[name] = _ends(KNOBS[name], low, high)
    return _repaired(Candidate(tuple(part for part in grammar.PARTS if part in parts), ends))


def _repaired(candidate: Candidate) -> Candidate:
    """Enough votes can be had from the branches that there are, and at most 64 are opened."""
    ends = dict(candidate.ends)
    # A burst deepens sooner but spends no more, so that it has no direction to run in.
    ends["burst"] = (ends["burst"][0], ends["burst"][0])
    for smaller, larger in (("width", "most"), ("enough", "plenty")):
        ends[larger] = tuple(map(max, ends[smaller], ends[larger]))  # type: ignore[assignment]
    return replace(candidate, ends=ends)


def _ends(knob: Knob, low: float, high: float) -> tuple[float, float]:
    return _value(knob, low), _value(knob, high)


def _value(knob: Knob, place: float) -> float:
    """The knob's value at a place from 0 to 1 on its scale."""
    if knob.whole:
        return round(math.exp(_between(math.log(knob.low), math.log(knob.high), place)))
    return round(1 - math.exp(_between(math.log(1 - knob.low), math.log(1 - knob.high), place)), 4)


def _place(knob: Knob, value: float) -> float:
    """Where on its scale a value is: what `_value` takes."""
    if not knob.whole:
        value, low, high = 1 - value, 1 - knob.low, 1 - knob.high
    else:
        low, high = knob.low, knob.high
    return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))


def _between(low: float, high: float, place: float) -> float:
    return low + (high - low) * place
