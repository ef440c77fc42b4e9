"""Landlock: a process of Linux gives up access to files, for itself and all that it starts.

https://docs.kernel.org/userspace-api/landlock.html; the system calls' numbers are those of every
architecture that has them.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_SET_NO_NEW_PRIVS = 38

READ_FILE, READ_DIR, REFER = 1 << 2, 1 << 3, 1 << 13
_OF_FILES = 0b1_0111 | 1 << 14 | 1 << 15  # what may be allowed on what is no directory


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version() -> int:
    """The version of Landlock that the kernel has; raises `OSError` where it has none."""
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, "not on this system")
    return _call(_CREATE_RULESET, None, 0, 1)


def all_of_files(version: int) -> int:
    """Every access to files that a kernel with this version can take away."""
    newest = {1: 12, 2: 13, 3: 14, 4: 14}.get(version, 15)
    return (1 << newest + 1) - 1


def restrict(handled: int, allowed: Iterable[tuple[Path, int]], alone: bool = False) -> None:
    """Give up the access `handled`, except what is `allowed` below each path, for good.

    `alone` also gives up TCP, and signals and abstract sockets to processes outside, where the
    kernel can. Raises `OSError` where nothing was given up.
    """
    newest = version()
    attributes = _Ruleset(
        handled, 3 if alone and newest >= 4 else 0, 3 if alone and newest >= 6 else 0
    )
    # An older kernel takes the structure's older and shorter form.
    size = 24 if newest >= 6 else 16 if newest >= 4 else 8
    ruleset = _call(_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    try:
        for path, access in allowed:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                access &= handled if path.is_dir() else handled & _OF_FILES
                rule = _PathBeneath(access, descriptor)
                _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
            finally:
                os.close(descriptor)
        set_no_new_privileges()
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def set_no_new_privileges() -> None:
    """Never gain privileges by executing a file: what restricting oneself asks for."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _call(number: int, *arguments: Any) -> int:
    result = int(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
