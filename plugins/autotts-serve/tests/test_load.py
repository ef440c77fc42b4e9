"""Many requests, clients that go away, and engines that do wrong: nothing hangs or is left over."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from autotts_serve.limits import Limits
from autotts_serve.slots import Share, Slots
from autotts_sim.engine import SimulatedEngine

from autotts_core import retrying_engine
from autotts_core.controller_file import load_controller_source
from autotts_core.controller_spec import load_controllers
from autotts_core.faulty_engine import Faults, FaultyEngine
from autotts_core.trace_backend import Continuation, Sampling

from .conftest import ASK, HTTP, Served, Serving

SLOW = {"seconds_per_token": 1.0}


def slow() -> SimulatedEngine:
    return SimulatedEngine.configure(SLOW)


def hung_up(served: Served, body: dict[str, Any]) -> socket.socket:
    """A connection on which a request was sent."""
    host, port = served.url.removeprefix("http://").removesuffix("/v1").split(":")
    connection = socket.create_connection((host, int(port)))
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_takes_all_its_branches_with_it(
    serve: Serving, stream: bool
) -> None:
    with serve(slow(), controllers=load_controllers("self-consistency:branches=16")) as served:
        connection = hung_up(served, ASK | {"stream": stream})
        served.until(lambda: served.engine.running == 16)
        connection.close()
        served.idle()
        text = HTTP.get(served.url.replace("/v1", "/metrics")).text
        assert 'autotts_requests_total{endpoint="chat",outcome="cancelled"} 1.0' in text


def test_one_that_waits_in_the_queue_and_goes_away_is_forgotten(serve: Serving) -> None:
    with serve(slow(), limits=Limits(running=1, waiting=1)) as served:
        first = hung_up(served, ASK)
        served.until(lambda: served.service.running == 1)
        second = hung_up(served, ASK)
        served.until(lambda: served.service.waiting == 1)
        second.close()
        served.until(lambda: served.service.waiting == 0)
        assert served.service.running == 1
        first.close()
        served.idle()


def test_beyond_the_queue_clients_are_told_when_to_come_back(serve: Serving) -> None:
    with serve(slow(), limits=Limits(running=2, waiting=1)) as served:
        held = [hung_up(served, ASK) for _ in range(3)]
        served.until(lambda: (served.service.running, served.service.waiting) == (2, 1))
        for stream in (False, True):
            reply = served.post(stream=stream)
            assert reply.status_code == 429
            assert int(reply.headers["retry-after"]) >= 1
            assert reply.json()["error"]["type"] == "rate_limit_error"
        for connection in held:
            connection.close()
        served.idle()


def test_the_time_in_the_queue_counts(serve: Serving) -> None:
    with serve(slow(), limits=Limits(running=1)) as served:
        held = hung_up(served, ASK)
        served.until(lambda: served.service.running == 1)
        reply = served.post(autotts={"seconds": 0.1})
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "server_busy")
        held.close()
        served.idle()


class Stepwise(SimulatedEngine):
    """Notes whose requests it gets, and ends them one by one, when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.steps = asyncio.Queue[None]()

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        self.order.append(bytes(list(prefix)).decode())
        await self.steps.get()
        return Continuation([1], "x", "stop")


def test_slots_go_round_so_that_many_branches_starve_nobody() -> None:
    async def run() -> list[str]:
        engine, slots = Stepwise(), Slots(2)
        long, short, third = (Share(engine, slots) for _ in range(3))
        asked = [asyncio.create_task(long.generate(b"l", 1, Sampling())) for _ in range(64)]
        await asyncio.sleep(0)
        asked += [asyncio.create_task(short.generate(b"s", 1, Sampling())) for _ in range(3)]
        asked += [asyncio.create_task(third.generate(b"t", 1, Sampling())) for _ in range(2)]
        await asyncio.sleep(0)
        # One that is cancelled while it waits is passed over.
        asked[2].cancel()
        for _ in range(68):
            engine.steps.put_nowait(None)
        await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)
        assert (slots.free, slots.waiting, long.running, long.tokens) == (2, 0, 0, 63)
        return engine.order

    assert "".join(asyncio.run(run()))[:12] == "ll" + "lst" * 2 + "ls" + "ll"


def test_a_slot_that_is_given_to_one_who_has_just_left_goes_to_the_next() -> None:
    async def run() -> None:
        engine, slots = Stepwise(), Slots(1)
        share = Share(engine, slots)
        first, second, third = (
            asyncio.create_task(share.generate(b"a", 1, Sampling())) for _ in range(3)
        )
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        # The slot is the second's, which has not run since.
        second.cancel()
        engine.steps.put_nowait(None)
        assert (await asyncio.wait_for(third, 10)).token_ids == [1]
        assert (slots.free, slots.waiting) == (1, 0)

    asyncio.run(run())


def answers(served: Served, count: int, **given: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: served.post(**given), range(count)))


