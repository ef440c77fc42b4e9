"""The explorers `claude` and `claude-code`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.explorer import Explorer

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_explorers() -> list[type[Explorer]]:
    """`claude` and `claude-code`."""
    from autotts_claude.code import ClaudeCode
    from autotts_claude.explorer import Claude

    return [Claude, ClaudeCode]
