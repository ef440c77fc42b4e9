"""Traces as importers and backends hand them over, before they are frozen in a store."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BranchTrace:
    """One sampled reasoning path: what it would have answered at the end of each interval.

    `probes[k]` is the answer if stopped after k + 1 intervals, `final` the answer at its end,
    `tokens` its whole length. `signals`, if given, holds the mean token log-probability of
    each interval, the last and shorter one included: one value more than `probes`.
    """

    probes: Sequence[str]
    tokens: int
    final: str
    signals: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class QuestionTrace:
    """A question with its gold answer and all branches sampled for it."""

    id: str
    text: str
    gold_answer: str
    branches: Sequence[BranchTrace] = field(repr=False)
