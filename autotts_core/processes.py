"""Child processes that end with whoever started them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, BinaryIO


@dataclass
class ChildProcess:
    """A running child, in a session of its own, with a pipe in each direction."""

    popen: subprocess.Popen[bytes]
    requests: BinaryIO
    replies: BinaryIO

    def kill(self) -> None:
        """Kill it, and every process that it started in its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)


@contextmanager
def child_process(
    module: str,
    environment: Mapping[str, str],
    stdout: int | IO[Any],
    stderr: int | IO[Any],
    descriptors: Sequence[int] = (),
) -> Iterator[ChildProcess]:
    """Run `python -m module`, which calls `connect`; its process group is killed at the end.

    It also gets `descriptors`, whose numbers are its arguments from the fourth on.

    Raises `OSError` where no process can be started.
    """
    child_in, requests = os.pipe()
    replies, child_out = os.pipe()
    child_lifeline, lifeline = os.pipe()
    theirs = (child_in, child_out, child_lifeline)
    passed = (*theirs, *descriptors)
    try:
        popen = subprocess.Popen(
            [sys.executable, "-sP", "-m", module, *map(str, passed)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=passed,
            env=dict(environment) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
    except BaseException:
        for descriptor in (requests, replies, lifeline):
            os.close(descriptor)
        raise
    finally:
        for descriptor in theirs:
            os.close(descriptor)
    child = ChildProcess(popen, os.fdopen(requests, "wb"), os.fdopen(replies, "rb"))
    try:
        yield child
    finally:
        child.kill()
        popen.wait()
        with suppress(OSError):
            child.requests.close()
        child.replies.close()
        os.close(lifeline)


def connect(watched: bool = True) -> tuple[BinaryIO, BinaryIO]:
    """In a child: the pipes that requests come from and replies go to.

    From here on the child dies with its parent: the pipe that only the parent holds open is
    closed by the kernel, whatever ends it. It takes a thread to watch it; who is not `watched`
    ends by itself once its parent has gone.
    """
    incoming, outgoing, lifeline = (int(argument) for argument in sys.argv[1:4])
    for descriptor in (incoming, outgoing, lifeline):
        os.set_inheritable(descriptor, False)

    def watch() -> None:
        os.read(lifeline, 1)
        os.killpg(os.getpid(), signal.SIGKILL)

    if watched:
        threading.Thread(target=watch, daemon=True).start()
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")
