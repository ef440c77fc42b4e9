"""Compiled replay: the policy's own source, compiled by Numba over raw columns.

The episode is a Numba type of our own: a struct of bare pointers into the store's columns and
a few scratch arrays, whose methods are inlined into the policy. Bare pointers, because array
reference counts cost more than the work itself; every index that a policy can pass is checked.
The policy and the functions it calls are compiled unchanged (`register_jitable`).
"""

import types as python_types
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import (
    intrinsic,
    make_attribute_wrapper,
    models,
    overload,
    overload_attribute,
    overload_method,
    register_jitable,
    register_model,
)

from autotts_core.episode import MAX_TALLIES
from autotts_core.replay.policy_source import all_reached
from autotts_core.voting import (
    _LEADER,
    _ROOM,
    _RUNNER_UP,
    _VOTES,
    Tally,
    beta_confidence,
    deepest_first,
    majority,
)

_I32 = types.CPointer(types.int32)
_I64 = types.CPointer(types.int64)
_F32 = types.CPointer(types.float32)

_MEMBERS: list[tuple[str, types.Type]] = [
    ("step_class", _I32),  # of all steps of the store
    ("step_signal", _F32),
    ("step_start", _I64),  # from here on: of this question's branches
    ("branch_tokens", _I32),
    ("order", _I32),
    ("branches", _I32),  # scratch: _FIELDS integers for each open branch
    ("ids", _I32),  # scratch: answer id of each class, -1 until revealed
    ("revealed", _I32),  # scratch: class of each answer id
    ("tallies", _I32),  # scratch: MAX_TALLIES times 2 * classes integers
    ("standings", _I64),  # scratch: MAX_TALLIES times TALLY_FIELDS integers
    ("state", _I64),
    ("pool", types.int64),
    ("interval_tokens", types.int64),
    ("exact", types.boolean),
    ("has_signals", types.boolean),
    ("budget", types.int64),
    ("classes", types.int64),
]

# One open branch.
_START, _STEPS, _LENGTH, _DEPTH, _TOKENS, _ANSWER, _STATUS, _BATCH, _BATCH_TOKENS = range(9)
BRANCH_FIELDS = 10
_RUNNING, _FINISHED, _PRUNED = 0, 1, 2  # status bits

# One episode.
OPEN, SPENT, REVEALED, SEQUENTIAL, BATCH, LONGEST, INTERVALS, PRUNED, STOPPED, TALLIES = range(10)
STATE_FIELDS = 10

TALLY_FIELDS = 4


class EpisodeType(types.Type):
    """Numba's type of the episode."""

    def __init__(self) -> None:
        super().__init__(name="Episode")


_EPISODE = EpisodeType()


@register_model(EpisodeType)
class _EpisodeModel(models.StructModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _MEMBERS)


for _name, _ in _MEMBERS:
    make_attribute_wrapper(EpisodeType, _name, f"_{_name}")


class TallyType(types.Type):
    """Numba's type of `voting.Tally`: its methods' own source over bare pointers."""

    def __init__(self) -> None:
        super().__init__(name="Tally")


_TALLY = TallyType()
_TALLY_MEMBERS = [
    ("counts", _I32),
    ("first_votes", _I32),
    ("standing", _I64),
    ("state", _I64),  # of the episode
]


@register_model(TallyType)
class _TallyModel(models.StructModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _TALLY_MEMBERS)


for _name, _ in _TALLY_MEMBERS:
    make_attribute_wrapper(TallyType, _name, f"_{_name}")


