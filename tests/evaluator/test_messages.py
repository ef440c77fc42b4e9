"""What a worker sends is read as what an enemy sends."""

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotts_core.errors import ControllerError
from autotts_core.evaluator import Evaluator, audit, parent
from autotts_core.evaluator.parent import ControllerSource, EpisodeKey
from autotts_core.recipe.schema import Limits
from autotts_core.store import ReplayStore
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace
from autotts_core.wire import GarbledError, WireError, receive, send

SOURCE = """
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
"""


def framed(header: bytes, content: bytes = b"") -> io.BytesIO:
    return io.BytesIO(struct.pack(">Q", len(header)) + header + content)


def array_of(dtype: Any, shape: Any) -> io.BytesIO:
    return framed(json.dumps({"message": {}, "arrays": [[dtype, shape]]}).encode(), bytes(64))


@pytest.mark.parametrize(
    "stream",
    [
        framed(b"not JSON"),
        framed(b"[]"),
        framed(b'{"message": [], "arrays": []}'),
        framed(b'{"message": {}}'),
        framed(b'{"message": {}, "arrays": 5}'),
        framed(b'{"message": {}, "arrays": [["<i4"]]}'),
        framed(b"[" * 100_000),
        framed(b'{"message": {"n": ' + b"9" * 5000 + b'}, "arrays": []}'),
        framed(b"\xff\xfe"),
        array_of("O", [1]),
        array_of("<U4", [1]),
        array_of(["<i4"], [1]),
        array_of("<i4", [-1]),
        array_of("<i4", [1.0]),
        array_of("<i4", [True]),
        array_of("<i4", "1"),
        array_of("<i4", {"1": 1}),
        array_of("<i4", 3),
        array_of("<i4", [0, 10**30]),
        array_of("<i4", [2**62, 2**62]),
        array_of("<i4", [10**4000] * 100),
        array_of("<i4", [1] * 40),
        array_of("<i4", [1000]),
        io.BytesIO(struct.pack(">Q", 2**63)),
    ],
    ids=lambda stream: repr(stream.getvalue()[8:60]),
)
def test_what_no_message_looks_like(stream: io.BytesIO) -> None:
    with pytest.raises(GarbledError):
        receive(stream, 1000)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes(content: bytes, with_length: bool) -> None:
    stream = framed(content) if with_length else io.BytesIO(content)
    try:
        receive(stream, 1000)
    except WireError:
        return


def test_a_message_comes_as_it_was_sent() -> None:
    stream = io.BytesIO()
    arrays = [np.arange(6).reshape(2, 3), np.zeros((0, 2), np.int32), np.array([np.nan])]
    send(stream, {"a": [1, "ß"]}, arrays)
    stream.seek(0)
    message, found = receive(stream, 1000)
    assert message == {"a": [1, "ß"]}
    for one, other in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
        assert other.flags.writeable


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    branches = [BranchTrace(["a", "b", "a"], 1520, "a") for _ in range(3)]
    return toy_store(tmp_path_factory.mktemp("stores"), branches)


Forge = Callable[[dict[str, Any], list[Any]], object]


def changed(**fields: Any) -> Forge:
    return lambda message, arrays: message.update(fields)


def array(number: int, value: Any) -> Forge:
    return lambda message, arrays: arrays.__setitem__(number, value)


def without(message: dict[str, Any], arrays: list[Any]) -> None:
    message.clear()


def no_arrays(message: dict[str, Any], arrays: list[Any]) -> None:
    arrays.clear()


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="untrusted code is confined on Linux alone"
)
@pytest.mark.parametrize(
    ("act", "field", "forge"),
    [
        ("evaluate", "depends_on_beta", changed(depends_on_beta=1)),
        ("evaluate", "depends_on_beta", changed(more="than was asked for")),
        ("evaluate", "depends_on_beta", without),
        ("evaluate", "reasons", without),
        ("evaluate", "reasons", no_arrays),
        ("evaluate", "reasons", changed(reasons=[])),
        ("evaluate", "reasons", changed(reasons=5)),
        ("evaluate", "reasons", changed(warnings=["x"] * 1000)),
        ("evaluate", "reasons", array(0, np.full((1, 2), np.nan))),
        ("evaluate", "reasons", array(0, np.full((1, 2), 10**9))),
        ("evaluate", "reasons", array(1, np.full((1, 2), 99))),
        ("evaluate", "reasons", array(2, np.zeros((5, 3), np.int32))),
        ("evaluate", "reasons", array(2, np.zeros(5, np.int32))),
        ("evaluate", "reasons", array(2, np.full((5, 2), -(2**31), np.int32))),
        ("evaluate", "reasons", array(3, np.full((1, 2), 2**62))),
        ("evaluate", "reasons", array(3, np.full((1, 2), -1))),
        ("episodes", "answer_class", changed(answer_class="0")),
        ("episodes", "answer_class", changed(answer_class=10**30)),
        ("episodes", "answer_class", changed(answer_class=1)),
        ("episodes", "answer_class", changed(stop=None)),
        ("episodes", "answer_class", no_arrays),
        ("episodes", "answer_class", array(0, np.zeros(3))),
        ("episodes", "answer_class", array(0, np.full((2, 2), 77, np.int32))),
        ("schedule", "parameters", changed(parameters={"width": float("nan")})),
        ("schedule", "parameters", changed(parameters={"width": "wide"})),
        ("schedule", "parameters", changed(parameters={str(n): n for n in range(2000)})),
        ("audit", "asking", changed(asking=[-1])),
        ("audit", "asking", changed(asking=[10**30])),
        ("audit", "asking", changed(asking=[], ends=[])),
        ("audit", "asking", changed(ends=[[0, 5, 0]])),
        ("audit", "asking", changed(ends=[[0, -1]])),
        ("audit", "asking", no_arrays),
        ("audit", "asking", array(0, np.full((1, 3), 2**60))),
    ],
)
def test_forged_messages_are_the_controllers_fault(
    store: ReplayStore,
    act: str,
    field: str,
    forge: Forge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forged = []

    def forging(stream: Any, most_bytes: int) -> tuple[dict[str, Any], list[Any]]:
        message, arrays = receive(stream, most_bytes)
        if field in message:
            forge(message, arrays)
            forged.append(message)
        return message, arrays

    monkeypatch.setattr(parent, "receive", forging)
    evaluator = Evaluator([store], 2, Limits(seconds=120, memory_gib=4), 1)
    acts: dict[str, Callable[[], object]] = {
        "evaluate": lambda: evaluator.evaluate(SOURCE, "forged", (0.5,)),
        "episodes": lambda: evaluator.episodes(SOURCE, "forged", [EpisodeKey(0, 0, 0, 0.5)]),
        "schedule": lambda: evaluator.schedule(SOURCE, "forged", (0.5,)),
        "audit": lambda: audit.audit(evaluator, ControllerSource("forged", SOURCE), (0.5,)),
    }
    with pytest.raises(ControllerError, match="the controller tampered with its results"):
        acts[act]()
    assert len(forged) == 1
