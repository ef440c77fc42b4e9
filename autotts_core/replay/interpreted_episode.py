"""Interpreted replay: the policy as plain Python over one recorded question.

Slower than compiled replay and equal to it in every number; records every action, so that a
person or an explorer can read what a controller did and what it saw.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import nan
from operator import index
from typing import NamedTuple

from autotts_core.episode import MAX_TALLIES
from autotts_core.replay.ledger import BRANCH, PRUNE, READ
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
    class_text: Callable[[], Sequence[str]]
    confidences: Sequence[Sequence[float]] | None = None


NO_QUESTION = RecordedQuestion((), None, (), 1, True, tuple)
"""For an episode of which nothing is recorded."""


@lru_cache(maxsize=256)
def recorded_question(arrays: TraceArrays, question: int) -> RecordedQuestion:
    """Question number `question` of a store, for any number of episodes."""
    first, last = arrays.branch_start[question : question + 2]
    bounds = arrays.step_start[first : last + 1]
    spans = [slice(a, b) for a, b in pairwise((bounds - bounds[0]).tolist())]
    classes = arrays.step_class[bounds[0] : bounds[-1]].tolist()
    signals = arrays.step_signal[bounds[0] : bounds[-1]].tolist()
    confidences = arrays.step_confidence[bounds[0] : bounds[-1]].tolist()
    class_span = slice(*arrays.class_start[question : question + 2].tolist())
    return RecordedQuestion(
        steps=[classes[span] for span in spans],
        signals=[signals[span] for span in spans] if signals else None,
        tokens=arrays.branch_tokens[first:last].tolist(),
        interval_tokens=arrays.interval_tokens,
        exact=arrays.exact_accounting,
        class_text=lambda: arrays.class_text[class_span],
        confidences=[confidences[span] for span in spans] if confidences else None,
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


KINDS = {READ: "read", PRUNE: "prune", BRANCH: "branch"}


class InterpretedEpisode:
    """The `Episode` of interpreted replay.

    Calls are queued when they are asked for and performed when something of theirs is read,
    as on a live engine; in one go, which is also what makes plain Python bearable here.
    """

    def __init__(
        self, question: RecordedQuestion, order: Sequence[int], budget: int = UNLIMITED
    ) -> None:
        self.branches = 0
        self.revealed: list[int] = []
        """Answer class of each answer id."""
        self.question = question
        self.order = order
        self._budget = budget
        self._limited = budget < UNLIMITED
        self._ids: dict[int, int] = {-1: -1}
        self._asked: list[tuple[int, int]] = []
        self._waiting: set[int] = set()
        # Keyed by index, so that an index that is not open, negative ones too, is a KeyError.
        self._answers: dict[int, int] = {}
        self._finished: dict[int, bool] = {}
        self._pruned: set[int] = set()
        self._going: set[int] = set()
        """Branches that may advance whatever was spent: not those that ended or were pruned."""
        self._steps: list[Sequence[int]] = []
        self._depths: list[int] = []
        self._tokens: list[int] = []
        self._awaited_tokens: list[int] = []
        self._longest = 0
        self._sequential = 0
        self._tallies = 0
        self._performed: list[tuple[int, int]] = []
        self._batch_ends: list[int] = []

    @property
    def spent(self) -> int:
        self._await()
        return sum(self._tokens)

    @property
    def remaining(self) -> int:
        return max(0, self._budget - self.spent)

    @property
    def sequential_tokens(self) -> int:
        """Tokens on the critical path so far; awaits outstanding work."""
        self._await()
        return self._sequential

    @property
    def pruned_branches(self) -> int:
        """Number of branches given up."""
        return len(self._pruned)

    @property
    def intervals(self) -> int:
        """Intervals run so far, over all branches; awaits outstanding work."""
        self._await()
        return sum(self._depths)

    def branch(self) -> int:
        i = self.branches
        if i >= len(self.order) or (self._limited and self._exhausted()):
            return -1
        self.branches = i + 1
        self._finished[i] = False
        if not self._limited:
            self._going.add(i)
        self._asked.append((i, BRANCH))
        self._waiting.add(i)
        return i

    def read(self) -> int:
        i = self.branches
        if i >= len(self.order) or (self._limited and self._exhausted()):
            return -1
        self.branches = i + 1
        self._finished[i] = False
        self._asked.append((i, READ))
        self._waiting.add(i)
        return i

    def advance(self, i: int, intervals: int = 1) -> None:
        if intervals == 1 and i in self._going:
            self._asked.append((i, 1))
            self._waiting.add(i)
        else:
            self._advance(i, intervals)

    def _advance(self, i: int, intervals: int) -> None:
        try:
            finished = self._finished[i]
        except KeyError:
            raise self._not_open(i) from None
        if intervals != 1 and not 1 <= index(intervals) < 2**63:
            raise NotAllowed(f"advance by {intervals} intervals: give 1 or more, in 64 bits")
        if i in self._pruned:
            raise NotAllowed(f"branch {i} was pruned and cannot advance")
        if finished or (self._limited and self._ends_by(i)):
            return
        self._asked.append((i, intervals))
        self._waiting.add(i)

    def prune(self, i: int) -> None:
        if i not in self._finished:
            raise self._not_open(i)
        if i not in self._pruned:
            self._pruned.add(i)
            self._going.discard(i)
            self._asked.append((i, PRUNE))

    def answer(self, i: int) -> int:
        if i in self._waiting:
            self._await()
        try:
            return self._answers[i]
        except KeyError:
            raise self._not_open(i) from None

    def finished(self, i: int) -> bool:
        if i in self._waiting:
            self._await()
        try:
            return self._finished[i]
        except KeyError:
            raise self._not_open(i) from None

    def pruned(self, i: int) -> bool:
        if i not in self._finished:
            raise self._not_open(i)
        return i in self._pruned

    def depth(self, i: int) -> int:
        if i in self._waiting:
            self._await()
        if i not in self._finished:
            raise self._not_open(i)
        return self._depths[i]

    def tokens(self, i: int) -> int:
        if i in self._waiting:
            self._await()
        if i not in self._finished:
            raise self._not_open(i)
        return self._tokens[i]

    def signal(self, i: int) -> float:
        depth = self.depth(i)
        signals = self.question.signals
        return nan if signals is None else signals[self.order[i]][depth - 1]

    def confidence(self, i: int) -> float:
        depth = self.depth(i)
        confidences = self.question.confidences
        return nan if confidences is None else confidences[self.order[i]][depth - 1]

    def tally(self) -> Tally:
        if self._tallies == MAX_TALLIES:
            raise NotAllowed(f"more than {MAX_TALLIES} tallies in one episode")
        self._tallies += 1
        return Tally(self.revealed)

    def standing_majority(self) -> int:
        """The majority of the latest answers of unpruned branches."""
        self._await()
        return majority([a for i, a in self._answers.items() if i not in self._pruned])

    @property
    def interval_tokens(self) -> int:
        """Δ of the store, in tokens."""
        return self.question.interval_tokens

    def text(self, answer: int) -> str:
        """The answer string behind an id, empty for -1; not for controllers."""
        if answer < 0:
            return ""
        return self.question.class_text()[self.revealed[answer]]

    def ledger(self) -> tuple[Sequence[tuple[int, int]], Sequence[int]]:
        """All that was done, and where in it each batch ends: enough to repeat it."""
        self._await()
        return self._performed, self._batch_ends

    @classmethod
    def repeated(
        cls,
        question: RecordedQuestion,
        order: Sequence[int],
        performed: Sequence[tuple[int, int]],
        batch_ends: Sequence[int],
    ) -> "InterpretedEpisode":
        """The episode with this `ledger`; raises `ValueError` where none can have it."""
        episode = cls(question, order)
        first = 0
        for end in (*batch_ends, len(performed)):
            episode.ask(performed[first:end])
            first = end
        return episode

    def ask(self, batch: Sequence[tuple[int, int]]) -> None:
        """Do what a part of a ledger says and await it; raises `ValueError` or `IndexError`."""
        for i, asked in batch:
            if asked in (READ, BRANCH):
                opened = self.read() if asked == READ else self.branch()
                if opened != i:
                    raise NotAllowed(f"branch {i} was opened as branch {opened}")
            elif asked == PRUNE:
                self.prune(i)
            else:
                self.advance(i, asked)
        self._await()

    def actions(self) -> list[Action]:
        """Everything the controller did, in order, with what it revealed."""
        self._await()
        again = InterpretedEpisode(self.question, self.order)
        actions: list[Action] = []
        first = 0
        for batch, end in enumerate((*self._batch_ends, len(self._performed))):
            actions += again._repeat(self._performed[first:end], batch)
            first = end
        return actions

    def _repeat(self, performed: Sequence[tuple[int, int]], batch: int) -> Iterator[Action]:
        for i, asked in performed:
            before = self._depths[i] if i < len(self._depths) else 0
            self._finished.setdefault(i, False)
            self._asked.append((i, asked))
            self._perform()
            depth = self._depths[i]
            if depth > before or asked == PRUNE:
                yield Action(
                    KINDS.get(asked, "advance"),
                    i,
                    depth - before,
                    depth,
                    self._answers[i],
                    self._tokens[i],
                    self._finished[i],
                    batch,
                )

    def _perform(self) -> None:
        """Run what was asked for: charge it, and reveal the answers that branches now give."""
        question, order = self.question, self.order
        interval, exact = question.interval_tokens, question.exact
        ids, answers, finished = self._ids, self._answers, self._finished
        all_steps, depths, all_tokens = self._steps, self._depths, self._tokens
        awaited, longest = self._awaited_tokens, self._longest
        # Branches that were asked to go on, in one batch, after they had ended.
        idle: list[int] = []
        for i, asked in self._asked:
            if asked > 0:
                steps = all_steps[i]
                depth = depths[i] + asked
                if depth < len(steps):
                    tokens = depth * interval
                    if exact and tokens > question.tokens[order[i]]:
                        tokens = question.tokens[order[i]]
                elif finished[i]:
                    idle.append(i)
                    continue
                else:
                    depth = len(steps)
                    self._end(i)
                    tokens = question.tokens[order[i]]
                    # `published` charges a whole interval for each probe that is advanced to.
                    if not exact and tokens < (depth - 1) * interval:
                        tokens = (depth - 1) * interval
                depths[i] = depth
                all_tokens[i] = tokens
                cost = tokens - awaited[i]
            elif asked == PRUNE:
                continue
            else:
                recorded = order[i]
                steps = question.steps[recorded]
                cost = question.tokens[recorded]
                depth = len(steps)
                if asked == BRANCH and depth > 1:
                    depth = 1
                    if not exact or cost > interval:
                        cost = interval
                else:
                    self._end(i)
                all_steps.append(steps)
                depths.append(depth)
                all_tokens.append(cost)
                awaited.append(0)
            if cost > longest:
                longest = cost
            answer_class = steps[depth - 1]
            try:
                answers[i] = ids[answer_class]
            except KeyError:
                answers[i] = ids[answer_class] = len(ids) - 1
                self.revealed.append(answer_class)
        self._longest = longest
        self._performed += _without_last(self._asked, idle) if idle else self._asked
        self._asked.clear()

    def _await(self) -> None:
        """Let what was asked for since the last time finish, in parallel."""
        if self._asked:
            self._perform()
        if not self._waiting:
            return
        self._sequential += self._longest
        self._longest = 0
        self._awaited_tokens = self._tokens.copy()
        self._waiting.clear()
        self._batch_ends.append(len(self._performed))

    def _end(self, i: int) -> None:
        self._finished[i] = True
        self._going.discard(i)

    def _exhausted(self) -> bool:
        self._perform()
        return sum(self._tokens) >= self._budget

    def _ends_by(self, i: int) -> bool:
        """False where branch `i` may advance within the budget, True where it has finished."""
        exhausted = self._exhausted()
        if exhausted and not self._finished[i]:
            raise BudgetExhausted
        return self._finished[i]

    def _not_open(self, i: int) -> NotOpen:
        return NotOpen(f"branch {i} was never opened ({self.branches} are open)")


def _without_last(asked: list[tuple[int, int]], idle: list[int]) -> list[tuple[int, int]]:
    """`asked` without as many of a branch's last advances as it is named in `idle`."""
    kept = []
    for i, what in reversed(asked):
        if what > 0 and i in idle:
            idle.remove(i)
        else:
            kept.append((i, what))
    return kept[::-1]