@intrinsic
def pointer(typing_context: Any, array: Any, offset: Any) -> Any:
    """The address of `array[offset]`; the array must outlive its use."""
    signature = types.CPointer(array.dtype)(array, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.gep(data, [args[1]])

    return signature, generate


@intrinsic
def make_episode(typing_context: Any, members: Any) -> Any:
    """An episode from a tuple of its members, in the order of `_MEMBERS`."""
    signature = _EPISODE(members)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        episode = cgutils.create_struct_proxy(_EPISODE)(context, builder)
        for position, (name, member_type) in enumerate(_MEMBERS):
            value = builder.extract_value(args[0], position)
            given = signature.args[0].types[position]
            setattr(episode, name, context.cast(builder, value, given, member_type))
        return episode._getvalue()

    return signature, generate


@intrinsic
def _make_tally(
    typing_context: Any, counts: Any, first_votes: Any, standing: Any, state: Any
) -> Any:
    signature = _TALLY(counts, first_votes, standing, state)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        tally = cgutils.create_struct_proxy(_TALLY)(context, builder)
        for (name, _), value in zip(_TALLY_MEMBERS, args, strict=True):
            setattr(tally, name, value)
        return tally._getvalue()

    return signature, generate


@intrinsic
def _at(typing_context: Any, address: Any, offset: Any) -> Any:
    """The address `offset` elements on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return address(address, types.int64), generate


def _offer(owner: Any, name: str, implementation: Any) -> None:
    """Give Numba's type `owner` a method."""
    # Numba wants template and implementation to agree in everything, annotations included.
    plain = python_types.FunctionType(
        implementation.__code__, implementation.__globals__, name, implementation.__defaults__
    )

    def of_self(self):
        return plain

    def of_answer(self, answer):
        return plain

    def of_two(self, a, b):
        return plain

    def of_episode(episode):
        return plain

    def of_branch(episode, i):
        return plain

    def of_branch_by_intervals(episode, i, intervals=1):
        return plain

    templates = (of_self, of_answer, of_two, of_episode, of_branch, of_branch_by_intervals)
    code = implementation.__code__
    arguments = code.co_varnames[: code.co_argcount]
    (template,) = (
        t for t in templates if t.__code__.co_varnames[: t.__code__.co_argcount] == arguments
    )
    # Inlined by LLVM rather than by Numba, which would multiply the compile time.
    inlined: Any = {"jit_options": {"forceinline": True}}
    overload_method(owner, name, **inlined)(template)


@register_jitable
def _checked(episode, i):
    if i < 0 or i >= episode._state[OPEN]:
        raise IndexError("branch was never opened")
    return i * BRANCH_FIELDS


@register_jitable
def _await(episode):
    episode._state[SEQUENTIAL] += episode._state[LONGEST]
    episode._state[LONGEST] = 0
    episode._state[BATCH] += 1


@register_jitable
def _await_branch(episode, b):
    if episode._branches[b + _BATCH] == episode._state[BATCH]:
        _await(episode)


@register_jitable
def _settle(episode, b, depth, charged):
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


@register_jitable
def _run(episode, b, intervals):
    branches = episode._branches
    depth = branches[b + _STEPS]
    if intervals >= depth - branches[b + _DEPTH]:
        branches[b + _STATUS] |= _FINISHED
        charged = branches[b + _LENGTH]
        if not episode._exact:
            charged = max(charged, (depth - 1) * episode._interval_tokens)
        _settle(episode, b, depth, charged)
    else:
        depth = branches[b + _DEPTH] + intervals
        charged = depth * episode._interval_tokens
        if episode._exact and charged > branches[b + _LENGTH]:
            charged = branches[b + _LENGTH]
        _settle(episode, b, depth, charged)


@register_jitable
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


def _branch(episode):
    i = _open(episode)
    if i >= 0:
        _run(episode, i * BRANCH_FIELDS, 1)
    return i


def _read(episode):
    i = _open(episode)
    if i >= 0:
        b = i * BRANCH_FIELDS
        episode._branches[b + _STATUS] = _FINISHED
        steps, length = episode._branches[b + _STEPS], episode._branches[b + _LENGTH]
        _settle(episode, b, steps, length)
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
        _run(episode, b, intervals)


def _prune(episode, i):
    b = _checked(episode, i)
    if not episode._branches[b + _STATUS] & _PRUNED:
        episode._branches[b + _STATUS] |= _PRUNED
        episode._state[PRUNED] += 1


def _answer(episode, i):
    b = _checked(episode, i)
    _await_branch(episode, b)
    return np.int64(episode._branches[b + _ANSWER])


def _finished(episode, i):
    b = _checked(episode, i)
    _await_branch(episode, b)
    return episode._branches[b + _STATUS] & _FINISHED != 0


def _pruned(episode, i):
    b = _checked(episode, i)
    return episode._branches[b + _STATUS] & _PRUNED != 0


def _depth(episode, i):
    b = _checked(episode, i)
    _await_branch(episode, b)
    return np.int64(episode._branches[b + _DEPTH])


def _tokens(episode, i):
    b = _checked(episode, i)
    _await_branch(episode, b)
    return np.int64(episode._branches[b + _TOKENS])


def _signal(episode, i):
    b = _checked(episode, i)
    _await_branch(episode, b)
    if not episode._has_signals:
        return np.nan
    start = episode._step_start[episode._branches[b + _START]]
    return np.float64(episode._step_signal[start + episode._branches[b + _DEPTH] - 1])


def _tally(episode):
    k = episode._state[TALLIES]
    if k == MAX_TALLIES:
        raise ValueError("more than 16 tallies in one episode")
    episode._state[TALLIES] = k + 1
    counts = _at(episode._tallies, 2 * k * episode._classes)
    first_votes = _at(counts, episode._classes)
    tally = _make_tally(
        counts, first_votes, _at(episode._standings, k * TALLY_FIELDS), episode._state
    )
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


for _name, _method in vars(Tally).items():
    if isinstance(_method, python_types.FunctionType) and _name not in ("__init__", "_reserve"):
        _offer(TallyType, _name, _method)
_offer(TallyType, "_reserve", _reserve)


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
    _tally,
):
    _offer(EpisodeType, _implementation.__name__[1:], _implementation)


