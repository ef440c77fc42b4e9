"""The process that confined workers are copies of.

It has loaded everything that replaying takes, and the search set's columns without gold answers
or answer texts; each worker starts as a fork of it, so that nothing is loaded, compiled or sent
twice, and what one worker does to its memory no other sees. It never runs untrusted code itself.

The first message brings the columns; every further one, on a socket, three descriptors for a new
worker: where its requests come from, where its replies go to, and a socket that tells it is to
end, by being closed, and that says how it has ended.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autotts_core.confinement import held
from autotts_core.evaluator import child
from autotts_core.processes import connect
from autotts_core.wire import WireError, receive, send

if TYPE_CHECKING:
    from autotts_core.evaluator.child import BlindStore

STATUS = struct.Struct(">q")
"""What a worker's socket says: its process id when it has started, its status when it ended."""

_MOST_STORES = 16 * 2**30
_EVERY, _WHERE_KILLED = 0.02, 0.001  # seconds between looks for workers that have ended


def main() -> None:
    """Start workers until nobody asks any more."""
    forks = socket.socket(fileno=int(sys.argv[4]))
    requests, replies = connect(watched=False)
    try:
        message, arrays = receive(requests, _MOST_STORES)
        layers = message["layers"]
        # Before numpy, which may start threads.
        send(replies, {"held": held(layers)})
        stores = child.blind_stores(message["stores"], arrays)
        if message["compiles"]:
            child.warm_up()
        send(replies, {"ready": True})
    except WireError:
        return
    _Template(forks, stores, layers).serve()


@dataclass
class _Worker:
    pid: int
    control: socket.socket
    killed: bool = False

    def kill(self) -> None:
        self.killed = True
        # By itself too: where it is only limited, it could have left its group.
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.kill_group()

    def kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class _Template:
    def __init__(
        self, forks: socket.socket, stores: list[BlindStore], layers: tuple[str, ...]
    ) -> None:
        self._forks = forks
        self._stores = stores
        self._layers = layers
        self._workers: dict[int, _Worker] = {}
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(forks, selectors.EVENT_READ, None)

    def serve(self) -> None:
        """Fork, kill and bury workers until the parent has gone, and all of them then."""
        try:
            while True:
                for key, _ in self._waiting.select(self._patience()):
                    if key.data is not None:
                        key.data.kill()
                        self._waiting.unregister(key.data.control)
                    elif not self._fork():
                        return
                self._bury()
        finally:
            for worker in self._workers.values():
                worker.kill()
                os.waitpid(worker.pid, 0)

    def _patience(self) -> float | None:
        if not self._workers:
            return None
        killed = any(worker.killed for worker in self._workers.values())
        return _WHERE_KILLED if killed else _EVERY

    def _fork(self) -> bool:
        _, descriptors, _, _ = socket.recv_fds(self._forks, 1, 3)
        if len(descriptors) < 3:
            return False
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._become_worker(descriptors)
                status = 0
            finally:
                os._exit(status)
        # Also done by the worker itself: whoever comes first, the group is there from here on.
        with suppress(OSError):
            os.setpgid(pid, pid)
        for descriptor in descriptors[:2]:
            os.close(descriptor)
        worker = _Worker(pid, socket.socket(fileno=descriptors[2]))
        self._workers[pid] = worker
        self._waiting.register(worker.control, selectors.EVENT_READ, worker)
        with suppress(OSError):
            worker.control.sendall(STATUS.pack(pid))
        return True

    def _become_worker(self, descriptors: list[int]) -> None:
        with suppress(OSError):
            os.setpgid(0, 0)
        incoming, outgoing = (os.dup(each) for each in descriptors[:2])
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 2)
        # Descriptors of this process, and of other workers, are not for untrusted code.
        kept = sorted({incoming, outgoing})
        for first, last in zip([2, *kept], [*kept, 65536], strict=True):
            os.closerange(first + 1, last)
        child.serve(
            os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb"), self._stores, self._layers
        )

    def _bury(self) -> None:
        for worker in list(self._workers.values()):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid == 0:
                continue
            del self._workers[worker.pid]
            # What it left behind, where it could.
            worker.kill_group()
            with suppress(KeyError, ValueError):
                self._waiting.unregister(worker.control)
            with suppress(OSError):
                worker.control.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))
            worker.control.close()


def described(stores: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    """What a template is told of `stores`: no gold answers, no answer texts."""
    about: list[dict[str, Any]] = []
    arrays: list[Any] = []
    for store in stores:
        traces = store.load()
        about.append(
            {
                "name": store.name,
                "interval_tokens": traces.interval_tokens,
                "exact_accounting": traces.exact_accounting,
            }
        )
        arrays += [getattr(traces, name) for name in child.COLUMNS]
    return about, arrays


if __name__ == "__main__":
    main()
