"""Scores: what a controller's outcomes on a store come to, with intervals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autotts_core.controller import Controller
from autotts_core.controller_spec import label
from autotts_core.parquet import to_parquet
from autotts_core.replay.engine import replay
from autotts_core.replay.orders import branch_orders
from autotts_core.replay.outcomes import Outcomes, Progress
from autotts_core.store import ReplayStore
from autotts_core.store.arrays import TraceArrays
from autotts_core.voting import majority

BASELINE_WIDTH = 64
"""Savings are measured against self-consistency of this width."""

_RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Score:
    """One controller at one β on one store, averaged over questions and seeds.

    `label` is the controller's name with the options that differ from their defaults.
    Accuracies are in per cent; `accuracy_low` and `accuracy_high` bound the 95 % bootstrap
    interval over questions. `tokens`, `sequential_tokens`, `branches`, `pruned` and
    `intervals` are means for each episode, `sc64_tokens` and `sc64_sequential_tokens` what SC@64
    spends; `saved` is the share of SC@64's tokens not spent,
    in per cent. `beta` is None for a controller that does not depend on it. `stops` says in
    what share of episodes the controller stopped why.
    """

    store: str
    model: str
    benchmark: str
    grader: str
    accounting: str
    controller: str
    label: str
    options: dict[str, Any]
    beta: float | None
    budget: int | None
    questions: int
    seeds: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    tokens: float
    sequential_tokens: float
    sc64_tokens: float
    sc64_sequential_tokens: float
    saved: float
    branches: float
    pruned: float
    intervals: float
    stops: dict[str, float]

    def row(self) -> dict[str, Any]:
        """The score as plain JSON values."""
        return asdict(self)


def evaluate(
    controller: Controller,
    store: ReplayStore,
    beta: float | None,
    seeds: range,
    budget: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Score:
    """Replay `store` under `controller` and score it; see `replay` for errors and workers."""
    outcomes = replay(controller, store, beta or 0.0, seeds, budget, workers, progress)
    return score(outcomes, controller, store, beta, seeds, budget)


def score(
    outcomes: Outcomes,
    controller: Controller,
    store: ReplayStore,
    beta: float | None,
    seeds: range,
    budget: int | None,
) -> Score:
    """What `outcomes` of `controller` come to."""
    options = _options(controller)
    return _score(outcomes, controller.name, label(controller), options, store, beta, seeds, budget)


def score_source(
    outcomes: Outcomes, name: str, store: ReplayStore, beta: float | None, seeds: range
) -> Score:
    """What `outcomes` of a controller come to of which only the source is at hand."""
    return _score(outcomes, name, name, {}, store, beta, seeds, None)


def _score(
    outcomes: Outcomes,
    controller: str,
    shown: str,
    options: dict[str, Any],
    store: ReplayStore,
    beta: float | None,
    seeds: range,
    budget: int | None,
) -> Score:
    per_question = 100 * outcomes.correct.mean(axis=1)
    low, high = bootstrap_interval(per_question)
    tokens = float(outcomes.tokens.mean())
    reference = self_consistency(store, seeds)
    baseline = float(reference.tokens.mean())
    grader = store.manifest.grader
    reasons, counts = np.unique(outcomes.stop, return_counts=True)
    shares = counts / outcomes.stop.size
    return Score(
        store=store.name,
        model=store.model,
        benchmark=store.benchmark,
        grader=f"{grader.name}-{grader.version}",
        accounting=store.manifest.accounting,
        controller=controller,
        label=shown,
        options=options,
        beta=beta,
        budget=budget,
        questions=len(per_question),
        seeds=len(seeds),
        accuracy=float(per_question.mean()),
        accuracy_low=low,
        accuracy_high=high,
        tokens=tokens,
        sequential_tokens=float(outcomes.sequential_tokens.mean()),
        sc64_tokens=baseline,
        sc64_sequential_tokens=float(reference.sequential_tokens.mean()),
        saved=100 * (1 - tokens / baseline) if baseline else 0.0,
        branches=float(outcomes.branches.mean()),
        pruned=float(outcomes.pruned.mean()),
        intervals=float(outcomes.intervals.mean()),
        stops={
            outcomes.stop_reasons[reason]: float(share)
            for reason, share in sorted(
                zip(reasons.tolist(), shares.tolist(), strict=True), key=lambda pair: -pair[1]
            )
        },
    )


def _options(controller: Controller) -> dict[str, Any]:
    config = getattr(controller, "config", None)
    return dict(config) if config is not None else controller.options.model_dump(mode="json")


@lru_cache(maxsize=16)
def bootstrap_draws(questions: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """How often each question is drawn in each of 10,000 resamples: (resamples, questions).

    Keep the array as it is: everyone who asks gets the same.
    """
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(questions, np.full(questions, 1 / questions), size=_RESAMPLES)
    return draws.astype(np.float64)


def bootstrap_interval(per_question: npt.NDArray[np.float64]) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean over questions (Efron, 1979).

    Questions are what is drawn anew: seeds reorder the same recorded branches and say
    nothing about other questions. 10,000 resamples with a fixed seed.
    """
    questions = len(per_question)
    means = bootstrap_draws(questions) @ per_question / questions
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, eq=False)
class SelfConsistency:
    """The majority of the first branches read to their end: arrays (questions, seeds)."""

    correct: npt.NDArray[np.bool_]
    tokens: npt.NDArray[np.int64]
    sequential_tokens: npt.NDArray[np.int64]

    @property
    def accuracy(self) -> npt.NDArray[np.float64]:
        """Each question's, over seeds, in per cent: (questions,)."""
        return np.asarray(100 * self.correct.mean(axis=1))


