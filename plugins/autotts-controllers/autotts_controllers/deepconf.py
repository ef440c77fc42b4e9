"""DeepConf: vote by confidence, and stop branches that lack it (Fu et al., 2025).

A branch's confidence is the lowest of its groups', `Episode.confidence`; where the store has none,
every branch weighs the same and none is stopped.
"""

import math
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from autotts_controllers.weighted_votes import cast, leading
from autotts_core.component import Options
from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode

Percentage = Annotated[float, Field(gt=0, le=100)]


class OfflineOptions(Options):
    branches: PositiveInt = 64
    """Branches to read."""
    eta: Percentage = 10.0
    """Per cent of them that vote: the most confident."""


class DeepConfOffline(Controller):
    """DeepConf (arXiv 2508.15260), offline: confidence filtering and weighted majority voting."""

    name = "deepconf-offline"
    summary = "Read N branches; the most confident vote, with their confidence as weight"
    Options = OfflineOptions
    options: OfflineOptions

    def schedule(self, beta: float) -> Params:
        return {"branches": self.options.branches, "eta": self.options.eta}

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.branches):
            episode.read()
        threshold = lowest_of_top(episode, p.eta)
        votes = [0.0]
        for i in range(episode.branches):
            vote(episode, votes, i, threshold)
        return leading(votes)  # all branches read


class OnlineOptions(Options):
    warm_up: PositiveInt = 16
    """Branches read whole, which set the threshold."""
    branches: PositiveInt = 64
    """Branches to open at most, those of the warm-up included."""
    wave: PositiveInt = 8
    """Branches that run side by side after the warm-up, between two looks at the consensus."""
    eta: Percentage | None = None
    """Per cent of the warm-up's branches that reach the threshold; 10 + 80 β unless told."""
    tau: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Stop when the leader has this share of the votes."""


class DeepConf(Controller):
    """DeepConf (arXiv 2508.15260), online: β = 0 is DeepConf-low, β = 1 DeepConf-high.

    The warm-up's branches vote, all of them, and of the others those that were not stopped.
    Confidence is looked at when an interval ends, not after every token.
    """

    name = "deepconf"
    summary = "Stop branches less confident than a warm-up's best; vote by confidence"
    Options = OnlineOptions
    options: OnlineOptions
    increasing = ("eta",)

    def schedule(self, beta: float) -> Params:
        eta = 10.0 + 80.0 * beta if self.options.eta is None else self.options.eta
        return self.options.model_dump() | {"eta": eta}

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(min(p.warm_up, p.branches)):
            episode.read()
        threshold = lowest_of_top(episode, p.eta)
        votes = [0.0]
        for i in range(episode.branches):
            vote(episode, votes, i, 0.0)
        while consensus(votes) < p.tau:
            first = episode.branches
            for _ in range(min(p.wave, p.branches - first)):
                episode.branch()
            if episode.branches == first:
                return leading(votes)  # all branches opened
            run_confident(episode, first, threshold)
            for i in range(first, episode.branches):
                vote(episode, votes, i, threshold)
        return leading(votes)  # consensus


def lowest_of_top(episode: Episode, eta: float) -> float:
    """The confidence that `eta` per cent of the branches reach; nan without any.

    The percentile 100 - eta, interpolated linearly.
    """
    ranked = []
    for i in range(episode.branches):
        confidence = episode.confidence(i)
        if not math.isnan(confidence):
            ranked.append(confidence)
    if len(ranked) == 0:
        return math.nan
    ranked.sort()
    place = (len(ranked) - 1) * (100.0 - eta) / 100.0
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (place - below) * (ranked[above] - ranked[below])


def vote(episode: Episode, votes: list[float], i: int, threshold: float) -> None:
    """Let branch `i` vote, if it is finished and no less confident than `threshold`."""
    confidence = episode.confidence(i)
    if episode.finished(i) and not confidence < threshold:
        cast(votes, episode.answer(i), 1.0 if math.isnan(confidence) else confidence)


def consensus(votes: list[float]) -> float:
    """The leader's share of the votes; 0 without votes."""
    total = sum(votes)
    return max(votes) / total if total > 0.0 else 0.0


def run_confident(episode: Episode, first: int, threshold: float) -> None:
    """Run the branches from `first` on to their ends, and prune those below `threshold`."""
    running = list(range(first, episode.branches))
    while len(running) > 0:
        kept = []
        for i in running:
            if not episode.finished(i):
                if episode.confidence(i) < threshold:
                    episode.prune(i)
                else:
                    kept.append(i)
        for i in kept:
            episode.advance(i)
        running = kept
