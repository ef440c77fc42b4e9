"""Takes from a process of Linux whatever a controller does not need, before untrusted code runs.

Three layers, each applied by a process to itself and not to be lifted again: `seccomp` leaves
it the system calls that computing takes, `landlock` the files that Python is made of, `limits`
bound time, memory and files. `held` finds out, by trying, what they really stop.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import resource
import signal
import socket
import struct
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import autotts_core
from autotts_core import landlock

LAYERS = ("seccomp", "landlock", "limits")
"""From the kernel, in the order in which they are named to people."""

LIMITS_ONLY = ("limits",)
"""What is left of them under `--unconfined`."""

# A system call's number on x86-64 and on 64-bit ARM, None where it has none. Sources:
# arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
_ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "poll": (7, None),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "access": (21, None),
    "select": (23, None),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "uname": (63, 160),
    "getcwd": (79, 17),
    "readlink": (89, None),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "getppid": (110, 173),
    "sigaltstack": (131, 132),
    "arch_prctl": (158, None),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "getdents64": (217, 61),
    "set_tid_address": (218, 96),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "newfstatat": (262, 79),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "ppoll": (271, 73),
    "set_robust_list": (273, 99),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "statx": (332, 291),
    "rseq": (334, 293),
    "faccessat2": (439, 439),
}
_CLONE, _CLONE3, _PRLIMIT, _TGKILL = (56, 220), (435, 435), (302, 261), (234, 131)
_OPEN, _OPENAT, _FCNTL, _IOCTL = (2, None), (257, 56), (72, 25), (16, 29)
_CLONE_THREAD = 0x10000
# To write, to create, to empty.
_CHANGES_FILES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# About descriptors alone: others let the kernel send signals to whom they name.
_FCNTL_COMMANDS = (
    fcntl.F_GETFD,
    fcntl.F_SETFD,
    fcntl.F_GETFL,
    fcntl.F_DUPFD,
    fcntl.F_DUPFD_CLOEXEC,
)
_IOCTL_COMMANDS = (0x5401, 0x5451)  # whether it is a terminal; close it on execution
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_SET_SECCOMP, _SECCOMP_FILTER, _SET_DEATH_SIGNAL = 22, 2, 1
_NUMBER, _ARCHITECTURE = 0, 4
_ARGUMENTS = range(16, 64, 8)  # the lower halves of six
_DENY = (_RETURN, 0, 0, _FAIL | errno.EPERM)


_Line = tuple[int, int, int, int]
"""Of a filter: what it does, lines to skip where it holds, and where it does not, an operand."""


def confine(layers: Collection[str], cpu_seconds: int, memory_bytes: int) -> None:
    """Apply `layers` to this process, which must have one thread; raises `OSError`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if "limits" in layers:
        limit(cpu_seconds, memory_bytes)
    if "landlock" in layers:
        readable = landlock.READ_FILE | landlock.READ_DIR
        landlock.restrict(
            landlock.all_of_files(landlock.version()),
            ((path, readable) for path in _code()),
            alone=True,
        )
    if "seccomp" in layers:
        _filter_system_calls()


