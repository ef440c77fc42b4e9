"""The executor `processes`: what its workers see, and what becomes of those that die."""

from __future__ import annotations

import _thread
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autotts_processes.devices import groups_of
from autotts_processes.executor import Processes

from autotts_core.errors import AutoTTSError, EngineError, OptionError

SHARDS = """
import os, subprocess, sys, time
from pathlib import Path
from autotts_core.errors import EngineError

def first_time_killed(path):
    Path(path).open("a").write("x")
    if Path(path).stat().st_size == 1:
        os.kill(os.getpid(), 9)
    return Path(path).stat().st_size

def always_dying(shard):
    print("starting", shard, flush=True)
    sys.exit("no memory")

def refused(path):
    Path(path).open("a").write("x")
    raise EngineError("no such model", transient=True, after=3.0)

def leaving_a_child(path):
    if Path(path).exists():
        # The second time: what the first had started is gone already.
        command = Path(f"/proc/{Path(path).read_text()}/cmdline")
        return command.exists() and command.read_bytes() != b""
    # It keeps all that it inherits, as a forked engine does: also the pipe to the parent.
    child = os.fork()
    if child == 0:
        time.sleep(600)
    Path(path).write_text(str(child))
    os.kill(os.getpid(), 9)

def hanging(path):
    child = subprocess.Popen(["sleep", "600"])
    Path(path).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)
"""


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Functions that workers can import, too."""
    (tmp_path / "shard_functions.py").write_text(SHARDS)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("shard_functions")
    del sys.modules["shard_functions"]


def ended(pid: int) -> bool:
    """Whether the process is gone, or only waits to be buried, within ten seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


# ---- devices ------------------------------------------------------------------------------


def test_groups_of_devices() -> None:
    assert groups_of("0,1") == [["0"], ["1"]]
    assert groups_of("0+1, 2+3") == [["0", "1"], ["2", "3"]]
    assert groups_of("MIG-1a") == [["MIG-1a"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": "0,,1"}, "option 'devices': .*a device has no name"),
        ({"devices": "0,0"}, "option 'devices': .*device 0 is named twice"),
        ({"devices": "0,1", "processes": "2"}, "option 'processes': .*leave out one"),
        ({"processes": "0"}, "option 'processes': .*greater than 0"),
    ],
)
def test_impossible_options_are_explained(options: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Processes.configure(options)


def test_all_are_those_that_the_driver_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "GPU 0: NVIDIA H100 (UUID: GPU-1)\nGPU 1: NVIDIA H100 (UUID: GPU-2)"
    (tmp_path / "nvidia-smi").write_text(f'#!/bin/sh\necho "{said}"\n')
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    executor = Processes.configure({})
    assert executor.workers == 2
    # Numbered as nvidia-smi numbers them.
    assert dict(executor.map(os.getenv, ["CUDA_DEVICE_ORDER"])) == {0: "PCI_BUS_ID"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2,5")
    assert Processes.configure({"devices": "all"}).workers == 3


def test_no_device_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(OptionError, match=r"no GPU can be seen.*VISIBLE_DEVICES is ''.*processes"):
        _ = Processes.configure({}).workers
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionError, match=r"no GPU can be seen here \(nvidia-smi: .*No such file"):
        _ = Processes.configure({}).workers


# ---- workers ------------------------------------------------------------------------------


def test_each_worker_sees_its_devices() -> None:
    executor = Processes.configure({"devices": "0+1,2+3"})
    assert executor.workers == 2
    seen = dict(executor.map(os.getenv, ["CUDA_VISIBLE_DEVICES"] * 2))
    assert seen == {0: "0,1", 1: "2,3"}


def test_without_devices_the_environment_is_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    seen = Processes.configure({"processes": 1}).map(os.getenv, ["CUDA_VISIBLE_DEVICES"] * 2)
    assert dict(seen) == {0: "7", 1: "7"}


def test_one_that_dies_is_started_again(
    tmp_path: Path, shards: Any, caplog: pytest.LogCaptureFixture
) -> None:
    found = Processes.configure({"processes": 2}).map(
        shards.first_time_killed,
        [str(tmp_path / "a"), str(tmp_path / "b")],
    )
    assert dict(found) == {0: 2, 1: 2}
    assert "has died, by SIGKILL, and is started again" in caplog.text


def test_one_that_keeps_dying_is_told_with_its_last_words(tmp_path: Path, shards: Any) -> None:
    executor = Processes.configure({"devices": "5", "logs": str(tmp_path / "logs")})
    with pytest.raises(AutoTTSError) as caught:
        list(executor.map(shards.always_dying, ["it"]))
    message = str(caught.value)
    assert message.startswith("gpu-5: its process has died 3 times, the last time with exit st")
    assert message.endswith("starting it\nno memory")
    assert (tmp_path / "logs" / "gpu-5.log").read_text().count("starting it") == 3


def test_a_mistake_is_told_at_once_as_it_is(tmp_path: Path, shards: Any) -> None:
    executor = Processes.configure({"processes": 1})
    with pytest.raises(EngineError, match=r"^no such model$") as caught:
        list(executor.map(shards.refused, [str(tmp_path / "a")]))
    assert (caught.value.transient, caught.value.after) == (True, 3.0)
    assert (tmp_path / "a").read_text() == "x"


def test_what_a_dead_worker_has_started_is_killed(tmp_path: Path, shards: Any) -> None:
    executor = Processes.configure({"processes": 1})
    still_there = dict(executor.map(shards.leaving_a_child, [str(tmp_path / "a")]))
    assert still_there == {0: False}


@pytest.fixture
def interruptible() -> Iterator[None]:
    """As in the foreground: where this runs in the background, interrupts are ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupted_it_leaves_nobody(tmp_path: Path, shards: Any) -> None:
    pids = [tmp_path / "a", tmp_path / "b"]

    def interrupt() -> None:
        while not all(path.exists() and path.read_text() for path in pids):
            time.sleep(0.05)
        _thread.interrupt_main()

    executor = Processes.configure({"processes": 2})
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        list(executor.map(shards.hanging, list(map(str, pids))))
    for path in pids:
        assert all(ended(int(pid)) for pid in path.read_text().split())
