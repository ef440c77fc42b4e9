"""What is kept of a question that was answered live: one line of JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autotts_core.grading import Unreadable, grade

if TYPE_CHECKING:
    from autotts_core.engine_branch import EngineQuestion
    from autotts_core.grader import Grader
    from autotts_core.live.questions import LiveQuestion
    from autotts_core.live.solving import LiveAnswer
    from autotts_core.replay.interpreted_episode import Action

COMPARED_WIDTH = 64
"""Branches of the self-consistency that an answer's tokens are held against."""


@dataclass(frozen=True, slots=True)
class BranchRow:
    """What became of one branch."""

    tokens: int
    finished: bool
    pruned: bool


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answered question; `right` is None where there is no gold answer.

    `tokens` are without probes'. `prompt_tokens` were sent to be continued or probed, of which
    `cached_tokens` came from the engine's cache and `new_prompt_tokens` had never been sent:
    the rest was computed again. `peak_branches` is the most branches that were alive at once.
    `sc64_tokens_at_least` is 64 times the mean length of the branches that came to their end,
    None without any: the shorter ones do, so self-consistency would take so much, or more.
    """

    id: str
    seed: int
    question: str
    answer: str
    gold_answer: str | None
    right: bool | None
    stopped: str
    limited: bool
    tokens: int
    sequential_tokens: int
    probe_tokens: int
    prompt_tokens: int
    cached_tokens: int
    new_prompt_tokens: int
    peak_branches: int
    seconds: float
    sc64_tokens_at_least: int | None
    branches: tuple[BranchRow, ...]

    @property
    def computed_again(self) -> int:
        """Prompt tokens that were computed more than once, because no cache held them."""
        return max(0, self.prompt_tokens - self.cached_tokens - self.new_prompt_tokens)

    @classmethod
    def of(
        cls,
        question: LiveQuestion,
        seed: int,
        found: LiveAnswer,
        asked: EngineQuestion,
        grader: Grader,
        unreadable: Unreadable,
    ) -> AnswerRow:
        """The row of `question`, which was put to the engine as `asked`."""
        right = None
        if question.gold_answer is not None:
            (graded,) = grade(grader, [(question.gold_answer, [found.answer])], unreadable)
            right = found.answer != "" and graded.correct[0]
        pruned = {action.branch for action in found.actions if action.kind == "prune"}
        ended = [branch.tokens for branch in found.branches if branch.finished]
        probes = sum(branch.probes for branch in found.branches)
        return cls(
            id=question.id,
            seed=seed,
            question=question.text,
            answer=found.answer,
            gold_answer=question.gold_answer,
            right=right,
            stopped=found.stop,
            limited=found.limited,
            tokens=found.tokens,
            sequential_tokens=found.sequential_tokens,
            probe_tokens=found.probe_tokens,
            prompt_tokens=sum(branch.prompt_tokens for branch in found.branches),
            cached_tokens=sum(branch.cached_tokens for branch in found.branches),
            # The prompt is the same for all branches; what they wrote is in the cache from then.
            new_prompt_tokens=len(asked.prompt) + probes * len(asked.probe),
            peak_branches=peak_branches(found.actions),
            seconds=round(found.seconds, 3),
            sc64_tokens_at_least=(
                round(COMPARED_WIDTH * sum(ended) / len(ended)) if ended else None
            ),
            branches=tuple(
                BranchRow(branch.tokens, branch.finished, i in pruned)
                for i, branch in enumerate(found.branches)
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> AnswerRow:
        """What `to_json` gave; raises `TypeError` where it is something else."""
        branches = tuple(BranchRow(**branch) for branch in row["branches"])
        return cls(**row | {"branches": branches})


def peak_branches(actions: Iterable[Action]) -> int:
    """The most branches that were neither finished nor pruned at once, batch by batch.

    A batch's branches count as long as it runs: they do so in parallel.
    """
    alive: set[int] = set()
    leaving: set[int] = set()
    peak, batch = 0, -1
    for action in actions:
        if action.batch != batch:
            alive -= leaving
            leaving.clear()
            batch = action.batch
        if action.kind == "prune" or action.finished:
            leaving.add(action.branch)
        if action.kind != "prune":
            alive.add(action.branch)
        peak = max(peak, len(alive))
    return peak
