"""Two stores of the same traces side by side: what their gradings and accountings change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotts_core.errors import StoreError
from autotts_core.store.find import find_stores
from autotts_core.store.manifest import ANSWERS, BRANCHES, PROBES
from autotts_core.store.replay_store import ReplayStore, read_table


@dataclass(frozen=True, slots=True)
class Change:
    """One answer of one question that the two stores see differently, and why.

    `branches` are the numbers of those that end with the answer; `probes` counts the probes
    that reveal it.
    """

    question: int
    id: str
    gold_answer: str
    answer: str
    old: str
    new: str
    why: str
    branches: list[int]
    probes: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes from one store to another; accuracies are of final answers, from 0 to 1."""

    name: str
    old_path: str
    new_path: str
    facts: dict[str, tuple[Any, Any]]
    questions_changed: int
    branches_changed: int
    changes: list[Change]


@dataclass(frozen=True)
class _Graded:
    """A store's answers, with the answer numbers of its steps before they become classes."""

    store: ReplayStore
    answers: dict[str, list[Any]]

    @classmethod
    def open(cls, path: Path) -> _Graded:
        store = ReplayStore.open(path)
        return cls(store, _columns(store, ANSWERS))

    @property
    def grader(self) -> str:
        grader = self.store.manifest.grader
        return f"{grader.name} {grader.version}"


def compare_trees(old: Path, new: Path) -> list[Comparison]:
    """Compare the stores of the same model and benchmark in two trees, in order of name.

    Raises `StoreError` where no two can be compared.
    """
    trees = []
    for tree in (old, new):
        trees.append({ReplayStore.open(path).name: path for path in find_stores([tree])})
    if len(trees[0]) == len(trees[1]) == 1:
        pairs = [(*trees[0].values(), *trees[1].values())]
    else:
        common = sorted(trees[0].keys() & trees[1].keys())
        pairs = [(trees[0][name], trees[1][name]) for name in common]
    if not pairs:
        raise StoreError(
            f"{old} and {new} have no model and benchmark in common: {old} has "
            f"{', '.join(sorted(trees[0]))}; {new} has {', '.join(sorted(trees[1]))}."
        )
    return [compare_stores(*pair) for pair in pairs]


def compare_stores(old_path: Path, new_path: Path) -> Comparison:
    """What the second store changes. Raises `StoreError` where the traces are not the same."""
    old, new = _Graded.open(old_path), _Graded.open(new_path)
    _refuse_other_traces(old.store, new.store)
    steps = _steps(old.store)
    changes: list[Change] = []
    gold = old.store.gold_answers
    for question in range(len(gold)):
        changes += _question_changes(old, new, question, steps)
    branches = {(change.question, branch) for change in changes for branch in change.branches}
    return Comparison(
        name=old.store.name,
        old_path=str(old_path),
        new_path=str(new_path),
        facts={
            "grader": (old.grader, new.grader),
            "unreadable": (old.store.manifest.unreadable, new.store.manifest.unreadable),
            "accounting": (old.store.manifest.accounting, new.store.manifest.accounting),
            "right final answers": (
                old.store.load().right_final_share(),
                new.store.load().right_final_share(),
            ),
            "classes": (_classes(old.store), _classes(new.store)),
            "tokens a branch costs": (_cost(old.store), _cost(new.store)),
        },
        questions_changed=len({change.question for change in changes}),
        branches_changed=len(branches),
        changes=changes,
    )


def _columns(store: ReplayStore, name: str) -> dict[str, list[Any]]:
    table = read_table(store.path, name, store.manifest.files.get(name))
    return dict(table.to_pydict())


def _refuse_other_traces(old: ReplayStore, new: ReplayStore) -> None:
    for name, entry in old.manifest.files.items():
        other = new.manifest.files.get(name)
        if name != ANSWERS and (other is None or other.sha256 != entry.sha256):
            raise StoreError(
                f"{old.path} and {new.path} hold different traces: their {name} differ. "
                "Compare a store with what `autotts traces grade` made of it."
            )


def _steps(store: ReplayStore) -> tuple[dict[tuple[int, int], list[int]], dict[Any, int]]:
    """By question and answer: the branches that end with it, and how many probes reveal it."""
    ends: dict[tuple[int, int], list[int]] = {}
    branches = _columns(store, BRANCHES)
    for question, branch, answer in zip(
        branches["question"], branches["branch"], branches["final_answer"], strict=True
    ):
        ends.setdefault((question, answer), []).append(branch)
    probes = _columns(store, PROBES)
    counts: dict[Any, int] = {}
    for key in zip(probes["question"], probes["answer"], strict=True):
        counts[key] = counts.get(key, 0) + 1
    return ends, counts


def _question_changes(old: _Graded, new: _Graded, question: int, steps: Any) -> list[Change]:
    rows = [row for row, number in enumerate(old.answers["question"]) if number == question]
    text = [old.answers["text"][row] for row in rows]
    members = [_members(each, rows) for each in (old, new)]
    gold = old.store.gold_answers[question]
    ends, counts = steps
    changes = []
    for row, answer in zip(rows, text, strict=True):
        before, after = (_verdict(each, row) for each in (old, new))
        together = [
            set(group[each.answers["answer_class"][row]])
            for each, group in zip((old, new), members, strict=True)
        ]
        if before == after and together[0] == together[1]:
            continue
        changes.append(
            Change(
                question=question,
                id=old.store.question_ids[question],
                gold_answer=gold,
                answer=answer,
                old=before,
                new=after,
                why=_why(old, new, row, gold, (before, after), together),
                branches=ends.get((question, old.answers["answer"][row]), []),
                probes=counts.get((question, old.answers["answer"][row]), 0),
            )
        )
    return changes


def _members(graded: _Graded, rows: list[int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for row in rows:
        groups.setdefault(graded.answers["answer_class"][row], []).append(row)
    return groups


def _verdict(graded: _Graded, row: int) -> str:
    if graded.answers["answer_class"][row] < 0:
        return "apart"
    return "right" if graded.answers["correct"][row] else "wrong"


def _why(
    old: _Graded,
    new: _Graded,
    row: int,
    gold: str,
    verdicts: tuple[str, str],
    together: list[set[int]],
) -> str:
    if verdicts[1] == "apart":
        return f"{new.grader} cannot read it, and it is set apart"
    if verdicts[0] != verdicts[1] and "right" in verdicts:
        is_right = verdicts[1] == "right"
        return f"{new.grader}: {'the same as' if is_right else 'not the same as'} gold {gold!r}"
    joined, left = sorted(together[1] - together[0]), sorted(together[0] - together[1])
    text = old.answers["text"]
    if joined:
        others = f" and {len(joined) - 1} more" if len(joined) > 1 else ""
        return f"{new.grader}: the same as {text[joined[0]]!r}{others}"
    if left:
        others = f" and {len(left) - 1} more" if len(left) > 1 else ""
        return f"{new.grader}: not the same as {text[left[0]]!r}{others}"
    return f"{old.grader} set it apart"


def _classes(store: ReplayStore) -> int:
    return int(store.load().class_start[-1])


def _cost(store: ReplayStore) -> float:
    """Mean tokens that a branch costs, advanced to its end one interval at a time."""
    arrays = store.load()
    tokens = arrays.branch_tokens.astype(np.int64)
    if not arrays.exact_accounting:
        probes = np.diff(arrays.step_start) - 1
        tokens = np.maximum(tokens, probes * arrays.interval_tokens)
    return float(tokens.mean())