def limit(cpu_seconds: int, memory_bytes: int) -> None:
    """Bound CPU time and address space; allow no file to grow."""
    for kind, most, grace in (
        # At the first a signal that says so, then the end.
        (resource.RLIMIT_CPU, cpu_seconds, 1),
        (resource.RLIMIT_AS, memory_bytes, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, 64, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        soft, hard = (
            each if hard == resource.RLIM_INFINITY else min(each, hard)
            for each in (most, most + grace)
        )
        # macOS has no limit on address space.
        with suppress(ValueError) if sys.platform == "darwin" else nullcontext():
            resource.setrlimit(kind, (soft, hard))


def _code() -> Iterator[Path]:
    """Where Python, its libraries and this package are."""
    named = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    named |= {"/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache"}
    for path in (*named, *autotts_core.__path__):
        yield Path(path).resolve()


def _one_of(argument: int, *values: int, upper: bool = False) -> list[_Line]:
    """Deny unless (half of) a system call's argument has one of `values`."""
    compared = [(_EQUAL, len(values) - k, 0, value) for k, value in enumerate(values)]
    return [(_LOAD, 0, 0, _ARGUMENTS[argument] + 4 * upper), *compared, _DENY]


def _filter_system_calls() -> None:
    """Fail every system call that is not listed, with the error "not permitted"."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        raise OSError(errno.ENOTSUP, f"no filter for {sys.platform} on {platform.machine()}")
    column, architecture = _ARCHITECTURES[platform.machine()]

    def where(numbers: tuple[int | None, int | None], *conditions: _Line) -> list[_Line]:
        """Allow a system call where the last of `conditions` does not leave by `_DENY`."""
        number = numbers[column]
        if number is None:
            return []
        return [(_EQUAL, 0, len(conditions) + 1, number), *conditions, (_RETURN, 0, 0, _ALLOW)]

    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        # The C library then falls back on `clone`, whose flags a filter can read.
        (_EQUAL, 0, 1, _CLONE3[column]),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        # New threads, but no new processes.
        *where(_CLONE, (_LOAD, 0, 0, _ARGUMENTS[0]), (_ANY_BIT, 1, 0, _CLONE_THREAD), _DENY),
        # Limits may be read, but not set: root could raise them.
        *where(_PRLIMIT, *_one_of(2, 0), *_one_of(2, 0, upper=True)),
        # Signals to itself alone, which is how it aborts.
        *where(_TGKILL, *_one_of(0, os.getpid())),
        *where(_FCNTL, *_one_of(1, *_FCNTL_COMMANDS)),
        *where(_IOCTL, *_one_of(1, *_IOCTL_COMMANDS)),
        *where(_OPEN, (_LOAD, 0, 0, _ARGUMENTS[1]), (_ANY_BIT, 0, 1, _CHANGES_FILES), _DENY),
        *where(_OPENAT, (_LOAD, 0, 0, _ARGUMENTS[2]), (_ANY_BIT, 0, 1, _CHANGES_FILES), _DENY),
    ]
    for numbers in _ALLOWED.values():
        program += where(numbers)
    program.append(_DENY)
    packed = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(packed)
    header = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    landlock.set_no_new_privileges()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.create_string_buffer(header), 0, 0) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def held(layers: Collection[str]) -> dict[str, str | None]:
    """What of `layers` holds on this system: for each None, or why it does not.

    Tries each in a process of its own that does what the layer must not let it do. The caller
    must have one thread.
    """
    return {layer: _tried(layer) for layer in LAYERS if layer in layers}


def _tried(layer: str) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_text("not to be read")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, (_leak(layer, file) or "").encode()[:1000])
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as said:
            text = said.read().decode(errors="replace")
        _, status = os.waitpid(child, 0)
    if status != 0:
        return f"trying it ended with status {status}"
    return text or None


def _leak(layer: str, file: Path) -> str | None:
    """In a process of its own: what gets through `layer`, in words."""
    attempts: dict[str, dict[str, Callable[[], object]]] = {
        "seccomp": {
            "opens sockets": socket.socket,
            "starts processes": _fork,
            "raises limits": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
            "sends signals": lambda: os.kill(os.getppid(), 0),
            "sends signals to threads": lambda: _signal_thread(os.getppid()),
            "writes files": lambda: file.write_text("more"),
        },
        "landlock": {
            "reads files": file.read_bytes,
            "writes files": lambda: (file.parent / "new").touch(),
            "reads /proc": lambda: Path("/proc/self/environ").read_bytes(),
        },
        "limits": {
            "takes memory": lambda: bytearray(2**33),
            "grows files": lambda: file.write_text("more"),
        },
    }
    try:
        confine((layer,), 10, 2**32)
    except OSError as error:
        return str(error.strerror or error)
    leaks = []
    for name, attempt in attempts[layer].items():
        with suppress(OSError, MemoryError):
            attempt()
            leaks.append(name)
    return "still " + ", ".join(leaks) if leaks else None


def _signal_thread(process: int) -> None:
    number = _TGKILL[_ARCHITECTURES[platform.machine()][0]]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, process, process, 0) < 0:
        raise OSError(ctypes.get_errno(), "not permitted")


def _fork() -> None:
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)
