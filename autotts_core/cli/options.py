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


def confidence_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How confidence is measured, as `top_logprobs` and `confidence_window`."""
    window = click.option(
        "--confidence-window",
        default=2048,
        show_default=True,
        type=click.IntRange(min=1),
        help="Tokens in a row over which confidence is averaged.",
    )
    likeliest = click.option(
        "--confidence",
        "top_logprobs",
        default=0,
        metavar="K",
        type=click.IntRange(min=0),
        help="Measure confidence by the K likeliest tokens; DeepConf takes 20.",
    )
    return likeliest(window(command))
