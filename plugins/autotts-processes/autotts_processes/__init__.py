"""The executor `processes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.executor import Executor

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_executors() -> list[type[Executor]]:
    """`processes`."""
    from autotts_processes.executor import Processes

    return [Processes]
