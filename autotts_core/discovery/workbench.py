"""The workbench: all that an explorer sees of a run, and may do in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotts_core.discovery.history import History
    from autotts_core.frontier import Frontier
    from autotts_core.replay.interpreted import ReplayedEpisode
    from autotts_core.store import ReplayStore


class Workbench:
    """One round of a run, as its explorer sees it. Nothing of the held-out set is on it."""

    stores: Sequence[ReplayStore]
    """The search set."""
    betas: tuple[float, ...]
    """The β grid on which proposals are scored."""
    seeds: range
    """The seeds with which each question is replayed."""
    round: int
    """The number of this round, from 1."""
    rounds: int
    """The number of rounds that the run has at most."""
    seed: tuple[int, ...]
    """For `numpy.random.default_rng` and the like: differs from round to round."""
    workers: int
    """Cores to use; results may not depend on it."""
    history: History
    """Everything proposed so far, with scores, digests and faults."""
    baselines: Sequence[Frontier]
    """What there is to beat, on the search set."""

    def evaluate(self, source: str) -> Frontier:
        """Check `source` and score it on the search set, in a process of its own.

        Free of charge and remembered by content. Raises `ControllerError` that says what is
        wrong with the controller, and where.
        """
        raise NotImplementedError

    def episode(
        self, source: str, store: ReplayStore, question: int, seed: int, beta: float
    ) -> ReplayedEpisode:
        """One episode with every action and what it revealed; errors as `evaluate` has."""
        raise NotImplementedError

    def value(self, frontier: Frontier) -> float:
        """What the run's selection rule makes of a frontier: larger is better."""
        raise NotImplementedError

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """The JSON value of `compute()`, computed once in the life of the run.

        It is on disk before this returns; when the round is taken up again after an
        interruption, the same `name` gives the same value and nothing is computed.
        """
        raise NotImplementedError

    def charge(self, name: str, dollars: float) -> None:
        """Book `dollars`; charging the same `name` of a round again changes nothing."""
        raise NotImplementedError

    @property
    def dollars_left(self) -> float:
        """What the budget leaves; infinite without one."""
        raise NotImplementedError

    @property
    def seconds_left(self) -> float:
        """What the budget leaves; infinite without one."""
        raise NotImplementedError

    def progress(self, candidates: int, note: str = "") -> None:
        """Tell whoever watches the run how many candidates were tried so far in this round."""
        raise NotImplementedError
