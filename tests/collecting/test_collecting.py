"""Collection from an engine: nothing is lost, nothing is made twice, and the store is right."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from autotts_sim.engine import SimulatedEngine

from autotts_core.collecting.collecting import collect
from autotts_core.collecting.collection import Collection
from autotts_core.collecting.collector import Tally, branch_seed, sampled
from autotts_core.engine_branch import BranchSettings, EngineBranch, EngineQuestion
from autotts_core.errors import AutoTTSError, EngineError, OptionError, StoreError
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.retrying_engine import RetryingEngine
from autotts_core.store import ReplayStore, check_store
from autotts_core.trace_backend import Continuation, Sampling

SETTINGS = BranchSettings(interval_tokens=100, max_tokens=3000)


def collection(**changes: Any) -> Collection:
    options = {"questions": 4, "form": "completion"}
    benchmark = registry().get("benchmark", "arithmetic").configure(options)
    return replace(Collection("toy", benchmark, 6, SETTINGS, at_once=16), **changes)


def engine(**options: Any) -> SimulatedEngine:
    return SimulatedEngine.configure(options)


def collected(out: Path, of: Collection, on: SimulatedEngine) -> Tally:
    return asyncio.run(collect(of, on, out, lambda tally: None))[1]


def contents(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "toy" / "arithmetic"
    collected(out, collection(), engine())
    return out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"branches": 32_768}, "32,768 branches a question; a store holds 32,767 at most"),
        (
            {"settings": BranchSettings(interval_tokens=1, max_tokens=32_768)},
            "32,768 tokens a branch at 1 an interval; .*: probe every 2 tokens or less often",
        ),
    ],
)
def test_what_no_store_has_room_for_is_refused_before_it_is_sampled(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        collection(**changes)


def test_the_store_says_how_it_was_made_and_holds_what_was_sampled(whole: Path) -> None:
    assert check_store(whole) == []
    store = ReplayStore.open(whole)
    manifest = store.manifest
    assert (manifest.model, manifest.benchmark, manifest.accounting) == (
        "toy", "arithmetic", "exact",
    )  # fmt: skip
    assert (manifest.grader.name, manifest.unreadable) == ("numeric", "apart")
    assert manifest.engine is not None
    assert manifest.engine.name == "simulated-engine"
    assert manifest.probe == "\nAnswer:"
    assert manifest.sampling == {
        "temperature": 0.7, "top_p": 1.0, "top_k": -1, "max_tokens": 3000, "seed": 0,
        "probe_tokens": 32, "stop": ["\nQuestion:"], "probe_stop": ["\n"],
    }  # fmt: skip
    arrays = store.load()
    # A probe at the end of each whole interval, and the final answer.
    steps = arrays.step_start[1:] - arrays.step_start[:-1]
    assert steps.tolist() == [tokens // 100 + 1 for tokens in arrays.branch_tokens.tolist()]
    assert len(arrays.step_signal) == steps.sum()
    assert (arrays.step_signal < 0).all()
    assert arrays.class_correct.any()
    assert sorted(path.name for path in whole.parent.iterdir()) == ["arithmetic"]


def test_failures_lose_no_branch_and_change_nothing(whole: Path, tmp_path: Path) -> None:
    failing = engine(failures=0.3)
    collected(tmp_path / "toy" / "arithmetic", collection(at_once=3), failing)
    assert contents(tmp_path / "toy" / "arithmetic") == contents(whole)


def test_what_was_finished_before_is_not_made_again(whole: Path, tmp_path: Path) -> None:
    class Dying(SimulatedEngine):
        async def generate(
            self, prefix: list[int], max_tokens: int, sampling: Sampling
        ) -> Continuation:
            if self.requests == 100:
                raise EngineError("the server has gone")
            return await super().generate(prefix, max_tokens, sampling)

    out = tmp_path / "toy" / "arithmetic"
    with pytest.raises(EngineError, match="the server has gone"):
        collected(out, collection(), Dying.configure({}))
    assert not out.exists()
    kept = sum(path.read_bytes().count(b"\n") for path in out.parent.glob(".*.collecting/*.jsonl"))
    assert kept > 0
    again = engine()
    tally = collected(out, collection(), again)
    assert tally.branches == tally.wanted == 24
    fresh = engine()
    collected(tmp_path / "fresh", collection(), fresh)
    assert again.tokens < fresh.tokens
    assert contents(out) == contents(whole)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"branches": 7}, "branches"),
        ({"settings": replace(SETTINGS, temperature=1.0)}, "temperature"),
    ],
)
def test_other_settings_do_not_mix(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    out = tmp_path / "toy" / "arithmetic"
    stuck = engine(failures=0.99)

    async def cut_off() -> None:
        await asyncio.wait_for(collect(collection(), stuck, out, lambda tally: None), 0.3)

    with pytest.raises((TimeoutError, EngineError)):
        asyncio.run(cut_off())
    with pytest.raises(StoreError, match=rf"other settings \({named}\)"):
        collected(out, collection(**change), engine())


def test_a_frozen_store_and_a_busy_directory_are_refused(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is there already"):
        collected(whole, collection(), engine())

    async def both() -> None:
        slow, out = engine(seconds_per_token=0.001), tmp_path / "store"
        first = asyncio.create_task(collect(collection(), slow, out, lambda tally: None))
        while slow.requests == 0:
            await asyncio.sleep(0.001)
        with pytest.raises(StoreError, match="another process is collecting it"):
            await collect(collection(), engine(), out, lambda tally: None)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert slow.running == 0

    asyncio.run(both())


def test_a_context_that_is_too_short_is_told_before_anything_is_sampled(tmp_path: Path) -> None:
    settings = replace(SETTINGS, max_tokens=1_000_000)
    with pytest.raises(EngineError, match=r"context of 1,000,000 tokens is too short.*Cut branc"):
        collected(tmp_path / "store", collection(settings=settings), engine())


def test_a_model_without_a_chat_template_is_told(tmp_path: Path) -> None:
    chat = registry().get("benchmark", "arithmetic").configure({"questions": 1})
    with pytest.raises(AutoTTSError, match=r"tokenizer_config\.json"):
        collected(tmp_path / "store", collection(benchmark=chat), engine())


def test_greedy_branches_by_the_interval_are_one_long_generation() -> None:
    async def run() -> None:
        of, on = collection(settings=replace(SETTINGS, temperature=0.0)), engine()
        asked = ModelTokenizer(on.tokenizer("toy")).asked(of.benchmark, of.questions[2].text)
        await on.start("toy")
        branch = EngineBranch(on, asked, of.settings, branch_seed(0, 2, 0))
        await sampled(branch)
        long = await on.generate(asked.prompt, 3000, Sampling(temperature=0.0))
        assert list(branch.ids) == list(long.token_ids)
        assert branch.text == long.text

    asyncio.run(run())


def test_a_character_that_an_interval_cuts_is_whole_again() -> None:
    class Snowmen(SimulatedEngine):
        async def generate(
            self, prefix: list[int], max_tokens: int, sampling: Sampling
        ) -> Continuation:
            ids = list("☃".encode() * 5)[len(prefix) - 1 :][:max_tokens]
            finish = "length" if len(ids) == max_tokens else "stop"
            text = bytes(ids).decode(errors="replace")
            return Continuation(ids, text, finish)  # type: ignore[arg-type]

    async def run() -> None:
        on = Snowmen.configure({})
        decode = ModelTokenizer(on.tokenizer("toy")).decode
        asked = EngineQuestion([65], [66], "B", str.strip, decode)
        branch = EngineBranch(on, asked, replace(SETTINGS, interval_tokens=4), 0)
        while not branch.finished:
            await branch.extend(4)
        assert branch.text == "☃" * 5

    asyncio.run(run())


def test_a_request_is_given_up_after_so_many_attempts() -> None:
    async def run() -> None:
        failing = RetryingEngine(engine(failures=0.999), attempts=3)
        await failing.start("toy")
        with pytest.raises(EngineError, match="overloaded"):
            await failing.generate([65], 10, Sampling())
        assert failing.retried == 2

    asyncio.run(run())


def test_no_more_than_a_few_questions_are_under_way(tmp_path: Path) -> None:
    finished: list[tuple[int, int]] = []
    asyncio.run(
        collect(
            collection(at_once=4, seed=1),
            engine(),
            tmp_path / "store",
            lambda tally: finished.append((tally.questions, tally.branches)),
        )
    )
    # Branches start question by question: with 6 of each and 4 at once, in two at most.
    assert all(branches - 6 * questions < 10 for questions, branches in finished)


COMMAND = [
    sys.executable, "-m", "autotts_core", "collect", "toy", "arithmetic",
    "--backend", "simulated-engine", "--option", "seconds_per_token=0.0003",
    "--benchmark-option", "questions=4", "--benchmark-option", "form=completion",
    "--branches", "6", "--interval", "100", "--max-tokens", "3000", "--at-once", "16",
    "--out", ".", "--json",
]  # fmt: skip


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_random_moments_it_goes_on(whole: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    kept: list[int] = []
    for _ in range(3):
        with subprocess.Popen(COMMAND, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(chance.uniform(1.0, 2.0))
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
        lines = [path.read_bytes() for path in tmp_path.glob("toy/.*.collecting/*.jsonl")]
        kept.append(sum(each.count(b"\n") for each in lines))
    if not (tmp_path / "toy" / "arithmetic").exists():
        assert kept == sorted(kept)
        done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["branches"] == 24
    assert contents(tmp_path / "toy" / "arithmetic") == contents(whole)
