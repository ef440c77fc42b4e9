"""Evidence as short text, for a model to read: tables, differences, episodes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np

from autotts_core import episode, voting
from autotts_core.discovery.digest import Digest
from autotts_core.discovery.workbench import Workbench
from autotts_core.evaluation import self_consistency
from autotts_core.frontier import Frontier, Point
from autotts_core.replay.interpreted import ReplayedEpisode
from autotts_core.store import ReplayStore

Filter = Literal["lost", "saved", "wasteful", "changed"]

_PAGE = 60
_NOTEWORTHY = 1.0
"""Percentage points over seeds below which two controllers answer a question equally well."""


def paged(lines: Iterable[str], page: int) -> str:
    """Page `page`, from 1, of `lines`, with a last line that says what else there is."""
    found = list(lines)
    pages = max(1, -(-len(found) // _PAGE))
    shown = found[(page - 1) * _PAGE : page * _PAGE]
    if not shown:
        return f"There is no page {page}: there are {pages}."
    return "\n".join(shown) + (f"\n(page {page} of {pages})" if pages > 1 else "")


def frontier_lines(frontier: Frontier) -> Iterator[str]:
    """A row for each point, with each store's accuracy at the end."""
    yield f"controller  β  accuracy %  tokens  sequential  saved %  by store ({_names(frontier)})"
    for point in frontier.points:
        beta = "-" if point.beta is None else f"{point.beta:g}"
        stores = ", ".join(f"{score.accuracy:.1f}" for score in point.scores)
        yield (
            f"{point.label}  {beta}  {point.accuracy:.2f}  {point.tokens:,.0f}  "
            f"{point.sequential_tokens:,.0f}  {point.saved:.1f}  {stores}"
        )


def _names(frontier: Frontier) -> str:
    return ", ".join(frontier.stores)


