"""How sure a model is of what it writes, by its top tokens' log-probabilities.

The measures of DeepConf, "Deep Think with Confidence" (Fu et al., 2025, arXiv 2508.15260).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from math import inf, nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def token_confidence(logprobs: Iterable[float], k: int) -> float:
    """A token's confidence: -(1/k) times the sum of the k likeliest tokens' log-probabilities.

    The more peaked the distribution, the larger. `logprobs` may hold more than k, as where an
    engine gives the sampled token beside the top ones; tokens without any chance are left out.
    """
    top = nlargest(k, (value for value in logprobs if value > -inf))
    return -sum(top) / len(top) if top else nan


@dataclass
class LowestWindow:
    """The lowest mean confidence of `window` tokens in a row (DeepConf's lowest group).

    Tokens come in pieces. A window belongs to the piece in which it ends.
    """

    window: int
    _last: NDArray[np.float64] | Sequence[float] = field(default=(), repr=False)
    _sum: float = 0.0
    _count: int = 0

    def add(self, confidences: Sequence[float]) -> float:
        """The lowest mean of a window that ends in this piece; nan where none does."""
        import numpy as np

        values = np.concatenate([self._last, np.asarray(confidences, np.float64)])
        self._sum += float(np.sum(values[len(self._last) :]))
        self._count += len(confidences)
        self._last = values[max(0, len(values) - self.window + 1) :].copy()
        if len(values) < self.window:
            return nan
        sums = np.cumsum(np.concatenate([[0.0], values]))
        return float(np.min(sums[self.window :] - sums[: -self.window])) / self.window

    def mean(self) -> float:
        """The mean over all tokens, which stands in for a window that was never full."""
        return self._sum / self._count if self._count else nan