FAULTS = Faults(
    overloaded=0.05, cut=0.05, slow=0.02, aborted=0.05, too_long=0.02, empty=0.02,
    wrong_logprobs=0.02, refused=0.004,
)  # fmt: skip


def test_with_all_faults_on_every_request_ends_with_an_answer_or_an_error(
    serve: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying_engine, "_FIRST_WAIT", 0.01)
    faulty = FaultyEngine(SimulatedEngine(), FAULTS, slow_seconds=0.1)
    with serve(faulty) as served:
        replies = answers(served, 16, model="toy@cmc")
        statuses = [reply.status_code for reply in replies]
        assert set(statuses) == {200, 502}
        for reply in replies:
            if reply.status_code == 200:
                assert reply.json()["choices"][0]["message"]["content"]
            else:
                assert reply.json()["error"]["code"] == "engine_error"
        assert all(faulty.met[fault] for fault in ("overloaded", "cut", "aborted", "too_long"))
        served.idle()


def test_an_engine_that_dies_comes_back_into_running_requests(
    serve: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying_engine, "_FIRST_WAIT", 0.1)
    faulty = FaultyEngine(SimulatedEngine(), Faults(), after=None)
    with serve(faulty) as served, ThreadPoolExecutor(1) as pool:
        faulty.down = True
        asked = pool.submit(served.post, seed=1)
        served.until(lambda: faulty.met["down"] >= 16)
        faulty.down = False
        assert asked.result().json()["choices"][0]["message"]["content"] == "38"
        served.idle()


def test_an_engine_that_stays_away_is_told_and_so_in_a_stream(
    serve: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying_engine, "_FIRST_WAIT", 0.0)
    faulty = FaultyEngine(SimulatedEngine(), Faults())
    with serve(faulty) as served:
        faulty.down = True
        reply = served.post()
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
        assert reply.json()["error"]["code"] == "engine_unavailable"
        *_, last = [line for line in served.post(stream=True).text.split("\n\n") if line]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "engine_unavailable"
        served.idle()


def test_an_engine_that_never_answers_is_waited_for_as_long_as_told(serve: Serving) -> None:
    faulty = FaultyEngine(SimulatedEngine(), Faults(slow=1.0), slow_seconds=10_000)
    with serve(faulty) as served:
        reply = served.post(autotts={"seconds": 0.2}).json()
        assert reply["choices"][0]["finish_reason"] == "length"
        served.idle()


FAULTY = """
def schedule(beta):
    return {}


def policy(episode, p):
    return 1 // (episode.read() - 0)
"""


def test_a_controller_that_fails_is_the_servers_fault(serve: Serving) -> None:
    mine = load_controller_source(FAULTY, "faulty")()
    with serve(controllers=[mine]) as served:
        reply = served.post()
        assert (reply.status_code, reply.json()["error"]["code"]) == (500, "controller_failed")
        assert "line" not in reply.text
        served.idle()


def test_progress_is_told_while_it_works(serve: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autotts_serve.app.PROGRESS_SECONDS", 0.05)
    engine = SimulatedEngine.configure({"seconds_per_token": 0.001})
    with serve(engine, controllers=load_controllers("cmc")) as served:
        lines = served.post(stream=True).text.split("\n\n")
        comments = [line for line in lines if line.startswith(": ")]
        assert len(comments) > 2
        assert comments[0].endswith("requests at the engine")


def test_told_to_end_it_lets_requests_finish(serve: Serving) -> None:
    engine = SimulatedEngine.configure({"seconds_per_token": 0.0005})
    with serve(engine, grace=30) as served, ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(served.post, stream=stream) for stream in (False, True)]
        served.until(lambda: served.service.running == 2)
        served.server.should_exit = True
        assert asked[0].result().json()["choices"][0]["message"]["content"]
        assert asked[1].result().text.endswith("data: [DONE]\n\n")
        with pytest.raises(httpx.TransportError):
            served.post()


def test_what_does_not_finish_in_time_is_cut_off_with_an_error(serve: Serving) -> None:
    with serve(slow(), grace=0.2) as served, ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(served.post, stream=stream) for stream in (False, True)]
        served.until(lambda: served.engine.running == 16)
        served.server.should_exit = True
        reply, stream = (each.result() for each in asked)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "shutting_down")
        assert '"code":"shutting_down"' in stream.text
        assert served.engine.running == 0


def test_requests_of_different_kinds_beside_each_other(served: Served) -> None:
    alone = {
        controller: served.post(model=f"toy@{controller}", seed=1).json()["usage"]
        for controller in ("cmc", "asc", "brevity")
    }
    found: dict[str, list[dict[str, Any]]] = {controller: [] for controller in alone}

    def ask(controller: str) -> None:
        found[controller].append(served.post(model=f"toy@{controller}", seed=1).json()["usage"])

    threads = [threading.Thread(target=ask, args=(each,)) for each in [*alone] * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for controller, usages in found.items():
        assert usages == [alone[controller]] * 5
