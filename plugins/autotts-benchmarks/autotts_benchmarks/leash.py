"""Running math-verify in processes that are limited, and killed when they are late."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import Empty, SimpleQueue

from autotts_core.processes import ChildProcess, child_process
from autotts_core.wire import WireError, receive, send

_START_SECONDS = 60
"""What importing SymPy may take on a busy machine."""


def read_on_leash(texts: Sequence[str], workers: int, seconds: float) -> dict[str, str | None]:
    """The key of each scalar by math-verify; None for one that it cannot read in `seconds`.

    One text's end is nobody else's: its process is killed, and another one takes over.
    """
    if not texts:
        return {}
    queue: SimpleQueue[str] = SimpleQueue()
    for text in texts:
        queue.put(text)
    keys: dict[str, str | None] = {}
    count = min(workers, len(texts))
    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(_work, queue, keys, seconds) for _ in range(count)]:
            future.result()
    return keys


def _work(queue: SimpleQueue[str], keys: dict[str, str | None], seconds: float) -> None:
    """Serve the queue, with one process after another."""
    while not queue.empty():
        with ExitStack() as stack:
            child = stack.enter_context(
                child_process(
                    "autotts_benchmarks.math_worker",
                    {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
                    subprocess.DEVNULL,
                    subprocess.DEVNULL,
                )
            )
            _ask(child, {"seconds": seconds}, _START_SECONDS)
            while True:
                try:
                    text = queue.get_nowait()
                except Empty:
                    return
                try:
                    keys[text] = _ask(child, {"text": text}, seconds)
                except WireError:
                    keys[text] = None
                    break


def _ask(child: ChildProcess, message: dict[str, object], seconds: float) -> str | None:
    """The child's reply; `WireError` where it is late or dead."""
    watchdog = threading.Timer(seconds, child.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        send(child.requests, message)
        key = receive(child.replies, 0)[0].get("key")
        return key if isinstance(key, str) else None
    finally:
        watchdog.cancel()
