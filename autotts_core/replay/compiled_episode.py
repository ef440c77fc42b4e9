"""Compiled replay: the policy's own source, compiled by Numba over raw columns.

The episode is a Numba type of our own: a struct of bare pointers into the store's columns and
a few scratch arrays, whose methods LLVM inlines into the policy. Bare pointers, because array
reference counts cost more than the work itself; every index that a policy can pass is checked.
The policy and the functions it calls are compiled unchanged (`register_jitable`).
"""

import types as python_types
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic, register_jitable

from autotts_core.episode import MAX_TALLIES
from autotts_core.replay.compiled_object import PART, ObjectType, make_object, shared, substitute
from autotts_core.replay.ledger import BRANCH, PRUNE, READ
from autotts_core.replay.policy_source import all_reached
from autotts_core.store.tables import MOST_STEPS
from autotts_core.voting import (
    _LEADER,
    _ROOM,
    _RUNNER_UP,
    _TABLE,
    _TABLE_SIZE,
    _VOTES,
    Tally,
    _beta_confidence_of_many,
    beta_confidence,
    deepest_first,
    majority,
    moving_average,
)

_I16 = types.CPointer(types.int16)
_I32 = types.CPointer(types.int32)
_I64 = types.CPointer(types.int64)
_F32 = types.CPointer(types.float32)
_F64 = types.CPointer(types.float64)

EPISODE = ObjectType(
    "Episode",
    {
        "step_class": _I32,  # of all steps of the store
        "step_signal": _F32,
        "step_confidence": _F32,
        "step_start": _I64,  # from here on: of this question's branches
        "branch_tokens": _I32,
        "order": _I32,
        "branches": _I32,  # scratch: BRANCH_FIELDS integers for each open branch
        "ids": _I32,  # scratch: answer id of each class, -1 until revealed
        "revealed": _I32,  # scratch: class of each answer id
        "tallies": _I32,  # scratch: MAX_TALLIES times 2 * classes integers
        "standings": _I64,  # scratch: MAX_TALLIES times TALLY_FIELDS integers
        "confidences": _F64,  # `beta_confidence` of small counts
        "state": _I64,
        "ledger": _I16,  # of this episode: two integers for each row
        "recording": types.boolean,
        "pool": types.int64,
        "interval_tokens": types.int64,
        "exact": types.boolean,
        "has_signals": types.boolean,
        "has_confidences": types.boolean,
        "budget": types.int64,
        "classes": types.int64,
    },
)
make_episode = make_object(EPISODE)

TALLY = ObjectType(
    "Tally",
    {
        "counts": _I32,
        "first_votes": _I32,
        "standing": _I64,
        "confidences": _F64,
        "state": _I64,  # of the episode
    },
)
_make_tally = make_object(TALLY)

# One open branch.
_START, _STEPS, _LENGTH, _DEPTH, _TOKENS, _ANSWER, _STATUS, _BATCH, _BATCH_TOKENS = range(9)
BRANCH_FIELDS = 10
_RUNNING, _FINISHED, _PRUNED = 0, 1, 2  # status bits

# One episode.
OPEN, SPENT, REVEALED, SEQUENTIAL, BATCH, LONGEST, INTERVALS, PRUNED, STOPPED, TALLIES = range(10)
ROWS, OUTSTANDING = 10, 11  # of the ledger; whether something was asked for since the last await
STATE_FIELDS = 12

TALLY_FIELDS = 4

_MOST_IDS = 2**16

CONFIDENCES = _TABLE.ravel()
"""`voting.beta_confidence` of all pairs of counts below _TABLE_SIZE."""


