"""The executor contract: where independent shards of work run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, TypeVar

from autotts_core.component import Component

Shard = TypeVar("Shard")
Result = TypeVar("Result")


class Executor(Component, ABC):
    """Runs a function over shards. A shard is idempotent: a lost one is simply done again."""

    kind: ClassVar[str] = "executor"

    @abstractmethod
    def map(
        self, function: Callable[[Shard], Result], shards: Sequence[Shard]
    ) -> Iterator[tuple[int, Result]]:
        """Yield (index of the shard, its result) as shards finish, in any order."""