@overload_attribute(EpisodeType, "branches")
def _branches_attribute(episode):
    return lambda episode: episode._state[OPEN]


@overload_attribute(EpisodeType, "spent")
def _spent_attribute(episode):
    def spent(episode):
        _await(episode)
        return episode._state[SPENT]

    return spent


@overload_attribute(EpisodeType, "remaining")
def _remaining_attribute(episode):
    def remaining(episode):
        _await(episode)
        return max(0, episode._budget - episode._state[SPENT])

    return remaining


@overload(majority)
def _majority(answers):
    """`voting.majority` without a hash table: ids are dense."""

    def count_by_id(answers):
        top = -1
        for answer in answers:
            top = max(top, answer)
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

    return count_by_id


@overload(deepest_first)
def _deepest_first(episode, branches):
    """`voting.deepest_first` by insertion: from round to round the order hardly changes."""

    def insert_each(episode, branches):
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

    return insert_each


@register_jitable
def standing_majority(episode):
    """The majority of the latest answers of unpruned branches."""
    answers = [np.int64(-1) for _ in range(episode._state[OPEN])]
    for i in range(len(answers)):
        if not episode._branches[i * BRANCH_FIELDS + _STATUS] & _PRUNED:
            answers[i] = np.int64(episode._branches[i * BRANCH_FIELDS + _ANSWER])
    return majority(answers)


def as_answer(answer):
    """Compiled code only: `answer`, which has to be of an integer type."""
    raise NotImplementedError


@overload(as_answer)
def _as_answer(answer):
    if not isinstance(answer, types.Integer):
        raise TypingError(f"the policy returns {answer}, not an answer id")
    return lambda answer: np.int64(answer)


_jitable: set[Any] = {majority, deepest_first}


def make_jitable(function: Any) -> None:
    """Let Numba compile `function` and every plain function it reaches by its globals."""
    for part in {function, *all_reached(function)} - _jitable:
        _jitable.add(part)
        # Arrays of the policy's own are checked like its lists, as they are when interpreted.
        register_jitable(boundscheck=True)(part)


make_jitable(beta_confidence)
