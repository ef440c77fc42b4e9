"""Replay against live: does a controller do in front of an engine what replay said it would?"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan, nan, sqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autotts_core.live.answer_row import AnswerRow, peak_branches
from autotts_core.replay.interpreted import ReplayedEpisode, replay_orders, replay_question
from autotts_core.replay.interpreted_episode import recorded_question
from autotts_core.statistics import Interval, mean_difference, mean_interval

if TYPE_CHECKING:
    from autotts_core.controller import Controller
    from autotts_core.store import ReplayStore
    from autotts_core.store.arrays import TraceArrays

Numbers = npt.NDArray[np.float64]

_ORDERS = 4
"""Of each pool of branches that is drawn anew."""
_STANDARD_ERRORS = 2.576
"""To either side of 99 %: of four quantities, hardly any leaves them by chance."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """What episodes came to: arrays of shape (questions, ...); `accuracy` is 0 or 100."""

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
class Replayed:
    """Replayed episodes (questions, seeds), and those on branches that are drawn anew.

    `resampled` has the shape (questions, pools, orders): each pool has as many branches as the
    question, drawn from them with replacement, and is replayed in several orders. It says how
    far another store, or a live run, may be from this one where nothing else differs.
    """

    episodes: Episodes
    resampled: Episodes

    def of(self, questions: Sequence[int]) -> Replayed:
        """Those of some of the questions, by their places."""
        return Replayed(self.episodes.of(questions), self.resampled.of(questions))


@dataclass(frozen=True, eq=False)
class LiveEpisodes(Episodes):
    """Live episodes (questions, seeds), with what only they have.

    `computed_again` is nan where the engine does not say what its cache held.
    """

    probe_tokens: Numbers
    computed_again: Numbers
    seconds: Numbers


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity's mean over questions, replayed and live, with 95 % intervals over questions.

    `difference` is live less replay, paired by question. Where only the sampling of branches
    differs, for the store and live, what is measured live is between `expected_low` and
    `expected_high` 99 times in a hundred.
    """

    replay: Interval
    live: Interval
    difference: Interval
    expected_low: float
    expected_high: float

    @property
    def expected(self) -> bool:
        """Whether what was measured live is what sampling alone explains."""
        # Means of the same numbers in another order differ in their last bits.
        slack = 1e-9 * max(1.0, abs(self.live.mean))
        return self.expected_low - slack <= self.live.mean <= self.expected_high + slack

    @property
    def agrees(self) -> bool:
        """Whether the difference may be chance: by the branches, or by the questions."""
        return self.expected or not self.difference.excludes_zero


@dataclass(frozen=True, slots=True)
class TokenGap:
    """Where tokens went that replay does not count, in means for each answer.

    `branches` is the difference in generated tokens, which is sampling where it is expected;
    `probes` were generated for probes; `computed_again` are prompt tokens that no cache held any
    more, None where the engine does not say. Their sum is the whole gap.
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
) -> Replayed:
    """Replay these questions with exact accounting, whatever the store's is.

    As many episodes again, about, are replayed on branches that are drawn anew.
    """
    exact = _ExactStore(store.name, replace(store.load(), exact_accounting=True))
    replayed, resampled = [], []
    pools = max(2, len(seeds) // _ORDERS)
    for q in questions:
        right = _right_classes(exact.arrays, q)
        for episode in replay_question(controller, exact, q, seeds, beta, budget):
            replayed.append(_measured(episode, right))
        orders = _resampled_orders(len(recorded_question(exact.arrays, q).tokens), pools, q)
        for episode in replay_orders(controller, exact, q, orders, beta, budget):
            resampled.append(_measured(episode, right))
    return Replayed(
        Episodes(*_columns(replayed, len(questions), len(seeds))),
        Episodes(*_columns(resampled, len(questions), pools, _ORDERS)),
    )


def _right_classes(arrays: TraceArrays, question: int) -> npt.NDArray[np.bool_]:
    return arrays.class_correct[slice(*arrays.class_start[question : question + 2].tolist())]


def _resampled_orders(branches: int, pools: int, seed: int) -> Iterator[list[int]]:
    """Each pool in several orders (Efron's bootstrap of a question's branches)."""
    chance = random.Random(seed)
    for _ in range(pools):
        pool = chance.choices(range(branches), k=branches)
        for _ in range(_ORDERS):
            yield chance.sample(pool, branches)


def _measured(episode: ReplayedEpisode, right: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    record = episode.record
    correct = episode.answer_class >= 0 and bool(right[episode.answer_class])
    peak = peak_branches(record.actions())
    return 100.0 * correct, record.spent, record.sequential_tokens, peak


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


def verification(replayed: Replayed, live: LiveEpisodes) -> Verification:
    """Both side by side; their questions are the same, in the same order."""
    probes = live.probe_tokens.mean(axis=1)
    per_token = live.tokens.mean() or 1.0
    computed_again = float(live.computed_again.mean())

    def quantity(name: str, most: float = inf) -> Quantity:
        return _quantity(
            getattr(replayed.episodes, name),
            getattr(replayed.resampled, name),
            getattr(live, name),
            most,
        )

    tokens = quantity("tokens")
    return Verification(
        questions=len(live.tokens),
        live_seeds=live.tokens.shape[1],
        replay_seeds=replayed.episodes.tokens.shape[1],
        accuracy=quantity("accuracy", most=100.0),
        tokens=tokens,
        sequential_tokens=quantity("sequential_tokens"),
        peak_branches=quantity("peak_branches"),
        seconds=mean_interval(live.seconds.mean(axis=1)),
        probe_overhead=mean_interval(100 * probes / per_token),
        gap=TokenGap(
            branches=tokens.difference.mean,
            probes=float(probes.mean()),
            computed_again=None if isnan(computed_again) else computed_again,
        ),
    )


def _quantity(replayed: Numbers, resampled: Numbers, live: Numbers, most: float) -> Quantity:
    mine, theirs = live.mean(axis=1), replayed.mean(axis=1)
    within, between = _variances(resampled)
    # That of the live episodes, of the replayed ones, and of the pool that both come from.
    variance = within / live.shape[1] + within / replayed.shape[1] + between
    room = _STANDARD_ERRORS * sqrt(variance) / len(live)
    return Quantity(
        replay=mean_interval(theirs),
        live=mean_interval(mine),
        difference=mean_difference([mine], [theirs], [""]),
        expected_low=max(0.0, float(theirs.mean()) - room),
        expected_high=min(most, float(theirs.mean()) + room),
    )


def _variances(resampled: Numbers) -> tuple[float, float]:
    """Summed over questions: of an episode within its pool, and between pools' means.

    A one-way analysis of variance: means of few orders vary with these, too.
    """
    within = float(resampled.var(axis=2, ddof=1).mean(axis=1).sum())
    between = float(resampled.mean(axis=2).var(axis=1, ddof=1).sum())
    return within, max(0.0, between - within / resampled.shape[2])


def _columns(rows: Sequence[Sequence[float]], *shape: int) -> list[Numbers]:
    return [np.array(column, np.float64).reshape(shape) for column in zip(*rows, strict=True)]