@intrinsic
def pointer(typing_context: Any, array: Any, offset: Any) -> Any:
    """The address of `array[offset]`; the array must outlive its use."""
    signature = types.CPointer(array.dtype)(array, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.gep(data, [args[1]])

    return signature, generate


@intrinsic
def _at(typing_context: Any, address: Any, offset: Any) -> Any:
    """The address `offset` elements on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return address(address, types.int64), generate


@shared
def _checked(episode, i):
    if i < 0 or i >= episode._state[OPEN]:
        raise IndexError("branch was never opened")
    return i * BRANCH_FIELDS


@shared
def _note(episode, i, asked):
    """Write a row of the ledger; see `replay.ledger`."""
    if episode._recording:
        row = episode._state[ROWS]
        episode._ledger[2 * row] = i
        episode._ledger[2 * row + 1] = asked
        episode._state[ROWS] = row + 1
        if asked != PRUNE:
            episode._state[OUTSTANDING] = 1


@shared
def _await(episode):
    if episode._state[OUTSTANDING]:
        last = 2 * (episode._state[ROWS] - 1)
        episode._ledger[last] = ~episode._ledger[last]
        episode._state[OUTSTANDING] = 0
    episode._state[SEQUENTIAL] += episode._state[LONGEST]
    episode._state[LONGEST] = 0
    episode._state[BATCH] += 1


@shared
def _awaited(episode, i):
    if i < 0 or i >= episode._state[OPEN]:
        raise IndexError("branch was never opened")
    b = i * BRANCH_FIELDS
    if episode._branches[b + _BATCH] == episode._state[BATCH]:
        _await(episode)
    return b


@shared
def _open(episode):
    branches, state = episode._branches, episode._state
    i = state[OPEN]
    if i >= episode._pool or state[SPENT] >= episode._budget:
        return -1
    state[OPEN] = i + 1
    b = i * BRANCH_FIELDS
    branch = episode._order[i]
    branches[b + _START] = branch
    branches[b + _STEPS] = episode._step_start[branch + 1] - episode._step_start[branch]
    branches[b + _LENGTH] = episode._branch_tokens[branch]
    branches[b + _DEPTH] = 0
    branches[b + _TOKENS] = 0
    branches[b + _STATUS] = _RUNNING
    branches[b + _BATCH] = -1
    return i


@shared
def _run(episode, b, intervals):
    """Continue the branch whose fields begin at `b`, at most to its end."""
    branches = episode._branches
    length = np.int64(branches[b + _LENGTH])
    steps = np.int64(branches[b + _STEPS])
    depth = np.int64(branches[b + _DEPTH])
    if intervals >= steps - depth:
        depth = steps
        branches[b + _STATUS] |= _FINISHED
        charged = (depth - 1) * episode._interval_tokens
        if episode._exact or charged < length:
            charged = length
    else:
        depth += intervals
        charged = depth * episode._interval_tokens
        if episode._exact and charged > length:
            charged = length
    _settle(episode, b, depth, charged)


@shared
def _settle(episode, b, depth, charged):
    """Charge the branch and reveal the answer that it has at `depth`."""
    branches, state = episode._branches, episode._state
    cost = charged - branches[b + _TOKENS]
    branches[b + _TOKENS] = charged
    state[SPENT] += cost
    if branches[b + _BATCH] == state[BATCH]:
        cost += branches[b + _BATCH_TOKENS]
    branches[b + _BATCH] = state[BATCH]
    branches[b + _BATCH_TOKENS] = cost
    if cost > state[LONGEST]:
        state[LONGEST] = cost
    state[INTERVALS] += depth - branches[b + _DEPTH]
    branches[b + _DEPTH] = depth
    answer_class = episode._step_class[episode._step_start[branches[b + _START]] + depth - 1]
    answer = np.int32(-1)
    if answer_class >= 0:
        answer = episode._ids[answer_class]
        if answer < 0:
            answer = np.int32(state[REVEALED])
            episode._ids[answer_class] = answer
            episode._revealed[answer] = answer_class
            state[REVEALED] += 1
    branches[b + _ANSWER] = answer


def _branch(episode):
    i = _open(episode)
    if i >= 0:
        _note(episode, i, np.int64(BRANCH))
        _run(episode, i * BRANCH_FIELDS, np.int64(1))
    return i


def _read(episode):
    i = _open(episode)
    if i >= 0:
        _note(episode, i, np.int64(READ))
        b = i * BRANCH_FIELDS
        episode._branches[b + _STATUS] = _FINISHED
        steps = np.int64(episode._branches[b + _STEPS])
        _settle(episode, b, steps, np.int64(episode._branches[b + _LENGTH]))
    return i


def _advance(episode, i, intervals=1):
    b = _checked(episode, i)
    if intervals < 1:
        raise ValueError("advance by less than one interval")
    status = episode._branches[b + _STATUS]
    if status & _PRUNED:
        raise ValueError("branch was pruned and cannot advance")
    if status == _RUNNING:
        if episode._state[SPENT] >= episode._budget:
            episode._state[STOPPED] = 1
            raise RuntimeError("budget exhausted")
        _note(episode, i, min(intervals, np.int64(MOST_STEPS)))
        _run(episode, b, intervals)


def _prune(episode, i):
    b = _checked(episode, i)
    if not episode._branches[b + _STATUS] & _PRUNED:
        episode._branches[b + _STATUS] |= _PRUNED
        episode._state[PRUNED] += 1
        _note(episode, i, np.int64(PRUNE))


def _answer(episode, i):
    return np.int64(episode._branches[_awaited(episode, i) + _ANSWER])


def _finished(episode, i):
    return episode._branches[_awaited(episode, i) + _STATUS] & _FINISHED != 0


def _pruned(episode, i):
    return episode._branches[_checked(episode, i) + _STATUS] & _PRUNED != 0


def _depth(episode, i):
    return np.int64(episode._branches[_awaited(episode, i) + _DEPTH])


def _tokens(episode, i):
    return np.int64(episode._branches[_awaited(episode, i) + _TOKENS])


def _signal(episode, i):
    b = _awaited(episode, i)
    if not episode._has_signals:
        return np.nan
    start = episode._step_start[episode._branches[b + _START]]
    return np.float64(episode._step_signal[start + episode._branches[b + _DEPTH] - 1])


def _confidence(episode, i):
    b = _awaited(episode, i)
    if not episode._has_confidences:
        return np.nan
    start = episode._step_start[episode._branches[b + _START]]
    return np.float64(episode._step_confidence[start + episode._branches[b + _DEPTH] - 1])


def _tally(episode):
    k = episode._state[TALLIES]
    if k == MAX_TALLIES:
        raise ValueError("more than 16 tallies in one episode")
    episode._state[TALLIES] = k + 1
    counts = _at(episode._tallies, 2 * k * episode._classes)
    first_votes = _at(counts, episode._classes)
    standing = _at(episode._standings, k * TALLY_FIELDS)
    tally = _make_tally((counts, first_votes, standing, episode._confidences, episode._state))
    tally._standing[_LEADER] = -1
    tally._standing[_RUNNER_UP] = -1
    tally._standing[_VOTES] = 0
    tally._standing[_ROOM] = 0
    return tally


def _reserve(self, answer):
    standing = self._standing
    if answer >= self._state[REVEALED]:
        raise ValueError("a vote for an id that was never revealed")
    for a in range(standing[_ROOM], answer + 1):
        self._counts[a] = 0
    standing[_ROOM] = answer + 1


def _tally_confidence(self):
    first = self.count(self._standing[_LEADER])
    second = self.count(self._standing[_RUNNER_UP])
    if first < _TABLE_SIZE and second < _TABLE_SIZE:
        return self._confidences[first * _TABLE_SIZE + second]
    return _beta_confidence_of_many(first, second)


_tally_methods = {**vars(Tally), "_reserve": _reserve, "confidence": _tally_confidence}
del _tally_methods["__init__"]
for _name, _method in _tally_methods.items():
    if isinstance(_method, python_types.FunctionType):
        TALLY.add_method(_name, _method)


for _implementation in (
    _branch,
    _read,
    _advance,
    _prune,
    _answer,
    _finished,
    _pruned,
    _depth,
    _tokens,
    _signal,
    _confidence,
    _tally,
):
    EPISODE.add_method(_implementation.__name__[1:], _implementation)


def _branches(episode):
    return episode._state[OPEN]


def _spent(episode):
    _await(episode)
    return episode._state[SPENT]


def _remaining(episode):
    _await(episode)
    left = episode._budget - episode._state[SPENT]
    return left if left > 0 else 0


for _implementation in (_branches, _spent, _remaining):
    EPISODE.add_property(_implementation.__name__[1:], _implementation)


def _majority(answers):
    """`voting.majority` without a hash table, which ids that episodes have do not need."""
    top = -1
    for answer in answers:
        top = max(top, answer)
    if top > _MOST_IDS:
        return _majority_of_any(answers)
    counts = np.zeros(top + 1, np.int32)
    most = 0
    for answer in answers:
        if answer >= 0:
            counts[answer] += 1
            most = max(most, counts[answer])
    for answer in answers:
        if answer >= 0 and counts[answer] == most:
            return np.int64(answer)
    return np.int64(-1)


@shared
def _majority_of_any(answers):
    winner, most = np.int64(-1), 0
    for answer in answers:
        votes = 0
        for other in answers:
            if other == answer:
                votes += 1
        if answer >= 0 and votes > most:
            winner, most = np.int64(answer), votes
    return winner


def _deepest_first(episode, branches):
    """`voting.deepest_first` by insertion: from round to round the order hardly changes."""
    if len(branches) == 0:
        return
    depth_before = episode.depth(branches[0])
    for end in range(1, len(branches)):
        i = branches[end]
        depth = episode.depth(i)
        before = branches[end - 1]
        if depth_before > depth or (depth_before == depth and before < i):
            depth_before = depth
            continue
        at = end
        while at > 0:
            j = branches[at - 1]
            other = episode.depth(j)
            if other > depth or (other == depth and j < i):
                break
            branches[at] = j
            at -= 1
        branches[at] = i


_SHARED: dict[Any, Any] = {
    majority: _majority,
    deepest_first: _deepest_first,
    beta_confidence: beta_confidence,
    _beta_confidence_of_many: _beta_confidence_of_many,
    moving_average: moving_average,
}
for _function, _implementation in _SHARED.items():
    substitute(_function, _implementation)


@shared
def standing_majority(episode):
    """The majority of the latest answers of unpruned branches."""
    episode._state[TALLIES] = 0
    votes = episode.tally()
    for i in range(episode._state[OPEN]):
        b = i * BRANCH_FIELDS
        if not episode._branches[b + _STATUS] & _PRUNED:
            votes.add(episode._branches[b + _ANSWER])
    return votes.leader()


@intrinsic
def as_answer(typing_context: Any, answer: Any) -> Any:
    """`answer`, which has to be of an integer type."""
    if not isinstance(answer, types.Integer):
        raise TypingError(f"the policy returns {answer}, not an answer id")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.cast(builder, args[0], answer, types.int64)

    return types.int64(answer), generate


_jitable: set[Any] = {
    majority,
    deepest_first,
    beta_confidence,
    _beta_confidence_of_many,
    moving_average,
}


def make_jitable(function: Any) -> None:
    """Let Numba compile `function` and every plain function it reaches by its globals."""
    for part in {function, *all_reached(function)} - _jitable:
        _jitable.add(part)
        # Arrays of the policy's own are checked like its lists, as they are when interpreted.
        register_jitable(boundscheck=True, **PART)(part)
