"""Scores: what a controller's outcomes on a store come to, with intervals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autotts_core.controller import Controller
from autotts_core.controller_spec import label
from autotts_core.replay.engine import replay
from autotts_core.replay.orders import branch_orders
from autotts_core.replay.outcomes import Outcomes, Progress
from autotts_core.store import ReplayStore

BASELINE_WIDTH = 64
"""Savings are measured against self-consistency of this width."""

_RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Score:
    """One controller at one β on one store, averaged over questions and seeds.

    `label` is the controller's name with the options that differ from their defaults.
    Accuracies are in per cent; `accuracy_low` and `accuracy_high` bound the 95 % bootstrap
    interval over questions. `tokens`, `sequential_tokens`, `branches`, `pruned` and
    `intervals` are means for each episode; `saved` is the share of SC@64's tokens not spent,
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
    """What `outcomes` come to."""
    per_question = 100 * outcomes.correct.mean(axis=1)
    low, high = bootstrap_interval(per_question)
    tokens = float(outcomes.tokens.mean())
    baseline = float(self_consistency_tokens(store, seeds).mean())
    grader = store.manifest.grader
    reasons, counts = np.unique(outcomes.stop, return_counts=True)
    shares = counts / outcomes.stop.size
    return Score(
        store=store.name,
        model=store.model,
        benchmark=store.benchmark,
        grader=f"{grader.name}-{grader.version}",
        accounting=store.manifest.accounting,
        controller=controller.name,
        label=label(controller),
        options=_options(controller),
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


def bootstrap_interval(per_question: npt.NDArray[np.float64]) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean over questions (Efron, 1979).

    Questions are what is drawn anew: seeds reorder the same recorded branches and say
    nothing about other questions. 10,000 resamples with a fixed seed.
    """
    questions = len(per_question)
    draws = np.random.default_rng(0).multinomial(
        questions, np.full(questions, 1 / questions), size=_RESAMPLES
    )
    low, high = np.percentile(draws @ per_question / questions, [2.5, 97.5])
    return float(low), float(high)


def self_consistency_tokens(
    store: ReplayStore, seeds: range, width: int = BASELINE_WIDTH
) -> npt.NDArray[np.int64]:
    """Tokens of reading the first `width` branches: shape (questions, seeds).

    The whole pool where it has fewer branches.
    """
    arrays = store.load()
    spent = []
    for first, last in zip(arrays.branch_start[:-1], arrays.branch_start[1:], strict=True):
        tokens = arrays.branch_tokens[first:last].astype(np.int64)
        spent.append(tokens[branch_orders(int(last - first), seeds)[:, :width]].sum(axis=1))
    return np.array(spent)


def write_scores(scores: Sequence[Score], path: Path) -> None:
    """Write scores as `.csv` or `.parquet`, whole or not at all.

    In CSV, options and stops are JSON strings. Raises `ValueError` for another suffix.
    """
    import json

    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

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
            pyarrow.parquet.write_table(table, draft)
        else:
            raise ValueError(f"{path}: scores are written as .csv or .parquet")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
