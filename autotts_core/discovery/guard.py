"""Keeps held-out traces out of the reach of the process that searches.

Twice: an audit hook refuses, on any system, what opens them by accident; and where the kernel
has Landlock, the files are no longer in the process's view at all, nor in its children's.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from autotts_core import landlock


class HeldOutError(PermissionError):
    """The search tried to read a held-out store."""


def hide(paths: Sequence[Path]) -> str:
    """Make `paths`, and all that lies in them, unreadable for this process, for good.

    Returns in a few words what holds from now on.
    """
    hidden = [path.resolve() for path in paths]
    if not hidden:
        return "no held-out store to hide"
    _refuse_opening(hidden)
    try:
        _restrict(hidden)
    except OSError as error:
        return f"held-out stores refused by an audit hook only (Landlock: {error.strerror})"
    return "held-out stores hidden by Landlock, and refused by an audit hook"


def _refuse_opening(hidden: Sequence[Path]) -> None:
    prefixes = tuple(str(path) for path in hidden)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.listdir", "os.scandir") or not arguments:
            return
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        real = os.path.realpath(os.fsdecode(path))
        for prefix in prefixes:
            if real == prefix or real.startswith(prefix + os.sep):
                raise HeldOutError(
                    f"{real}: belongs to a held-out store, which nothing may read before a "
                    "controller is selected"
                )

    sys.addaudithook(refuse)


def _restrict(hidden: Sequence[Path]) -> None:
    """Landlock knows only what is allowed: all but `hidden` is, entry by entry on the way."""
    # Directories stay listable: Python lists those on its path, which may hold hidden stores.
    # Moving files between directories is forbidden unless it is named, from version 2 on.
    handled = landlock.READ_FILE | (landlock.REFER if landlock.version() >= 2 else 0)
    landlock.restrict(handled, ((path, handled) for path in _all_but(hidden)))


def _all_but(hidden: Sequence[Path]) -> Iterator[Path]:
    """The largest directories and files that together are everything except `hidden`."""
    on_the_way = {parent for path in hidden for parent in path.parents}
    for directory in sorted(on_the_way):
        try:
            entries = list(directory.iterdir())
        except OSError:
            continue
        for entry in entries:
            # Where a symbolic link points to is allowed, or not, for itself.
            if entry not in on_the_way and entry not in hidden and not entry.is_symlink():
                yield entry
