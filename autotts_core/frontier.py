"""Frontiers: a controller's accuracy and tokens as β, or a baseline's width, sweeps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autotts_core.errors import StoreError
from autotts_core.evaluation import Score
from autotts_core.files import write_atomically
from autotts_core.parquet import from_numpy, from_parquet, to_numpy, to_parquet

if TYPE_CHECKING:
    from autotts_core.replay.outcomes import Outcomes

SCORES = "scores.json"
QUESTIONS = "questions.parquet"


@dataclass(frozen=True, eq=False)
class QuestionMeans:
    """Each question's means over seeds: arrays of shape (questions,), accuracy in per cent."""

    accuracy: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.float64]
    sequential_tokens: npt.NDArray[np.float64]

    @classmethod
    def of(cls, outcomes: Outcomes) -> QuestionMeans:
        """The means of `outcomes`."""
        return cls(
            accuracy=100 * outcomes.correct.mean(axis=1),
            tokens=outcomes.tokens.mean(axis=1),
            sequential_tokens=outcomes.sequential_tokens.mean(axis=1),
        )


@dataclass(frozen=True, eq=False)
class Point:
    """One controller at one β on several stores: `scores[k]` and `questions[k]` are of store k.

    Its own numbers are means over stores, each counting the same.
    """

    scores: tuple[Score, ...]
    questions: tuple[QuestionMeans, ...]

    @property
    def label(self) -> str:
        """The controller's name with the options that differ from their defaults."""
        return self.scores[0].label

    @property
    def beta(self) -> float | None:
        """None for a controller that does not depend on it."""
        return self.scores[0].beta

    @cached_property
    def accuracy(self) -> float:
        """Per cent."""
        return _mean(score.accuracy for score in self.scores)

    @cached_property
    def tokens(self) -> float:
        """For each question."""
        return _mean(score.tokens for score in self.scores)

    @cached_property
    def sequential_tokens(self) -> float:
        """For each question."""
        return _mean(score.sequential_tokens for score in self.scores)

    @cached_property
    def share(self) -> float:
        """Tokens as a share of SC@64's."""
        return self.tokens / _mean(score.sc64_tokens for score in self.scores)

    @property
    def saved(self) -> float:
        """Tokens not spent of SC@64's, in per cent."""
        return 100 * (1 - self.share)


@dataclass(frozen=True, eq=False)
class Frontier:
    """The points of one controller, or of the sweep of one baseline, on the same stores."""

    points: tuple[Point, ...]

    @property
    def stores(self) -> tuple[str, ...]:
        """The stores' names, in the order of every point's scores."""
        return tuple(score.store for score in self.points[0].scores)

    @property
    def best(self) -> Point:
        """The point of highest accuracy, the cheapest of equals."""
        return max(self.points, key=lambda point: (point.accuracy, -point.tokens))

    def rows(self) -> list[Score]:
        """Every score, point after point."""
        return [score for point in self.points for score in point.scores]

    def write(self, folder: Path) -> None:
        """Write `scores.json` (as `autotts evaluate --json`) and `questions.parquet`.

        The Parquet file has a row for each row of `scores.json` and each question. The same
        frontier gives the same bytes.
        """
        rows = [score.row() for score in self.rows()]
        means = [questions for point in self.points for questions in point.questions]
        counts = [len(each.accuracy) for each in means]
        table = from_numpy(
            {
                "score": np.repeat(np.arange(len(rows)), counts),
                "store": np.repeat([row["store"] for row in rows], counts),
                "question": np.concatenate([np.arange(count) for count in counts]),
                "accuracy": np.concatenate([each.accuracy for each in means]),
                "tokens": np.concatenate([each.tokens for each in means]),
                "sequential_tokens": np.concatenate([each.sequential_tokens for each in means]),
            }
        )
        write_atomically(folder / QUESTIONS, to_parquet(table))
        text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
        write_atomically(folder / SCORES, text.encode())

    @classmethod
    def read(cls, folder: Path) -> Frontier:
        """What `write` wrote; raises `StoreError` where it is not there or damaged."""
        try:
            scores = [Score(**row) for row in json.loads((folder / SCORES).read_bytes())]
            table = from_parquet((folder / QUESTIONS).read_bytes())
            cuts = np.flatnonzero(np.diff(to_numpy(table, "score"))) + 1
            columns = [
                np.split(to_numpy(table, name), cuts)
                for name in ("accuracy", "tokens", "sequential_tokens")
            ]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{folder}: its scores cannot be read: {error}.") from None
        means = [QuestionMeans(*each) for each in zip(*columns, strict=True)]
        stores = len({score.store for score in scores})
        return cls(
            tuple(
                Point(tuple(scores[k : k + stores]), tuple(means[k : k + stores]))
                for k in range(0, len(scores), stores)
            )
        )


def _mean(values: Iterable[float]) -> float:
    given: Sequence[float] = list(values)
    return sum(given) / len(given)
