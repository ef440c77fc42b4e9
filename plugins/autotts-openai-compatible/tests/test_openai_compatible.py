"""Collection over real HTTP: the same store as without it, whatever the server lacks or does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from autotts_openai_compatible.engine import OpenAICompatible
from autotts_sim.engine import SimulatedEngine

from autotts_core.collecting.collecting import collect
from autotts_core.collecting.collection import Collection
from autotts_core.engine_branch import BranchSettings
from autotts_core.errors import EngineError
from autotts_core.plugins import registry
from autotts_core.store import ReplayStore
from autotts_core.trace_backend import Continuation, EngineFacts, Sampling

SIMULATED = SimulatedEngine.configure({})


def backend(server: Any, **options: Any) -> OpenAICompatible:
    given = {"base_url": server.url, "tokenizer": SIMULATED.tokenizer("toy")}
    return OpenAICompatible.configure(given | options)


def collection(top_logprobs: int = 0) -> Collection:
    options = {"questions": 3, "form": "completion"}
    benchmark = registry().get("benchmark", "arithmetic").configure(options)
    settings = BranchSettings(
        interval_tokens=100, max_tokens=2000, top_logprobs=top_logprobs, confidence_window=50
    )
    return Collection("toy", benchmark, 4, settings, at_once=6)


def collected(engine: Any, out: Path, top_logprobs: int = 0) -> tuple[EngineFacts, ReplayStore]:
    wanted = collection(top_logprobs)
    facts, _ = asyncio.run(collect(wanted, engine, out, lambda tally: None))
    return facts, ReplayStore.open(out)


def generated(engine: OpenAICompatible) -> Continuation:
    async def run() -> Continuation:
        try:
            await engine.start("toy")
            return await engine.generate([72, 105], 5, Sampling(seed=3))
        finally:
            await engine.close()

    return asyncio.run(run())


def files(store: ReplayStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.path.glob("*.parquet")}


def test_a_store_over_http_is_the_one_without(server: Any, tmp_path: Path) -> None:
    facts, over_http = collected(backend(server), tmp_path / "http")
    assert facts == EngineFacts("toy-server", "1.2.3", 100_000, ())
    _, direct = collected(SimulatedEngine.configure({}), tmp_path / "direct")
    assert files(over_http) == files(direct)
    sent = server.asked[-1]
    assert all(isinstance(each, int) for each in sent["prompt"])
    assert (sent["model"], sent["return_token_ids"]) == ("toy", True)


def test_a_server_with_nothing_but_the_protocol(server: Any, tmp_path: Path) -> None:
    server.bare = True
    facts, store = collected(backend(server), tmp_path / "bare")
    assert [words.partition(":")[0] for words in facts.lacks] == [
        "token ids in replies", "log-probabilities", "counts of cached tokens",
    ]  # fmt: skip
    assert (facts.version, facts.context) == ("unknown", None)
    _, direct = collected(SimulatedEngine.configure({}), tmp_path / "direct")
    assert store.load().branch_tokens.tolist() == direct.load().branch_tokens.tolist()
    assert len(store.load().step_signal) == 0
    assert "logprobs" not in server.asked[-1]


def test_log_probabilities_of_tokens_that_are_not_known_are_their_mean(server: Any) -> None:
    known = generated(backend(server)).logprobs
    server.gives_ids = False
    unknown = generated(backend(server)).logprobs
    assert known
    assert unknown == pytest.approx([sum(known) / len(known)] * len(known))


def test_confidence_over_http_is_the_one_without(server: Any, tmp_path: Path) -> None:
    _, over_http = collected(backend(server), tmp_path / "http", 5)
    _, direct = collected(SimulatedEngine.configure({}), tmp_path / "direct", 5)
    assert files(over_http) == files(direct)
    assert len(direct.load().step_confidence) > 0
    assert {asked.get("logprobs") for asked in server.asked} == {0, 5}
    server.bare = True
    with pytest.raises(EngineError, match="gives no log-probabilities of its top tokens"):
        collected(backend(server), tmp_path / "bare", 5)


@pytest.mark.parametrize(
    "fault",
    [
        (429, {"retry-after": "0"}, '{"error": {"message": "slow down"}}'),
        (503, {}, "overloaded"),
        (500, {}, '{"error": "broken"}'),
        (0, {}, ""),
        (200, {}, "not JSON"),
        (200, {}, '{"choices": []}'),
    ],
)
def test_faults_that_pass_are_tried_again(
    server: Any, tmp_path: Path, fault: tuple[int, dict[str, str], str]
) -> None:
    engine = backend(server)
    real = engine.start

    async def start(model: str) -> EngineFacts:
        facts = await real(model)
        server.faults += [fault, fault]
        return facts

    engine.start = start  # type: ignore[method-assign]
    _, store = collected(engine, tmp_path / "store")
    assert server.faults == []
    _, direct = collected(SimulatedEngine.configure({}), tmp_path / "direct")
    assert files(store) == files(direct)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ((400, {}, '{"error": {"message": "prompt too long"}}'), "status 400: prompt too long"),
        ((401, {}, '{"error": "no key"}'), "status 401: no key"),
        ((404, {}, "nothing here"), "status 404: nothing here"),
    ],
)
def test_faults_that_stay_end_it_with_the_servers_words(
    server: Any, fault: tuple[int, dict[str, str], str], told: str
) -> None:
    server.faults.append(fault)
    with pytest.raises(EngineError, match=told) as raised:
        generated(backend(server))
    assert not raised.value.transient


def test_mistakes(server: Any) -> None:
    with pytest.raises(EngineError, match="does not serve 'other', but 'toy'"):
        asyncio.run(backend(server).start("other"))
    with pytest.raises(EngineError, match="cannot be reached") as raised:
        asyncio.run(backend(server, base_url="http://127.0.0.1:9/v1").start("toy"))
    assert raised.value.transient
    with pytest.raises(EngineError, match="no tokenizer is known for 'toy'"):
        OpenAICompatible.configure({"base_url": server.url}).tokenizer("toy")


def test_the_key_comes_from_the_environment_and_is_in_no_message(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    assert generated(backend(server, key_variable="MY_KEY")).token_ids
    assert server.keys == {"Bearer sk-secret"}
    server.faults.append((401, {}, "no"))
    with pytest.raises(EngineError) as raised:
        generated(backend(server, key_variable="MY_KEY"))
    assert "sk-secret" not in str(raised.value)


def test_cancelling_closes_the_connection(server: Any) -> None:
    async def run() -> None:
        engine = backend(server)
        await engine.start("toy")
        server.engine.options = server.engine.Options(seconds_per_token=10.0)
        task = asyncio.create_task(engine.generate([72], 5, Sampling(seed=1)))
        while server.engine.running == 0:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(engine.close(), 10)

    asyncio.run(run())
