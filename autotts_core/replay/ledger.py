"""Ledgers: what was asked for in episodes, row by row, from which their costs can be counted.

A row is (branch, asked), where `asked` is `READ`, `BRANCH`, `PRUNE` or the number of intervals to
advance by. After the last row of a batch the episode awaits what it asked for, and there the
branch is written as `~branch`. An episode's rows are enough to count everything that it cost and
to know everything that it revealed.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from autotts_core.store.tables import MOST_STEPS

# What was asked of a branch, where it is not a number of intervals to advance by.
READ, PRUNE, BRANCH = 0, -1, -2
_FINISHED, _PRUNED = 1, 2


@dataclass(frozen=True, eq=False)
class Ledgers:
    """The ledgers of Q questions with S seeds each, end to end.

    `rows` is int16 [R, 2]; those of question q with seed s end before row `ends[q, s]`.
    """

    rows: npt.NDArray[np.int16]
    ends: npt.NDArray[np.int64]

    def of(self, question: int, seed: int) -> npt.NDArray[np.int16]:
        """One episode's rows; seeds count from 0."""
        place = question * self.ends.shape[1] + seed
        flat = self.ends.ravel()
        return self.rows[flat[place - 1] if place else 0 : flat[place]]


def most_rows(branches: Any, steps: Any, seeds: int) -> Any:
    """Rows that the episodes of a question with so many branches and steps have at most.

    Each branch is opened and pruned once, and every other row is an advance by a step or more.
    """
    return seeds * (2 * branches + steps)


def performed(rows: npt.NDArray[np.int16]) -> tuple[list[tuple[int, int]], list[int]]:
    """An episode's rows as `InterpretedEpisode.repeated` takes them."""
    asked: list[tuple[int, int]] = []
    batch_ends = []
    for end, (i, what) in enumerate(rows.tolist(), 1):
        asked.append((max(i, ~i), what))
        if i < 0:
            batch_ends.append(end)
    return asked, batch_ends


def rows_of(performed: Any, batch_ends: Any) -> npt.NDArray[np.int16]:
    """The reverse of `performed`."""
    rows = np.array(performed, np.int64).reshape(-1, 2).clip(max=MOST_STEPS).astype(np.int16)
    last = np.unique(np.array(batch_ends, np.int64)) - 1
    last = last[last >= 0]
    rows[last, 0] = ~rows[last, 0]
    return rows


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
    # Of each branch: its first step, how many it has, its tokens; how deep it is, what it has
    # cost, also before the batch that it was last in; `_FINISHED` and `_PRUNED`.
    first_step = np.zeros(most, np.int64)
    steps = np.zeros(most, np.int64)
    length = np.zeros(most, np.int64)
    depths = np.zeros(most, np.int64)
    spent = np.zeros(most, np.int64)
    awaited = np.zeros(most, np.int64)
    batch_of = np.zeros(most, np.int64)
    status = np.zeros(most, np.int64)
    first_row = 0
    for q in range(questions):
        first_branch = branch_start[q]
        pool = branch_start[q + 1] - first_branch
        classes = class_start[q + 1] - class_start[q]
        for s in range(seeds):
            place = q * seeds + s
            order = orders[size_of[q], s]
            last_row = ends[q, s]
            if last_row < first_row or last_row > len(rows):
                return place
            answer = answers[q, s]
            if answer < -1 or answer >= classes:
                return place
            revealed = answer == -1
            opened, pruned, batch, sequential, longest = 0, 0, 0, 0, 0
            tokens, intervals = 0, 0
            for row in range(first_row, last_row):
                i, asked = np.int64(rows[row, 0]), np.int64(rows[row, 1])
                awaits = i < 0
                if awaits:
                    i = ~i
                if asked in (READ, BRANCH):
                    if i != opened or opened >= pool:
                        return place
                    opened += 1
                    branch = first_branch + order[i]
                    first_step[i] = step_start[branch]
                    steps[i] = step_start[branch + 1] - step_start[branch]
                    length[i] = branch_tokens[branch]
                    depths[i], spent[i], status[i], batch_of[i] = 0, 0, 0, -1
                elif i >= opened or asked < PRUNE:
                    return place
                if asked == PRUNE:
                    pruned += status[i] < _PRUNED
                    status[i] |= _PRUNED
                elif status[i] >= _PRUNED:
                    return place
                elif status[i] != _FINISHED:
                    depth = steps[i]
                    if asked == BRANCH:
                        depth = 1
                    elif asked > 0:
                        depth = depths[i] + asked
                    if depth >= steps[i]:
                        depth = steps[i]
                        status[i] = _FINISHED
                        cost = length[i]
                        if asked > 0 and not exact:
                            cost = max(cost, (depth - 1) * interval)
                    else:
                        cost = depth * interval
                        if exact:
                            cost = min(cost, length[i])
                    if batch_of[i] != batch:
                        batch_of[i] = batch
                        awaited[i] = spent[i]
                    tokens += cost - spent[i]
                    intervals += depth - depths[i]
                    depths[i], spent[i] = depth, cost
                    longest = max(longest, cost - awaited[i])
                    revealed |= step_class[first_step[i] + depth - 1] == answer
                if awaits:
                    sequential += longest
                    longest = 0
                    batch += 1
            if not revealed:
                return place
            counted[q, s, 0] = tokens
            counted[q, s, 1] = sequential + longest
            counted[q, s, 2] = opened
            counted[q, s, 3] = pruned
            counted[q, s, 4] = intervals
            first_row = last_row
    return -1


@cache
def compiled_recount() -> Any:
    """`recount`, compiled."""
    from numba import njit

    return njit(boundscheck=True, nogil=True, cache=True)(recount)
