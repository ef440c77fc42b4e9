"""Workers for untrusted code, forked from a template process that is kept warm."""

from __future__ import annotations

import atexit
import fcntl
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO

from autotts_core.errors import AutoTTSError
from autotts_core.evaluator.template import STATUS, described
from autotts_core.processes import child_process
from autotts_core.wire import WireError, receive, send

if TYPE_CHECKING:
    from autotts_core.store import ReplayStore

_KEPT = 2
"""Templates that are kept warm: the search set's, and an auditor's that has no stores."""


class MachineryError(AutoTTSError):
    """An evaluation that failed through no fault of the controller."""


class ConfinementError(AutoTTSError):
    """This system cannot confine untrusted code, and nobody said that it need not be."""


@dataclass
class Worker:
    """A running worker with a pipe in each direction, in a process group of its own."""

    pid: int
    requests: BinaryIO
    replies: BinaryIO
    _control: socket.socket

    def kill(self) -> None:
        """Kill it, and every process that it started in its group."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    def wait(self) -> int:
        """The status with which it ended; a signal as its negative number."""
        return _status(self._control)


class Template:
    """The template process of some stores; see `autotts_core.evaluator.template`."""

    def __init__(
        self, stores: Sequence[ReplayStore], layers: tuple[str, ...], compiles: bool
    ) -> None:
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._errors: IO[bytes] = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self._forks, theirs = socket.socketpair()
        self._stack.callback(self._forks.close)
        try:
            with theirs:
                self._process = self._stack.enter_context(
                    child_process(
                        "autotts_core.evaluator.template",
                        _environment(),
                        subprocess.DEVNULL,
                        self._errors,
                        (theirs.fileno(),),
                    )
                )
            about, arrays = described(stores)
            send(
                self._process.requests,
                {"stores": about, "layers": layers, "compiles": compiles},
                arrays,
            )
            held, _ = receive(self._process.replies, 0)
            self.held: dict[str, str | None] = held["held"]
            receive(self._process.replies, 0)
        except (WireError, OSError) as error:
            said = self.said()
            self._stack.close()
            raise MachineryError(
                f"The process that evaluates controllers did not start ({error}).\n{said}"
            ) from error

    def said(self) -> str:
        """The end of what the process wrote on standard error."""
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode(errors="replace")

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """A new worker, which is killed at the end; raises `MachineryError`."""
        incoming, requests = os.pipe()
        replies, outgoing = os.pipe()
        _widen(outgoing)
        control, theirs = socket.socketpair()
        worker = Worker(0, os.fdopen(requests, "wb"), os.fdopen(replies, "rb"), control)
        try:
            try:
                with self._lock, theirs:
                    socket.send_fds(self._forks, [b"f"], [incoming, outgoing, theirs.fileno()])
                worker.pid = _status(control)
            except OSError as error:
                forget(self)
                raise MachineryError(
                    f"No process could be started: {error}.\n{self.said()}"
                ) from error
            finally:
                os.close(incoming)
                os.close(outgoing)
            yield worker
        finally:
            worker.kill()
            with suppress(OSError):
                worker.wait()
            control.close()
            worker.replies.close()
            with suppress(OSError):
                worker.requests.close()

    def close(self) -> None:
        """End the process, and with it every worker."""
        self._stack.close()


_templates: dict[object, Template] = {}
_templates_lock = threading.Lock()


def template(stores: Sequence[ReplayStore], layers: tuple[str, ...], compiles: bool) -> Template:
    """The warm template of these stores, from whose workers `layers` take what they can.

    It is ready to compile at once where it `compiles`, which takes it seconds to be.

    Raises `ConfinementError` where one of them does not hold on this system.
    """
    key = (os.getpid(), tuple(store.digest for store in stores), layers, compiles)
    with _templates_lock:
        found = _templates.pop(key, None) or Template(stores, layers, compiles)
        # In the order of their last use.
        _templates[key] = found
        for old in list(_templates)[:-_KEPT]:
            _templates.pop(old).close()
    missing = {layer: reason for layer, reason in found.held.items() if reason}
    if missing:
        told = "; ".join(f"{layer}: {reason}" for layer, reason in missing.items())
        raise ConfinementError(
            f"This system cannot confine untrusted code ({told}). Run on Linux 5.13 or newer, or "
            "say --unconfined to run code that others wrote with time and memory limits only."
        )
    return found


def confinement(layers: tuple[str, ...]) -> str:
    """What confines workers on this system, by name; errors as `template` has."""
    return ", ".join(template((), layers, compiles=False).held)


def forget(broken: Template) -> None:
    """Start anew where this template would have been used."""
    with _templates_lock:
        for key in [key for key, each in _templates.items() if each is broken]:
            del _templates[key]
    broken.close()


@atexit.register
def _close_all() -> None:
    while _templates:
        _templates.popitem()[1].close()


def _widen(pipe: int) -> None:
    """Let a pipe take as much at a time as an unprivileged process may ask for."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 2**20)


def _status(control: socket.socket) -> int:
    content = b""
    while len(content) < STATUS.size:
        more = control.recv(STATUS.size - len(content))
        if not more:
            raise ConnectionError("the process that starts workers has gone")
        content += more
    (status,) = STATUS.unpack(content)
    return int(status)


def _environment() -> dict[str, str]:
    """What workers may know of this process's environment: no keys, no caches."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {
        **kept,
        # A place where nothing can be written: compiled untrusted code is kept nowhere.
        "AUTOTTS_CACHE_DIR": os.path.join(os.devnull, "none"),  # noqa: PTH118
        # A process that forks must have one thread.
        "OPENBLAS_NUM_THREADS": "1",
    }
