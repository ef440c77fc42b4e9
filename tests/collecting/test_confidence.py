"""Confidence as DeepConf defines it, measured in intervals as it would be in one piece."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autotts_sim.engine import SimulatedEngine
from hypothesis import given
from hypothesis import strategies as st

from autotts_core.collecting.collecting import collect
from autotts_core.collecting.collection import Collection
from autotts_core.confidence import LowestWindow, token_confidence
from autotts_core.engine_branch import BranchSettings, EngineBranch, EngineQuestion
from autotts_core.errors import EngineError
from autotts_core.plugins import registry
from autotts_core.store import ReplayStore, check_store
from autotts_core.trace_backend import Continuation, Sampling

SETTINGS = BranchSettings(interval_tokens=100, max_tokens=1000)
MEASURED = replace(SETTINGS, top_logprobs=5, confidence_window=150)


def collection(settings: BranchSettings = MEASURED) -> Collection:
    options = {"questions": 4, "form": "completion"}
    benchmark = registry().get("benchmark", "arithmetic").configure(options)
    return Collection("toy", benchmark, 6, settings)


def collected(out: Path, settings: BranchSettings = MEASURED, **options: Any) -> ReplayStore:
    engine = SimulatedEngine.configure(options)
    asyncio.run(collect(collection(settings), engine, out, lambda tally: None))
    return ReplayStore.open(out)


def test_a_tokens_confidence_is_of_the_likeliest_alone() -> None:
    assert token_confidence([-1.0, -3.0, -2.0], 3) == 2.0
    # The sampled one beside the top two; and one that cannot come.
    assert token_confidence([-9.0, -1.0, -3.0], 2) == 2.0
    assert token_confidence([-1.0, -math.inf], 2) == 1.0
    assert math.isnan(token_confidence([], 2))


def test_the_lowest_window_by_hand() -> None:
    windows = LowestWindow(3)
    assert math.isnan(windows.add([4.0, 6.0]))
    assert windows.mean() == 5.0
    # (4 + 6 + 2) / 3, (6 + 2 + 1) / 3.
    assert windows.add([2.0, 1.0]) == 3.0
    # A window that ends here begins before.
    assert windows.add([9.0]) == 4.0
    assert windows.mean() == 22 / 5


@given(
    st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=8),
    st.integers(1, 9),
)
def test_windows_are_the_same_in_any_pieces(pieces: list[list[int]], window: int) -> None:
    values = [value for piece in pieces for value in piece]
    windows, end = LowestWindow(window), 0
    for piece in pieces:
        found = windows.add([float(value) for value in piece])
        ends = range(max(end + 1, window), end + len(piece) + 1)
        end += len(piece)
        expected = [sum(values[k - window : k]) / window for k in ends]
        assert math.isnan(found) if not expected else found == pytest.approx(min(expected))


def test_a_store_has_it_at_each_interval(tmp_path: Path) -> None:
    measured, plain = collected(tmp_path / "measured"), collected(tmp_path / "plain", SETTINGS)
    assert check_store(measured.path) == []
    assert measured.manifest.sampling is not None
    assert plain.manifest.sampling == {
        key: value
        for key, value in measured.manifest.sampling.items()
        if key not in ("top_logprobs", "confidence_window")
    }
    a, b = measured.load(), plain.load()
    assert a.step_class.tolist() == b.step_class.tolist()
    assert len(b.step_confidence) == 0
    right: dict[bool, list[float]] = {True: [], False: []}
    for k, (first, end) in enumerate(zip(a.step_start[:-1], a.step_start[1:], strict=True)):
        own = a.step_confidence[first:end]
        # The first interval is shorter than a window; a whole branch counts however short.
        assert np.isnan(own[0]) == (len(own) > 1)
        assert not np.isnan(own[1:]).any()
        assert (np.diff(own[1:]) <= 0).all()
        question = int(np.searchsorted(a.branch_start, k, "right")) - 1
        label = a.class_start[question] + a.step_class[end - 1]
        right[bool(a.class_correct[label])].append(float(own[-1]))
    assert np.mean(right[True]) > np.mean(right[False])


def test_failures_change_nothing(tmp_path: Path) -> None:
    whole, failing = collected(tmp_path / "whole"), collected(tmp_path / "failing", failures=0.3)
    assert whole.digest == failing.digest


def test_what_was_collected_without_it_is_where_it_was() -> None:
    engine = SimulatedEngine.configure({})
    root = Path("stores")
    before = {"interval_tokens", "max_tokens", "probe_tokens", "temperature", "top_p", "top_k"}
    assert SETTINGS.described().keys() == before
    assert replace(SETTINGS, confidence_window=7).described() == SETTINGS.described()
    folders = {
        collection(settings).folder(engine, root)
        for settings in (SETTINGS, MEASURED, replace(MEASURED, confidence_window=7))
    }
    assert len(folders) == 3


def test_an_engine_that_gives_none_is_told_of() -> None:
    class Silent(SimulatedEngine):
        async def generate(
            self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
        ) -> Continuation:
            return Continuation([65], "A", "length")

    branch = EngineBranch(Silent(), EngineQuestion([63], [64], "?", str), MEASURED, 0)
    with pytest.raises(EngineError, match="the engine gives no log-probabilities of its top"):
        asyncio.run(branch.extend(1))
