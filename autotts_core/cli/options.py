"""Options of components, as commands take them: KEY=VALUE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def key_value(text: str) -> tuple[str, str]:
    """The two sides of a `KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise click.BadParameter(f"{text!r} must have the form KEY=VALUE.")
    return key, value


def options_of(flag: str, name: str, whose: str) -> Callable[[Any], Any]:
    """A command's option `flag`, for options of the component that the command calls `whose`."""
    return click.option(
        flag,
        name,
        metavar="KEY=VALUE",
        multiple=True,
        callback=lambda context, parameter, values: dict(map(key_value, values)),
        help=f"An option of the {whose}; `autotts plugins show {whose.upper()}` lists them.",
    )