def self_consistency(
    store: ReplayStore, seeds: range, width: int = BASELINE_WIDTH
) -> SelfConsistency:
    """Self-consistency of `width` branches (Wang et al., 2022), what savings are counted from.

    The whole pool where a question has fewer branches.
    """
    return _self_consistency(store.load(), seeds, width)


@lru_cache(maxsize=64)
def _self_consistency(arrays: TraceArrays, seeds: range, width: int) -> SelfConsistency:
    correct, spent, longest = [], [], []
    final = arrays.step_class[arrays.step_start[1:] - 1]
    for q, (first, last) in enumerate(pairwise(arrays.branch_start.tolist())):
        order = branch_orders(last - first, seeds)[:, :width]
        lengths = arrays.branch_tokens[first:last].astype(np.int64)[order]
        spent.append(lengths.sum(axis=1))
        longest.append(lengths.max(axis=1, initial=0))
        winners = [majority(votes) for votes in final[first:last][order].tolist()]
        right = arrays.class_correct[slice(*arrays.class_start[q : q + 2].tolist())]
        # Index -1 stands for "no answer" and finds the False at the end.
        correct.append(np.append(right, False)[winners])
    return SelfConsistency(np.array(correct), np.array(spent), np.array(longest))


def write_scores(scores: Sequence[Score], path: Path) -> None:
    """Write scores as `.csv` or `.parquet`, whole or not at all.

    In CSV, options and stops are JSON strings. Raises `ValueError` for another suffix.
    """
    import json

    import pyarrow as pa
    import pyarrow.csv

    rows = [score.row() for score in scores]
    draft = path.with_name(f".{path.name}.draft")
    path.parent.mkdir(parents=True, exist_ok=True)
    for row in rows:
        row["options"] = json.dumps(row["options"])
        row["stops"] = json.dumps(row["stops"], ensure_ascii=False)
    table = pa.Table.from_pylist(rows)
    try:
        if path.suffix == ".csv":
            pyarrow.csv.write_csv(table, draft)
        elif path.suffix == ".parquet":
            draft.write_bytes(to_parquet(table))
        else:
            raise ValueError(f"{path}: scores are written as .csv or .parquet")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
