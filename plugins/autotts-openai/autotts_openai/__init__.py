"""The explorer `openai`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.explorer import Explorer

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_explorers() -> list[type[Explorer]]:
    """`openai`."""
    from autotts_openai.explorer import OpenAIExplorer

    return [OpenAIExplorer]
