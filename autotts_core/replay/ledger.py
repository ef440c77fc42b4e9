"""Ledgers: what was asked for in episodes, row by row, from which their costs can be counted.

A row is (branch, asked): an `AWAIT` has branch -1, otherwise `asked` is `READ`, `BRANCH`, `PRUNE`
or the number of intervals to advance by. An episode's rows are enough to count everything that
it cost and to know everything that it revealed.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

READ, PRUNE, BRANCH, AWAIT = 0, -1, -2, -3
MOST_INTERVALS = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Ledgers:
    """The ledgers of Q questions with S seeds each, end to end.

    `rows` is int32 [R, 2]; those of question q with seed s end before row `ends[q, s]`.
    """

    rows: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int64]

    def of(self, question: int, seed: int) -> npt.NDArray[np.int32]:
        """One episode's rows; seeds count from 0."""
        place = question * self.ends.shape[1] + seed
        flat = self.ends.ravel()
        return self.rows[flat[place - 1] if place else 0 : flat[place]]


def most_rows(branches: Any, steps: Any, seeds: int) -> Any:
    """Rows that the episodes of a question with so many branches and steps have at most.

    Each branch is opened and pruned once; each await follows something asked for.
    """
    return seeds * (3 * branches + 2 * steps)


def performed(rows: npt.NDArray[np.int32]) -> tuple[list[tuple[int, int]], list[int]]:
    """An episode's rows as `InterpretedEpisode.repeated` takes them."""
    asked: list[tuple[int, int]] = []
    batch_ends = []
    for i, what in rows.tolist():
        if what == AWAIT:
            batch_ends.append(len(asked))
        else:
            asked.append((i, what))
    return asked, batch_ends


def rows_of(performed: Any, batch_ends: Any) -> npt.NDArray[np.int32]:
    """The reverse of `performed`."""
    rows: list[tuple[int, int]] = []
    first = 0
    for end in batch_ends:
        rows += [(i, min(asked, MOST_INTERVALS)) for i, asked in performed[first:end]]
        rows.append((-1, AWAIT))
        first = end
    rows += performed[first:]
    return np.array(rows, np.int32).reshape(-1, 2)


def recount(
    step_class: Any,
    step_start: Any,
    branch_tokens: Any,
    branch_start: Any,
    class_start: Any,
    interval: int,
    exact: bool,
    orders: Any,
    size_of: Any,
    rows: Any,
    ends: Any,
    answers: Any,
    counted: Any,
) -> Any:
    """Count what each episode cost by its ledger into `counted` (questions, seeds, 5).

    The five are tokens, sequential tokens, branches, pruned, intervals. Returns -1, or
    question * seeds + seed of the first whose ledger no episode can have, or that answers with
    a class (`answers`, of shape (questions, seeds)) that it did not reveal. Trusts nothing.
    """
    questions, seeds = ends.shape
    most = orders.shape[2]
    depths = np.zeros(most, np.int64)
    spent = np.zeros(most, np.int64)
    awaited = np.zeros(most, np.int64)
    status = np.zeros(most, np.int64)  # 1: finished, 2: pruned
    first_row = 0
    for q in range(questions):
        first_branch = branch_start[q]
        pool = branch_start[q + 1] - first_branch
        revealed = np.full(class_start[q + 1] - class_start[q], -1, np.int64)
        for s in range(seeds):
            place = q * seeds + s
            last_row = ends[q, s]
            if last_row < first_row or last_row > len(rows):
                return place
            opened, pruned, sequential, longest = 0, 0, 0, 0
            batch_first = first_row
            for row in range(first_row, last_row + 1):
                if row == last_row or rows[row, 1] == AWAIT:
                    sequential += longest
                    longest = 0
                    for r in range(batch_first, row):
                        i = rows[r, 0]
                        awaited[i] = spent[i]
                    batch_first = row + 1
                    continue
                i, asked = rows[row, 0], rows[row, 1]
                if asked in (READ, BRANCH):
                    if i != opened or opened >= pool:
                        return place
                    opened += 1
                    depths[i], spent[i], awaited[i], status[i] = 0, 0, 0, 0
                elif i < 0 or i >= opened or asked < PRUNE:
                    return place
                if asked == PRUNE:
                    if status[i] & 2 == 0:
                        pruned += 1
                        status[i] |= 2
                    continue
                if status[i] & 2:
                    return place
                if status[i] & 1:
                    continue
                branch = first_branch + orders[size_of[q], s, i]
                steps = step_start[branch + 1] - step_start[branch]
                length = np.int64(branch_tokens[branch])
                depth = steps if asked == READ else depths[i] + (1 if asked == BRANCH else asked)
                if depth >= steps:
                    depth = steps
                    status[i] |= 1
                    cost = length
                    if asked > 0 and not exact:
                        cost = max(cost, (steps - 1) * interval)
                else:
                    cost = depth * interval
                    if exact:
                        cost = min(cost, length)
                depths[i], spent[i] = depth, cost
                longest = max(longest, cost - awaited[i])
                shown = step_class[step_start[branch] + depth - 1]
                if shown >= 0:
                    revealed[shown] = place
            answer = answers[q, s]
            if answer < -1 or answer >= len(revealed):
                return place
            if answer >= 0 and revealed[answer] != place:
                return place
            counted[q, s, 0] = spent[:opened].sum()
            counted[q, s, 1] = sequential
            counted[q, s, 2] = opened
            counted[q, s, 3] = pruned
            counted[q, s, 4] = depths[:opened].sum()
            first_row = last_row
    return -1


@cache
def compiled_recount() -> Any:
    """`recount`, compiled."""
    from numba import njit

    return njit(boundscheck=True, nogil=True, cache=True)(recount)
