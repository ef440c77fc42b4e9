"""Interpreted replay: the policy as plain Python over one recorded question.

Slower than compiled replay and equal to it in every number; records every action, so that a
person or an explorer can read what a controller did and what it saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import nan
from typing import NamedTuple

from autotts_core.episode import MAX_TALLIES
from autotts_core.store.arrays import TraceArrays
from autotts_core.voting import Tally, majority

UNLIMITED = 2**62
"""A budget that no episode exhausts."""


class BudgetExhausted(Exception):  # noqa: N818
    """Ends an episode whose budget is spent."""


class NotOpen(IndexError):  # noqa: N818
    """A branch was named that was never opened."""


class NotAllowed(ValueError):  # noqa: N818
    """An action that the branch's state or its argument forbids."""


@dataclass(frozen=True, slots=True)
class RecordedQuestion:
    """One question of a store as plain lists: answer classes by step, tokens by branch."""

    steps: Sequence[Sequence[int]]
    signals: Sequence[Sequence[float]] | None
    tokens: Sequence[int]
    interval_tokens: int
    exact: bool


@lru_cache(maxsize=256)
def recorded_question(arrays: TraceArrays, question: int) -> RecordedQuestion:
    """Question number `question` of a store, for any number of episodes."""
    first, last = arrays.branch_start[question : question + 2]
    bounds = arrays.step_start[first : last + 1]
    spans = [slice(a, b) for a, b in pairwise((bounds - bounds[0]).tolist())]
    classes = arrays.step_class[bounds[0] : bounds[-1]].tolist()
    signals = arrays.step_signal[bounds[0] : bounds[-1]].tolist()
    return RecordedQuestion(
        steps=[classes[span] for span in spans],
        signals=[signals[span] for span in spans] if signals else None,
        tokens=arrays.branch_tokens[first:last].tolist(),
        interval_tokens=arrays.interval_tokens,
        exact=arrays.exact_accounting,
    )


class Action(NamedTuple):
    """One thing that a controller did to one branch, and what it revealed.

    `kind` is "branch", "read", "advance" or "prune"; `depth`, `answer`, `tokens` and `finished`
    are the branch's state after it. `intervals` is how far the branch went. Actions of one
    `batch` ran in parallel.
    """

    kind: str
    branch: int
    intervals: int
    depth: int
    answer: int
    tokens: int
    finished: bool
    batch: int


class _Branch:
    """An open branch."""

    __slots__ = (
        "answer",
        "awaited_tokens",
        "batch",
        "depth",
        "finished",
        "length",
        "pruned",
        "recorded",
        "steps",
        "tokens",
    )

    def __init__(self, recorded: int, steps: Sequence[int], length: int) -> None:
        self.recorded = recorded
        self.steps = steps
        self.length = length
        self.depth = 0
        self.tokens = 0
        self.answer = -1
        self.finished = False
        self.pruned = False
        self.batch = -1
        self.awaited_tokens = 0


