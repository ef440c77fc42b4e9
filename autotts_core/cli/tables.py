"""Where tables are printed."""

from rich.console import Console

PIPED_WIDTH = 200
"""Columns where standard output is no terminal: a file has no width to fit into."""


def table_console() -> Console:
    """Standard output, in which nothing that a table holds is read as markup."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console
