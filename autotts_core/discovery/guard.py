"""Keeps held-out traces out of the reach of the process that searches.

Twice: an audit hook refuses, on any system, what opens them by accident; and where the kernel
has Landlock, the files are no longer in the process's view at all, nor in its children's.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# https://docs.kernel.org/userspace-api/landlock.html; the numbers are those of every
# architecture that has the calls.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_READ_FILE, _REFER = 1 << 2, 1 << 13
_SET_NO_NEW_PRIVS = 38


class HeldOutError(PermissionError):
    """The search tried to read a held-out store."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


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
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, "not on this system")
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number: int, *arguments: Any) -> int:
        result = int(libc.syscall(number, *arguments))
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return result

    version = call(_CREATE_RULESET, None, 0, 1)
    # Directories stay listable: Python lists those on its path, which may hold hidden stores.
    # Moving files between directories is forbidden unless it is named, from version 2 on.
    handled = _READ_FILE | (_REFER if version >= 2 else 0)
    attributes = _Ruleset(handled)
    ruleset = call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
    try:
        for path in _all_but(hidden):
            try:
                descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                rule = _PathBeneath(handled if path.is_dir() else _READ_FILE, descriptor)
                call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
            finally:
                os.close(descriptor)
        if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


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
