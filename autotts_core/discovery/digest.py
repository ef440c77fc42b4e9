"""What went wrong under a controller, and where its tokens went: evidence for explorers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np

from autotts_core.evaluation import self_consistency
from autotts_core.evaluator.parent import EpisodeKey
from autotts_core.frontier import Frontier, Point
from autotts_core.replay.interpreted import ReplayedEpisode
from autotts_core.replay.orders import branch_orders
from autotts_core.store import ReplayStore

SAMPLED_SEEDS = 2
"""Seeds of each question whose episodes are looked into."""

_MOST_LOST = 20
_LOST = 10.0
"""Percentage points over seeds from which on a question counts as lost."""


@dataclass(frozen=True, slots=True)
class LostQuestion:
    """A question answered right less often than by what it is compared with, in per cent."""

    store: str
    question: int
    accuracy: float
    compared: float


@dataclass(frozen=True, slots=True)
class Waste:
    """Means over the sampled episodes of one store.

    `decided_share` is the share of tokens spent after the answer was already decided: from
    there on the leader of all latest answers was the answer given. `pruned_right` counts
    branches that were pruned though their end is right, `stopped_early` the share of episodes
    that stopped wrong where SC@64, which spends more, is right.
    """

    store: str
    episodes: int
    decided_share: float
    pruned_right: float
    stopped_early: float
    stops: dict[str, float]


@dataclass(frozen=True, slots=True)
class Digest:
    """The failures of one proposal at `beta`, the β at which it does best."""

    beta: float | None
    lost_to_sc64: tuple[LostQuestion, ...]
    lost_to_best: tuple[LostQuestion, ...]
    waste: tuple[Waste, ...]

    def to_json(self) -> str:
        """The text of `digest.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Digest:
        """What `to_json` wrote."""
        values: Mapping[str, Any] = json.loads(text)
        return cls(
            values["beta"],
            tuple(LostQuestion(**each) for each in values["lost_to_sc64"]),
            tuple(LostQuestion(**each) for each in values["lost_to_best"]),
            tuple(Waste(**each) for each in values["waste"]),
        )


def sampled_episodes(frontier: Frontier) -> list[EpisodeKey]:
    """The episodes that `digest` needs."""
    point = frontier.best
    return [
        EpisodeKey(store, question, seed, point.beta or 0.0)
        for store, questions in enumerate(point.questions)
        for question in range(len(questions.accuracy))
        for seed in range(SAMPLED_SEEDS)
    ]


def digest(
    frontier: Frontier,
    stores: Sequence[ReplayStore],
    seeds: range,
    best: Frontier | None,
    keys: Sequence[EpisodeKey],
    episodes: Sequence[ReplayedEpisode],
) -> Digest:
    """The digest of `frontier`; `best` is the best one before it, `episodes` those of `keys`."""
    point = frontier.best
    sc64 = [self_consistency(store, seeds).accuracy for store in stores]
    before = [q.accuracy for q in best.best.questions] if best else None
    by_store = groupby(zip(keys, episodes, strict=True), key=lambda pair: pair[0].store)
    return Digest(
        beta=point.beta,
        lost_to_sc64=_lost(point, sc64),
        lost_to_best=_lost(point, before) if before else (),
        waste=tuple(_waste(stores[number], list(pairs)) for number, pairs in by_store),
    )


def _lost(point: Point, compared: Sequence[Any]) -> tuple[LostQuestion, ...]:
    lost = [
        LostQuestion(score.store, q, float(mine), float(theirs))
        for score, questions, others in zip(point.scores, point.questions, compared, strict=True)
        for q, (mine, theirs) in enumerate(zip(questions.accuracy, others, strict=True))
        if theirs - mine >= _LOST
    ]
    return tuple(sorted(lost, key=lambda each: each.accuracy - each.compared)[:_MOST_LOST])


def _waste(store: ReplayStore, pairs: Sequence[tuple[EpisodeKey, ReplayedEpisode]]) -> Waste:
    arrays = store.load()
    final = arrays.step_class[arrays.step_start[1:] - 1]
    spent = wasted = pruned_right = stopped_early = 0
    stops: Counter[str] = Counter()
    for key, episode in pairs:
        first, last = arrays.branch_start[key.question : key.question + 2].tolist()
        order = branch_orders(last - first, range(key.seed, key.seed + 1))[0]
        right = arrays.class_correct[slice(*arrays.class_start[key.question :][:2].tolist())]
        spent += episode.record.spent
        wasted += _tokens_after_decision(episode)
        for i in range(episode.record.branches):
            end = final[first + order[i]]
            pruned_right += int(episode.record.pruned(i) and end >= 0 and right[end])
        correct = episode.answer_class >= 0 and right[episode.answer_class]
        sc64 = self_consistency(store, range(key.seed, key.seed + 1))
        cheaper = episode.record.spent < sc64.tokens[key.question, 0]
        stopped_early += int(not correct and sc64.correct[key.question, 0] and cheaper)
        stops[episode.stop] += 1
    count = len(pairs)
    return Waste(
        store=store.name,
        episodes=count,
        decided_share=wasted / spent if spent else 0.0,
        pruned_right=pruned_right / count,
        stopped_early=stopped_early / count,
        stops={reason: times / count for reason, times in stops.most_common()},
    )


def _tokens_after_decision(episode: ReplayedEpisode) -> int:
    """Tokens spent after the leader of the latest answers was the final answer for good."""
    record = episode.record
    answer = record.revealed.index(episode.answer_class) if episode.answer_class >= 0 else -1
    latest: dict[int, int] = {}
    votes = np.zeros(len(record.revealed) + 1, np.int64)
    tokens: dict[int, int] = {}
    spent = 0
    decided_at: int | None = None
    for _, batch in groupby(record.actions(), key=lambda action: action.batch):
        for action in batch:
            if action.branch in latest:
                votes[latest.pop(action.branch)] -= 1
            if action.kind != "prune" and action.answer >= 0:
                latest[action.branch] = action.answer
                votes[action.answer] += 1
            spent += action.tokens - tokens.get(action.branch, 0)
            tokens[action.branch] = action.tokens
        # Of equals, each counts as leading: what matters is how long another one was ahead.
        if answer < 0 or votes[answer] < votes.max():
            decided_at = None
        elif decided_at is None:
            decided_at = spent
    return 0 if decided_at is None else spent - decided_at
