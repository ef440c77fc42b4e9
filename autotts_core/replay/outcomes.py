"""What a controller answered and spent on a store, episode by episode."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autotts_core.store.arrays import TraceArrays

OUTCOME_FIELDS = (
    "answer_class",
    "tokens",
    "sequential_tokens",
    "branches",
    "pruned",
    "intervals",
    "stop",
)
"""The order of an episode's numbers in a compiled kernel's rows."""

BUDGET_STOP = -1
"""The `stop` of an episode that its budget ended."""

BUDGET_EXHAUSTED = "budget exhausted"

Progress = Callable[[int], None]
"""Called with a number of episodes whenever so many more are done."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What a controller answered and spent: arrays of shape (questions, seeds).

    `answer_class` is the class answered, -1 for none. Tokens are by the store's accounting.
    `stop` indexes `stop_reasons`; `branches`, `pruned` and `intervals` count.
    """

    answer_class: npt.NDArray[np.int64]
    correct: npt.NDArray[np.bool_]
    tokens: npt.NDArray[np.int64]
    sequential_tokens: npt.NDArray[np.int64]
    branches: npt.NDArray[np.int64]
    pruned: npt.NDArray[np.int64]
    intervals: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    stop_reasons: tuple[str, ...]


def outcomes_of(
    arrays: TraceArrays, fields: dict[str, npt.NDArray[np.int64]], reasons: tuple[str, ...]
) -> Outcomes:
    """Graded outcomes from the arrays of OUTCOME_FIELDS, each (questions, seeds)."""
    answer_class = fields["answer_class"]
    # Index -1 stands for "no answer" and finds the False at the end.
    right = np.append(arrays.class_correct, False)
    place = np.where(answer_class >= 0, arrays.class_start[:-1, None] + answer_class, -1)
    return Outcomes(correct=right[place], stop_reasons=(*reasons, BUDGET_EXHAUSTED), **fields)
