"""The loop over episodes that every controller's kernel consists of.

`kernel` executes a copy of this file for each controller, puts the controller's policy and
parameters in place, and has Numba compile it. Whatever stands here is compiled again for each
controller, so it allocates nothing and calls little.
"""

from typing import Any

from autotts_core.replay.compiled_episode import (
    INTERVALS,
    LONGEST,
    OPEN,
    PRUNED,
    REVEALED,
    ROWS,
    SEQUENTIAL,
    SPENT,
    STATE_FIELDS,
    STOPPED,
    as_answer,
    make_episode,
    pointer,
    standing_majority,
)
from autotts_core.replay.outcomes import BUDGET_STOP, OUTCOME_FIELDS

policy: Any = None
Params: Any = None

_FIELDS = len(OUTCOME_FIELDS)


def replay(
    step_class,
    step_signal,
    step_confidence,
    step_start,
    branch_tokens,
    branch_start,
    classes,
    interval_tokens,
    exact,
    has_signals,
    has_confidences,
    orders,
    order_start,
    seeds,
    pool,
    budget,
    parameters,
    first_question,
    last_question,
    branches,
    ids,
    revealed,
    tallies,
    standings,
    confidences,
    state,
    outcomes,
    recording,
    ledger,
    ends,
):
    p = Params(*parameters)
    rows = 0
    for q in range(first_question, last_question):
        first_branch = branch_start[q]
        branch_count = branch_start[q + 1] - first_branch
        for s in range(seeds):
            for field in range(STATE_FIELDS):
                state[field] = 0
            episode = make_episode(
                (
                    pointer(step_class, 0),
                    pointer(step_signal, 0),
                    pointer(step_confidence, 0),
                    pointer(step_start, first_branch),
                    pointer(branch_tokens, first_branch),
                    pointer(orders, order_start[q] + s * pool),
                    pointer(branches, 0),
                    pointer(ids, 0),
                    pointer(revealed, 0),
                    pointer(tallies, 0),
                    pointer(standings, 0),
                    pointer(confidences, 0),
                    pointer(state, 0),
                    pointer(ledger, 2 * rows),
                    recording,
                    branch_count,
                    interval_tokens,
                    exact,
                    has_signals,
                    has_confidences,
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
                    return q * seeds + s
                answer = standing_majority(episode)
            if answer < -1 or answer >= state[REVEALED]:
                return q * seeds + s
            row = (q * seeds + s) * _FIELDS
            outcomes[row] = revealed[answer] if answer >= 0 else -1
            outcomes[row + 1] = state[SPENT]
            outcomes[row + 2] = state[SEQUENTIAL] + state[LONGEST]
            outcomes[row + 3] = state[OPEN]
            outcomes[row + 4] = state[PRUNED]
            outcomes[row + 5] = state[INTERVALS]
            outcomes[row + 6] = stop
            if recording:
                rows += state[ROWS]
                ends[(q - first_question) * seeds + s] = rows
            for k in range(state[REVEALED]):
                ids[revealed[k]] = -1
    return -1
