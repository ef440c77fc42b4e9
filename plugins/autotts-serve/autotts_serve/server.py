"""Running the endpoints until the process is told to end."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

    from autotts_serve.answering import Service

_LAST_WORDS = 5.0
"""Seconds for the errors of requests that were cut off to be sent."""


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT; then running requests have `grace` seconds to finish."""

    def __init__(
        self,
        app: ASGIApp,
        service: Service,
        host: str,
        port: int,
        grace: float,
        started: Callable[[str], None] = lambda url: None,
    ) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
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
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._started(f"http://{f'[{host}]' if ':' in host else host}:{port}")

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