def digest_lines(digest: Digest) -> Iterator[str]:
    """What a proposal lost, and where its tokens went."""
    beta = "its only setting" if digest.beta is None else f"β = {digest.beta:g}"
    yield f"At {beta}, where it is most accurate:"
    for name, lost in (("SC@64", digest.lost_to_sc64), ("the best before", digest.lost_to_best)):
        yield f"{len(lost)} questions lost to {name}" + (":" if lost else ".")
        for each in lost:
            yield (
                f"  {each.store} question {each.question}: "
                f"{each.accuracy:.0f} % against {each.compared:.0f} %"
            )
    for waste in digest.waste:
        stops = ", ".join(f"{reason} {share:.0%}" for reason, share in waste.stops.items())
        yield (
            f"{waste.store}, {waste.episodes} episodes: {waste.decided_share:.0%} of tokens spent "
            f"when the answer was settled; {waste.pruned_right:.2f} right branches pruned in an "
            f"episode; {waste.stopped_early:.0%} stopped too early; stops: {stops}"
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """One question under two controllers: accuracies in per cent, mean tokens."""

    store: str
    question: int
    accuracy: float
    other_accuracy: float
    tokens: float
    other_tokens: float

    @property
    def gain(self) -> float:
        """Percentage points."""
        return self.accuracy - self.other_accuracy

    def __str__(self) -> str:
        return (
            f"{self.store} question {self.question}: {self.accuracy:.0f} % against "
            f"{self.other_accuracy:.0f} %, {self.tokens:,.0f} tokens against "
            f"{self.other_tokens:,.0f}"
        )


def compared(point: Point, workbench: Workbench, other: Point | None) -> list[Compared]:
    """Every question of `point` against `other`, or against SC@64 where there is none."""
    found = []
    for k, (store, mine) in enumerate(zip(workbench.stores, point.questions, strict=True)):
        if other is None:
            sc64 = self_consistency(store, workbench.seeds)
            accuracy, tokens = sc64.accuracy, sc64.tokens.mean(axis=1)
        else:
            accuracy, tokens = other.questions[k].accuracy, other.questions[k].tokens
        columns = (mine.accuracy, accuracy, mine.tokens, tokens)
        for question, row in enumerate(np.stack(columns, axis=1).tolist()):
            found.append(Compared(store.name, question, *row))
    return found


def filtered(questions: Sequence[Compared], by: Filter) -> list[Compared]:
    """The questions that `by` names, the most telling first."""
    match by:
        case "lost":
            found = [each for each in questions if each.gain <= -_NOTEWORTHY]
            return sorted(found, key=lambda each: each.gain)
        case "saved":
            found = [each for each in questions if each.gain >= _NOTEWORTHY]
            return sorted(found, key=lambda each: -each.gain)
        case "changed":
            found = [each for each in questions if abs(each.gain) >= _NOTEWORTHY]
            return sorted(found, key=lambda each: -abs(each.gain))
        case "wasteful":
            return sorted(questions, key=lambda each: each.other_tokens - each.tokens)


def difference_lines(questions: Sequence[Compared], against: str) -> Iterator[str]:
    """What is lost and what is won most, in a few lines."""
    for by, word, most in (("lost", "Lost", 6), ("saved", "Won", 4)):
        found = filtered(questions, by)  # type: ignore[arg-type]
        yield f"{word} against {against}: {len(found)} questions" + (":" if found else ".")
        yield from (f"  {each}" for each in found[:most])


def episode_lines(replayed: ReplayedEpisode, store: ReplayStore, question: int) -> Iterator[str]:
    """Everything that was done in an episode and what it revealed, a line for each batch."""
    arrays = store.load()
    right = arrays.class_correct[slice(*arrays.class_start[question : question + 2].tolist())]
    record = replayed.record
    known = [k for k, found in enumerate(record.revealed) if right[found]]
    verdict = "right" if replayed.answer_class >= 0 and right[replayed.answer_class] else "wrong"
    answer = (
        f"a{record.revealed.index(replayed.answer_class)}" if replayed.answer_class >= 0 else "none"
    )
    yield (
        f"{store.name} question {question}: answered {answer}, {verdict}; stopped: "
        f"{replayed.stop}; {record.spent:,} tokens, {record.sequential_tokens:,} sequential, "
        f"{record.branches} branches, {record.pruned_branches} pruned. "
        f"Right: {', '.join(f'a{k}' for k in known) or 'no answer that was revealed'}."
    )
    yield "Each line ran in parallel: action branch(depth, answer; . at its end)"
    for batch, actions in groupby(record.actions(), key=lambda action: action.batch):
        told = []
        for action in actions:
            if action.kind == "prune":
                told.append(f"prune {action.branch}")
                continue
            shown = f"a{action.answer}" if action.answer >= 0 else "-"
            end = "." if action.finished else ""
            told.append(f"{action.kind} {action.branch}({action.depth}, {shown}{end})")
        yield f"{batch}: {' '.join(told)}"


def control_space() -> str:
    """What a policy may do, from the contract itself."""
    return _reference(episode.Episode, episode.Episode.__doc__ or "")


def voting_reference() -> str:
    """The voting library, from the library itself."""
    functions = [
        _entry(name, function)
        for name, function in inspect.getmembers(voting, inspect.isfunction)
        if function.__module__ == voting.__name__ and not name.startswith("_")
    ]
    tally = _reference(
        voting.Tally, "`episode.tally()` gives a Tally: " + (voting.Tally.__doc__ or "")
    )
    return "\n\n".join(["From autotts_core.voting:", *functions, tally])


def _reference(cls: type, about: str) -> str:
    parts = [inspect.cleandoc(about)]
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            parts.append(f"{name}: {inspect.getdoc(member) or ''}")
        elif inspect.isfunction(member):
            parts.append(_entry(name, member))
    return "\n".join(parts)


def _entry(name: str, function: Any) -> str:
    return f"{name}{inspect.signature(function)}: {inspect.getdoc(function) or ''}"
