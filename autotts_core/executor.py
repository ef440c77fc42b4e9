"""The executor contract: where independent shards of work run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, TypeVar

from autotts_core.component import Component

Shard = TypeVar("Shard")
Result = TypeVar("Result")


class Executor(Component, ABC):
    """Runs a function over shards. A shard is idempotent: a lost one is simply done again.

    Function, shards and results can be pickled. Wherever a shard runs, the same distributions
    are installed, and files have the same names as here.
    """

    kind: ClassVar[str] = "executor"

    @property
    @abstractmethod
    def workers(self) -> int:
        """Shards that run at a time, at least 1: work is cut into as many.

        Raises `AutoTTSError` where none can run here.
        """

    @abstractmethod
    def map(
        self, function: Callable[[Shard], Result], shards: Sequence[Shard]
    ) -> Iterator[tuple[int, Result]]:
        """Yield (index of the shard, its result) as shards finish, in any order.

        An `AutoTTSError` that `function` raises is raised as it is, for trying again would not
        help. No shard is at work twice at a time, and none is once the iterator is closed.
        """
