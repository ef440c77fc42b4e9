"""What replay runs on: the steps of all branches of a store as flat numpy arrays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class TraceArrays:
    """All branches of one store: Q questions, B branches, S steps, C answer classes.

    Ragged levels are laid end to end and cut by offset arrays with one entry more than there
    are parts: the branches of question q are `branch_start[q]:branch_start[q + 1]`, the steps
    of branch b (numbered over the whole store) `step_start[b]:step_start[b + 1]`. A branch
    with k probes has k + 1 steps, the last of which reveals its final answer.

    Answer classes are numbered from 0 within each question; class c of question q stands at
    `class_start[q] + c`. Arrays are C-contiguous and shared by everyone in the process who
    loads the same store: never write to them.
    """

    branch_start: npt.NDArray[np.int64]
    """[Q + 1] offsets into the branches."""
    step_start: npt.NDArray[np.int64]
    """[B + 1] offsets into the steps."""
    step_class: npt.NDArray[np.int32]
    """[S] answer class that the step reveals, within its question; -1 for no answer."""
    step_signal: npt.NDArray[np.float32]
    """[S] mean token log-probability of the step's interval, nan where unknown; or [0]."""
    branch_tokens: npt.NDArray[np.int32]
    """[B] whole length of the branch, in tokens."""
    class_start: npt.NDArray[np.int64]
    """[Q + 1] offsets into the answer classes."""
    class_correct: npt.NDArray[np.bool_]
    """[C] whether the class is right, by the store's grader."""
    interval_tokens: int
    """Δ, in tokens."""
    exact_accounting: bool
    """An interval costs the tokens in it; otherwise the `published` convention holds."""
    read_class_text: Callable[[], list[str]] = field(repr=False)
    step_confidence: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, "f4"))
    """[S] lowest confidence of a window of the branch's tokens up to the end of the step; nan
    where unknown, or before the first window is full; or [0]."""

    def right_final_share(self) -> float:
        """The share of branches whose final answer is right."""
        final = self.step_class[self.step_start[1:] - 1]
        question = np.repeat(np.arange(len(self.branch_start) - 1), np.diff(self.branch_start))
        given = final >= 0
        right = self.class_correct[self.class_start[question[given]] + final[given]]
        return float(right.sum() / len(final))

    @cached_property
    def class_text(self) -> list[str]:
        """[C] the first answer string of each class, read when first asked for."""
        return self.read_class_text()


class Traced(Protocol):
    """What can be replayed: a store, or anything else that has traces and a name."""

    @property
    def name(self) -> str:
        """`model/benchmark`."""

    def load(self) -> TraceArrays:
        """The traces."""
