"""Running math-verify in processes that are limited, and killed when they are late."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from autotts_core.errors import AutoTTSError
from autotts_core.processes import child_process
from autotts_core.wire import WireError, receive, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def read_on_leash(texts: Sequence[str], workers: int, seconds: float) -> dict[str, str | None]:
    """The key of each scalar by math-verify; None for one that takes more CPU time than `seconds`.

    One text's end is nobody else's: each is read by a process of its own.
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
    with _reader(seconds) as ask:
        while True:
            try:
                text = queue.get_nowait()
            except Empty:
                return
            keys[text] = ask({"text": text})


@contextmanager
def _reader(seconds: float) -> Iterator[Callable[[dict[str, Any]], str | None]]:
    """What asks a process of `math_worker`, which is there as long as the context."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    quiet = subprocess.DEVNULL
    with child_process("autotts_benchmarks.math_worker", environment, quiet, quiet) as child:

        def ask(message: dict[str, Any]) -> str | None:
            try:
                send(child.requests, message)
                key = receive(child.replies, 0)[0].get("key")
            except WireError:
                raise AutoTTSError(
                    f"the process that runs math-verify ended early (status {child.popen.wait()}) "
                    f"at {message!r}. Nothing has been changed: grade again."
                ) from None
            return key if isinstance(key, str) else None

        ask({"seconds": seconds})
        yield ask
