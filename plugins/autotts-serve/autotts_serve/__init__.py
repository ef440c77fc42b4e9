"""`autotts serve`: an OpenAI-compatible endpoint with a controller behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_commands(cli: click.Group) -> None:
    """`autotts serve`."""
    from autotts_serve.command import serve

    cli.add_command(serve)
