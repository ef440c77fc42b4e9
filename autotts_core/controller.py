"""The controller contract."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from autotts_core.component import Component
from autotts_core.episode import Episode

Params = dict[str, int | float | bool]


class Controller(Component, ABC):
    """A program that spends tokens on one question and answers it.

    `schedule` turns the one scalar β into the policy's parameters; `policy` acts. The source
    of `policy`, and of the functions it calls, runs compiled, interpreted and live: it is a
    plain function over the episode, its parameters, numbers, lists and numpy arrays.

    A trailing comment on a `return` of the policy says why it stops there; evaluation counts
    by it.
    """

    kind: ClassVar[str] = "controller"
    increasing: ClassVar[tuple[str, ...]] = ()
    """Parameters that never fall as β grows."""
    decreasing: ClassVar[tuple[str, ...]] = ()
    """Parameters that never rise as β grows."""

    @abstractmethod
    def schedule(self, beta: float) -> Params:
        """The policy's parameters at `beta` in [0, 1]: deterministic, the same keys for each β."""

    @staticmethod
    @abstractmethod
    def policy(episode: Episode, p: Any) -> int:
        """Answer one question; `p` has the schedule's parameters as attributes.

        Returns an answer id that the episode revealed, or -1 for no answer.
        """
