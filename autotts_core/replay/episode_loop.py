"""The loop over episodes that every controller's kernel consists of.

`kernel` executes a copy of this file for each controller, puts the controller's policy and
parameters in place, and has Numba compile it.
"""

from typing import Any

import numpy as np

from autotts_core.episode import MAX_TALLIES
from autotts_core.replay.compiled_episode import (
    BRANCH_FIELDS,
    INTERVALS,
    LONGEST,
    OPEN,
    PRUNED,
    REVEALED,
    SEQUENTIAL,
    SPENT,
    STATE_FIELDS,
    STOPPED,
    TALLY_FIELDS,
    as_answer,
    make_episode,
    pointer,
    standing_majority,
)
from autotts_core.replay.outcomes import BUDGET_STOP

policy: Any = None
Params: Any = None


def replay(
    step_class,
    step_signal,
    step_start,
    branch_tokens,
    branch_start,
    classes,
    interval_tokens,
    exact,
    has_signals,
    orders,
    size_of,
    budget,
    parameters,
    first_question,
    last_question,
    outcomes,
):
    p = Params(*parameters)
    pool = orders.shape[2]
    branches = np.empty(pool * BRANCH_FIELDS, np.int32)
    ids = np.full(classes, -1, np.int32)
    revealed = np.empty(classes, np.int32)
    tallies = np.empty(MAX_TALLIES * 2 * classes, np.int32)
    standings = np.empty(MAX_TALLIES * TALLY_FIELDS, np.int64)
    state = np.empty(STATE_FIELDS, np.int64)
    for q in range(first_question, last_question):
        first_branch = branch_start[q]
        for s in range(orders.shape[1]):
            for field in range(STATE_FIELDS):
                state[field] = 0
            episode = make_episode(
                (
                    pointer(step_class, 0),
                    pointer(step_signal, 0),
                    pointer(step_start, first_branch),
                    pointer(branch_tokens, first_branch),
                    pointer(orders[size_of[q], s], 0),
                    pointer(branches, 0),
                    pointer(ids, 0),
                    pointer(revealed, 0),
                    pointer(tallies, 0),
                    pointer(standings, 0),
                    pointer(state, 0),
                    branch_start[q + 1] - first_branch,
                    interval_tokens,
                    exact,
                    has_signals,
                    budget,
                    classes,
                )
            )
            answer = -1
            stop = BUDGET_STOP
            try:
                answer, stop = policy(episode, p)
                answer = as_answer(answer)
            except Exception:
                if state[STOPPED] == 0:
                    return q * orders.shape[1] + s
                answer = standing_majority(episode)
            if answer < -1 or answer >= state[REVEALED]:
                return q * orders.shape[1] + s
            row = outcomes[q, s]
            row[0] = revealed[answer] if answer >= 0 else -1
            row[1] = state[SPENT]
            row[2] = state[SEQUENTIAL] + state[LONGEST]
            row[3] = state[OPEN]
            row[4] = state[PRUNED]
            row[5] = state[INTERVALS]
            row[6] = stop
            for k in range(state[REVEALED]):
                ids[revealed[k]] = -1
    return -1
