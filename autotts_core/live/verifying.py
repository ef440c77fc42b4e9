"""Replay against live: does a controller do in front of an engine what replay said it would?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autotts_core.live.answer_row import AnswerRow, peak_branches
from autotts_core.replay.interpreted import replay_question
from autotts_core.statistics import Interval, mean_difference, mean_interval

if TYPE_CHECKING:
    from autotts_core.controller import Controller
    from autotts_core.store import ReplayStore
    from autotts_core.store.arrays import TraceArrays

Numbers = npt.NDArray[np.float64]

_MEASUREMENTS = 10_000
"""Drawn from replay to see how far one live measurement may be from the mean."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """What episodes came to: arrays of shape (questions, seeds); `accuracy` is 0 or 100."""

    accuracy: Numbers
    tokens: Numbers
    sequential_tokens: Numbers
    peak_branches: Numbers

    def of(self, questions: Sequence[int]) -> Episodes:
        """Those of some of the questions, by their places."""
        places = list(questions)
        return Episodes(
            self.accuracy[places],
            self.tokens[places],
            self.sequential_tokens[places],
            self.peak_branches[places],
        )


@dataclass(frozen=True, eq=False)
class LiveEpisodes(Episodes):
    """Also what only live episodes have, of the same shape.

    `computed_again` is nan where the engine does not say what its cache held.
    """

    probe_tokens: Numbers
    computed_again: Numbers
    seconds: Numbers


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity's mean over questions, replayed and live, with 95 % intervals over questions.

    `difference` is live less replay, paired by question. Between `span_low` and `span_high` lie
    99 % of what replay would have measured with as many seeds as there are live, each question
    with branch orders of its own: that of four quantities none leaves its span by chance.
    """

    replay: Interval
    live: Interval
    difference: Interval
    span_low: float
    span_high: float

    @property
    def inside(self) -> bool:
        """Whether what was measured live is within what branch orders alone span."""
        # Means of the same numbers in another order differ in their last bits.
        slack = 1e-9 * max(1.0, abs(self.live.mean))
        return self.span_low - slack <= self.live.mean <= self.span_high + slack

    @property
    def agrees(self) -> bool:
        """Whether the difference may be chance: by the orders, or by the questions."""
        return self.inside or not self.difference.excludes_zero


@dataclass(frozen=True, slots=True)
class TokenGap:
    """Where tokens went that replay does not count, in means for each answer.

    `branches` is the difference in generated tokens, which is sampling where the quantity
    agrees; `probes` were generated for probes; `computed_again` are prompt tokens that no cache
    held any more, None where the engine does not say. Their sum is the whole gap.
    """

    branches: float
    probes: float
    computed_again: float | None

    @property
    def whole(self) -> float:
        """What the engine did beyond what replay counts."""
        return self.branches + self.probes + (self.computed_again or 0.0)


@dataclass(frozen=True, slots=True)
class Verification:
    """Replay and live side by side; `seconds` and `probe_overhead` (in per cent) are live."""

    questions: int
    live_seeds: int
    replay_seeds: int
    accuracy: Quantity
    tokens: Quantity
    sequential_tokens: Quantity
    peak_branches: Quantity
    seconds: Interval
    probe_overhead: Interval
    gap: TokenGap


@dataclass(frozen=True)
class _ExactStore:
    """A store replayed with exact accounting, as live episodes count."""

    name: str
    arrays: TraceArrays

    def load(self) -> TraceArrays:
        return self.arrays


def replayed_episodes(
    controller: Controller,
    store: ReplayStore,
    questions: Sequence[int],
    seeds: range,
    beta: float,
    budget: int | None = None,
) -> Episodes:
    """Replay these questions with exact accounting, whatever the store's is."""
    arrays = store.load()
    exact = _ExactStore(store.name, replace(arrays, exact_accounting=True))
    rows = []
    for q in questions:
        right = arrays.class_correct[slice(*arrays.class_start[q : q + 2].tolist())]
        for episode in replay_question(controller, exact, q, seeds, beta, budget):
            record = episode.record
            correct = episode.answer_class >= 0 and bool(right[episode.answer_class])
            rows.append(
                (
                    100 * correct,
                    record.spent,
                    record.sequential_tokens,
                    peak_branches(record.actions()),
                )
            )
    return Episodes(*_columns(rows, len(questions), len(seeds)))


def live_episodes(
    rows: Mapping[tuple[str, int], AnswerRow], ids: Sequence[str], seeds: Sequence[int]
) -> LiveEpisodes:
    """The episodes behind these answers, each question's id with each seed; all are there."""
    # An engine that counts them finds at least what a branch wrote last.
    counts = any(row.cached_tokens for row in rows.values())
    measured = [
        (
            100 * bool(row.right),
            row.tokens,
            row.sequential_tokens,
            row.peak_branches,
            row.probe_tokens,
            row.computed_again if counts else nan,
            row.seconds,
        )
        for row in (rows[id_, seed] for id_ in ids for seed in seeds)
    ]
    return LiveEpisodes(*_columns(measured, len(ids), len(seeds)))


def verification(replayed: Episodes, live: LiveEpisodes) -> Verification:
    """Both side by side; their questions are the same, in the same order."""
    probes = live.probe_tokens.mean(axis=1)
    per_token = live.tokens.mean() or 1.0
    computed_again = float(live.computed_again.mean())
    tokens = _quantity(replayed.tokens, live.tokens)
    return Verification(
        questions=len(live.tokens),
        live_seeds=live.tokens.shape[1],
        replay_seeds=replayed.tokens.shape[1],
        accuracy=_quantity(replayed.accuracy, live.accuracy),
        tokens=tokens,
        sequential_tokens=_quantity(replayed.sequential_tokens, live.sequential_tokens),
        peak_branches=_quantity(replayed.peak_branches, live.peak_branches),
        seconds=mean_interval(live.seconds.mean(axis=1)),
        probe_overhead=mean_interval(100 * probes / per_token),
        gap=TokenGap(
            branches=tokens.difference.mean,
            probes=float(probes.mean()),
            computed_again=None if isnan(computed_again) else computed_again,
        ),
    )


def _quantity(replayed: Numbers, live: Numbers) -> Quantity:
    mine, theirs = live.mean(axis=1), replayed.mean(axis=1)
    low, high = _span(replayed, live.shape[1])
    return Quantity(
        replay=mean_interval(theirs),
        live=mean_interval(mine),
        difference=mean_difference([mine], [theirs], [""]),
        span_low=low,
        span_high=high,
    )


def _span(replayed: Numbers, seeds: int) -> tuple[float, float]:
    """What 99 % of the means span over questions with `seeds` of the replay's seeds each."""
    rng = np.random.default_rng(0)
    means = np.zeros(_MEASUREMENTS)
    for values in replayed:
        means += values[rng.integers(len(values), size=(_MEASUREMENTS, seeds))].mean(axis=1)
    low, high = np.percentile(means / len(replayed), [0.5, 99.5])
    return float(low), float(high)


def _columns(rows: Sequence[Sequence[float]], questions: int, seeds: int) -> list[Numbers]:
    return [
        np.array(column, np.float64).reshape(questions, seeds) for column in zip(*rows, strict=True)
    ]
