"""Running the endpoints until the process is told to end."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from autotts_core.errors import OptionError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from autotts_serve.answering import Service

_LAST_WORDS = 5.0
"""Seconds for the errors of requests that were cut off to be sent."""


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT; then running requests have `grace` seconds to finish.

    `started` is called when clients may come.
    """

    def __init__(
        self,
        app: ASGIApp,
        service: Service,
        grace: float,
        started: Callable[[], None],
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=round(grace + _LAST_WORDS),
        )
        super().__init__(config)
        self._service = service
        self._grace = grace
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(self._service.end(self._grace))
        await super().shutdown(sockets)
        await ending

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises a signal again when it has ended, before an engine could be closed.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """At the first signal end gracefully, at the second at once."""
        if self.should_exit:
            self._grace = 0.0
            self._service.cut_off()
        self.should_exit = True


def event_loop() -> asyncio.Runner:
    """Runs the fastest event loop that is installed."""
    return asyncio.Runner(loop_factory=uvicorn.Config("", log_config=None).get_loop_factory())


def bound(host: str, port: int) -> socket.socket:
    """A socket at this address, on which nobody listens yet; raises `OptionError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol asyncio would not know it for TCP, and leave Nagle's delay of 40 ms on.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise OptionError(f"--host {host} --port {port}: {error.strerror}.") from None
    return taken


def address(listener: socket.socket) -> str:
    """Where clients find it."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
