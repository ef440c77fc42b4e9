"""The executor `processes`: a worker of its own for each GPU, or for each group of GPUs."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar

from pydantic import Field, PositiveInt, ValidationInfo, field_validator

from autotts_core.component import Options
from autotts_core.errors import AutoTTSError
from autotts_core.executor import Executor, Result, Shard
from autotts_core.processes import ChildProcess, child_process
from autotts_processes.devices import environment_of, groups_of, visible_devices

logger = logging.getLogger(__name__)

_ATTEMPTS = 3
_LAST_BYTES = 4000
"""Of what a worker said, that are told when it fails."""
_LOOK_SECONDS = 0.2
"""Between two looks at who has died: a descendant may hold a dead worker's pipe open."""

_GONE_SECONDS = 10.0
"""In which all of a killed group are gone, unless nobody buries the dead here."""


class ProcessesOptions(Options):
    devices: Annotated[str, Field(coerce_numbers_to_str=True)] | None = None
    """GPUs, a worker each: `0,1`, or `0+1,2+3` for two workers with two each. `all`, which it is
    unless told: those of CUDA_VISIBLE_DEVICES, or else that `nvidia-smi -L` lists."""
    processes: PositiveInt | None = None
    """So many workers, where `devices` do not say it."""
    logs: Path | None = None
    """A directory for what workers say, a file each. Without it, the end is told of one that
    fails."""

    @field_validator("devices")
    @classmethod
    def _readable(cls, devices: str | None) -> str | None:
        if devices not in (None, "all"):
            groups_of(devices)
        return devices

    @field_validator("processes")
    @classmethod
    def _alone(cls, processes: int | None, info: ValidationInfo) -> int | None:
        if processes is not None and info.data.get("devices") is not None:
            raise ValueError("'devices' says already how many workers there are: leave out one")
        return processes


@dataclass(frozen=True)
class _Place:
    """Where one worker at a time may run."""

    name: str
    environment: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class _Worker:
    """A process at work on a shard; closing `stack` kills it, and all that it started."""

    shard: int
    place: _Place
    child: ChildProcess
    log: IO[bytes]
    stack: ExitStack

    def reply(self) -> tuple[bool, Any] | None:
        """What it replies once it has begun to; None where it has died instead."""
        try:
            reply: tuple[bool, Any] = pickle.load(self.child.replies)
        except (EOFError, pickle.UnpicklingError):
            return None
        return reply

    def how_it_died(self) -> str:
        """The signal, or the exit status."""
        with suppress(subprocess.TimeoutExpired):
            self.child.popen.wait(timeout=5)
        status = self.child.popen.returncode
        return f"by {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"

    def last_words(self) -> str:
        """The end of what it said."""
        self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, self.log.tell() - _LAST_BYTES))
        return self.log.read().decode(errors="replace").strip()


class Processes(Executor):
    """Each shard has a process of its own, which is killed with all that it started.

    One that dies is started again, twice at most.
    """

    name: ClassVar[str] = "processes"
    summary: ClassVar[str] = "Processes on this machine, one for each GPU"
    Options: ClassVar[type[Options]] = ProcessesOptions
    options: ProcessesOptions

    @property
    def workers(self) -> int:
        """One for each device, or group of devices."""
        return len(self._places)

    def map(
        self, function: Callable[[Shard], Result], shards: Sequence[Shard]
    ) -> Iterator[tuple[int, Result]]:
        """Do each shard in the first place that is free."""
        waiting = deque(range(len(shards)))
        free = deque(self._places)
        attempts = Counter[int]()
        running: set[_Worker] = set()
        with ExitStack() as all_of_them:
            while waiting or running:
                while waiting and free:
                    shard = waiting.popleft()
                    attempts[shard] += 1
                    work = pickle.dumps((function, shards[shard]))
                    worker = self._started(shard, free.popleft(), work)
                    all_of_them.callback(worker.stack.close)
                    running.add(worker)
                for worker, reply in _ended(running):
                    running.remove(worker)
                    with worker.stack:
                        if reply is None:
                            _check_attempts(worker, attempts[worker.shard])
                            waiting.append(worker.shard)
                        else:
                            yield worker.shard, _result(worker, reply)
                    _await_end(worker.child.popen.pid)
                    free.append(worker.place)

    def _started(self, shard: int, place: _Place, work: bytes) -> _Worker:
        with ExitStack() as stack:
            log = stack.enter_context(self._log(place))
            child = stack.enter_context(
                child_process("autotts_processes.worker", place.environment, log, log)
            )
            with suppress(BrokenPipeError):
                child.requests.write(work)
                child.requests.flush()
            return _Worker(shard, place, child, log, stack.pop_all())

    def _log(self, place: _Place) -> IO[bytes]:
        if self.options.logs is None:
            return tempfile.TemporaryFile()
        self.options.logs.mkdir(parents=True, exist_ok=True)
        return (self.options.logs / f"{place.name}.log").open("a+b")

    @cached_property
    def _places(self) -> list[_Place]:
        if self.options.processes is not None:
            names = [f"process-{number}" for number in range(self.options.processes)]
            return [_Place(name, os.environ) for name in names]
        devices = self.options.devices
        if devices is None or devices == "all":
            groups = [[device] for device in visible_devices()]
        else:
            groups = groups_of(devices)
        return [_Place(f"gpu-{'+'.join(group)}", environment_of(group)) for group in groups]


def _ended(running: Iterable[_Worker]) -> list[tuple[_Worker, tuple[bool, Any] | None]]:
    """Those that have replied or died since, with their replies; waits a moment for some."""
    # One that its descendants outlive has died, though they may hold its pipe open.
    dead = {worker for worker in running if worker.child.popen.poll() is not None}
    pipes = {worker: worker.child.replies.fileno() for worker in running}
    readable = wait(pipes.values(), 0 if dead else _LOOK_SECONDS)
    heard = {worker for worker in running if pipes[worker] in readable}
    return [(worker, worker.reply() if worker in heard else None) for worker in heard | dead]


def _await_end(group: int) -> None:
    """Wait until all of a killed process group have gone: only then is their GPU memory free."""
    until = time.monotonic() + _GONE_SECONDS
    with suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(group, 0)
            time.sleep(0.02)


def _result(worker: _Worker, reply: tuple[bool, Any]) -> Any:
    done, result = reply
    if done:
        return result
    if said := worker.last_words():
        logger.warning("%s said last:\n%s", worker.place.name, said)
    raise result


def _check_attempts(worker: _Worker, attempts: int) -> None:
    """Raise where the worker, which has died, is not to be started again."""
    where, how = worker.place.name, worker.how_it_died()
    if attempts < _ATTEMPTS:
        logger.warning("%s: its process has died, %s, and is started again.", where, how)
        return
    said = worker.last_words()
    raise AutoTTSError(
        f"{where}: its process has died {attempts} times, the last time {how}. "
        + (f"It said last:\n{said}" if said else "It said nothing.")
    )