class InterpretedEpisode:
    """The `Episode` of interpreted replay."""

    def __init__(
        self, question: RecordedQuestion, order: Sequence[int], budget: int = UNLIMITED
    ) -> None:
        self.branches = 0
        self.revealed: list[int] = []
        """Answer class of each answer id."""
        self._question = question
        self._interval = question.interval_tokens
        self._exact = question.exact
        self._order = order
        self._budget = budget
        self._limited = budget < UNLIMITED
        # Keyed by index, so that an index that is not open, negative ones too, is a KeyError.
        self._open: dict[int, _Branch] = {}
        self._ids: dict[int, int] = {-1: -1}
        self._pending: list[_Branch] = []
        self._batch = 0
        self._sequential = 0
        self._tallies = 0
        self._log: list[tuple[str, int, int, int]] = []

    @property
    def spent(self) -> int:
        self._await()
        return self._charged()

    @property
    def remaining(self) -> int:
        self._await()
        return max(0, self._budget - self._charged())

    @property
    def sequential_tokens(self) -> int:
        """Tokens on the critical path so far; awaits outstanding work."""
        self._await()
        return self._sequential

    def branch(self) -> int:
        branch = self._open_next()
        if branch is None:
            return -1
        self._run(branch, self.branches - 1, 1, "branch")
        return self.branches - 1

    def read(self) -> int:
        branch = self._open_next()
        if branch is None:
            return -1
        steps = len(branch.steps)
        self._run(branch, self.branches - 1, steps, "read")
        branch.tokens = branch.length
        return self.branches - 1

    def advance(self, i: int, intervals: int = 1) -> None:
        try:
            branch = self._open[i]
        except KeyError:
            raise self._not_open(i) from None
        if intervals < 1:
            raise NotAllowed(f"advance by {intervals} intervals: give 1 or more")
        if branch.pruned:
            raise NotAllowed(f"branch {i} was pruned and cannot advance")
        if branch.finished:
            return
        if self._limited and self._charged() >= self._budget:
            raise BudgetExhausted
        self._run(branch, i, intervals, "advance")

    def prune(self, i: int) -> None:
        branch = self._opened(i)
        if not branch.pruned:
            branch.pruned = True
            self._log.append(("prune", i, 0, self._batch))

    def answer(self, i: int) -> int:
        try:
            branch = self._open[i]
        except KeyError:
            raise self._not_open(i) from None
        if branch.batch == self._batch:
            self._await()
        return branch.answer

    def finished(self, i: int) -> bool:
        try:
            branch = self._open[i]
        except KeyError:
            raise self._not_open(i) from None
        if branch.batch == self._batch:
            self._await()
        return branch.finished

    def pruned(self, i: int) -> bool:
        return self._opened(i).pruned

    def depth(self, i: int) -> int:
        try:
            branch = self._open[i]
        except KeyError:
            raise self._not_open(i) from None
        if branch.batch == self._batch:
            self._await()
        return branch.depth

    def tokens(self, i: int) -> int:
        branch = self._opened(i)
        if branch.batch == self._batch:
            self._await()
        return branch.tokens

    def signal(self, i: int) -> float:
        branch = self._opened(i)
        if branch.batch == self._batch:
            self._await()
        signals = self._question.signals
        return nan if signals is None else signals[branch.recorded][branch.depth - 1]

    def tally(self) -> Tally:
        if self._tallies == MAX_TALLIES:
            raise NotAllowed(f"more than {MAX_TALLIES} tallies in one episode")
        self._tallies += 1
        return Tally()

    def standing_majority(self) -> int:
        """The majority of the latest answers of unpruned branches."""
        return majority([b.answer for b in self._open.values() if not b.pruned])

    @property
    def pruned_branches(self) -> int:
        """Number of branches given up."""
        return sum(branch.pruned for branch in self._open.values())

    @property
    def intervals(self) -> int:
        """Intervals run so far, over all branches."""
        return sum(branch.depth for branch in self._open.values())

    def actions(self) -> list[Action]:
        """Everything the controller did, in order, with what it revealed."""
        episode = InterpretedEpisode(self._question, self._order)
        return [episode._act(*asked) for asked in self._log]

    def _act(self, kind: str, i: int, intervals: int, batch: int) -> Action:
        if kind == "advance":
            self.advance(i, intervals)
        elif kind == "prune":
            self.prune(i)
        elif kind == "read":
            self.read()
        else:
            self.branch()
        b = self._open[i]
        return Action(kind, i, intervals, b.depth, b.answer, b.tokens, b.finished, batch)

    def _open_next(self) -> _Branch | None:
        i = self.branches
        if i >= len(self._order) or (self._limited and self._charged() >= self._budget):
            return None
        recorded = self._order[i]
        question = self._question
        branch = _Branch(recorded, question.steps[recorded], question.tokens[recorded])
        self._open[i] = branch
        self.branches = i + 1
        return branch

    def _run(self, branch: _Branch, i: int, intervals: int, kind: str) -> None:
        """Bring a branch further, charge it, and reveal the answer that it now gives."""
        steps = branch.steps
        depth = branch.depth + intervals
        tokens = depth * self._interval
        if depth >= len(steps):
            intervals += len(steps) - depth
            depth = len(steps)
            branch.finished = True
            # `published` charges a whole interval for each probe, also for fewer tokens.
            probed = 0 if self._exact else (depth - 1) * self._interval
            tokens = max(probed, branch.length)
        elif self._exact and tokens > branch.length:
            tokens = branch.length
        branch.tokens = tokens
        branch.depth = depth
        answer_class = steps[depth - 1]
        try:
            branch.answer = self._ids[answer_class]
        except KeyError:
            branch.answer = self._ids[answer_class] = len(self.revealed)
            self.revealed.append(answer_class)
        batch = self._batch
        if branch.batch != batch:
            branch.batch = batch
            self._pending.append(branch)
        self._log.append((kind, i, intervals, batch))

    def _await(self) -> None:
        """Let what was asked for since the last time finish, in parallel."""
        longest = 0
        for branch in self._pending:
            tokens = branch.tokens
            if tokens - branch.awaited_tokens > longest:
                longest = tokens - branch.awaited_tokens
            branch.awaited_tokens = tokens
        self._sequential += longest
        self._pending.clear()
        self._batch += 1

    def _charged(self) -> int:
        return sum(branch.tokens for branch in self._open.values())

    def _opened(self, i: int) -> _Branch:
        try:
            return self._open[i]
        except KeyError:
            raise self._not_open(i) from None

    def _not_open(self, i: int) -> NotOpen:
        return NotOpen(f"branch {i} was never opened ({self.branches} are open)")
