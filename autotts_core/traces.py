"""Traces as importers and backends hand them over, before they are frozen in a store."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BranchTrace:
    """One sampled reasoning path: what it would have answered at the end of each interval.

    `probes[k]` is the answer if stopped after k + 1 intervals, `final` the answer at its end,
    `tokens` its whole length. `signals`, if given, holds the mean token log-probability of
    each interval, the last and shorter one included: one value more than `probes`. So does
    `confidences`, with the lowest mean confidence of a window of tokens that ended in the
    interval (`autotts_core.confidence`), nan where none did.
    """

    probes: Sequence[str]
    tokens: int
    final: str
    signals: Sequence[float] | None = None
    confidences: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class BranchText:
    """What a branch wrote, token ids and text, and what it wrote when it was probed.

    `text` is that of all `token_ids`, up to the stop string where one ended it. `probes[k]`
    followed the probe after k + 1 intervals; `final_probe` followed the one at the end, None
    where none was needed because the answer stands in `text`.
    """

    token_ids: Sequence[int]
    text: str
    probes: Sequence[str]
    final_probe: str | None


@dataclass(frozen=True, slots=True)
class QuestionTrace:
    """A question with its gold answer and all branches sampled for it."""

    id: str
    text: str
    gold_answer: str
    branches: Sequence[BranchTrace] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TraceSet:
    """All questions of one (model, benchmark) pair, and where they come from.

    `accounting` is `published` or `exact`. `source` says where the traces come from in words
    that hold on any machine; `source_sha256` is that of the file, when they are in one.
    """

    model: str
    benchmark: str
    interval_tokens: int
    accounting: str
    source: str
    questions: Sequence[QuestionTrace]
    source_sha256: str | None = None
