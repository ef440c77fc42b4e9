"""Explorers that search a space of policies and call no model, and a tuner of constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.explorer import Explorer
    from autotts_core.tuner import Tuner

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_explorers() -> list[type[Explorer]]:
    """`random-search`."""
    from autotts_search.random_search import RandomSearch

    return [RandomSearch]


@hookimpl
def autotts_register_tuners() -> list[type[Tuner]]:
    """`constants`."""
    from autotts_search.constants import Constants

    return [Constants]
