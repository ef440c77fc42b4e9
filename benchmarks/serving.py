"""What `autotts serve` adds to a controller's latency, what memory it takes, and how it lasts.

    uv run python benchmarks/serving.py [--json]
    uv run python benchmarks/serving.py --soak MINUTES [--json]

Three parts, each with a server in a process of its own, asked over real HTTP on this machine:

* latency: the same episodes through the server and by `Solver` alone, 64 at a time, in turns. The
  engine takes the same time for the same tokens, and remembers what it gave, so that only the
  server differs. The client is as little of one as there can be: libraries for HTTP take longer
  than what is measured.
* memory: 500 requests of 16 branches each, all of them at the engine at once.
* soak: requests of several kinds for so many minutes, with an engine that does all wrong that an
  engine can, is away for five seconds in each minute, and clients of whom some go away.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import re
import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from multiprocessing.connection import Connection
from typing import Any

import click
from autotts_serve.api_keys import ApiKeys
from autotts_serve.limits import Limits
from autotts_serve.server import address, bound, event_loop
from autotts_serve.serving import Setup, run
from autotts_serve.shared_grader import SharedGrader
from autotts_sim.engine import SimulatedEngine

from autotts_core.controller_spec import load_controllers
from autotts_core.engine_branch import BranchSettings
from autotts_core.engine_wrapper import EngineWrapper
from autotts_core.faulty_engine import Faults, FaultyEngine
from autotts_core.live.solving import Solver
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.trace_backend import Continuation, Engine, EngineFacts, Sampling

AT_ONCE, ROUNDS, EACH = 64, 3, 8
"""Of the latency: requests at a time, turns, and requests of each client in a turn."""
APART = 0.015
"""Seconds between clients' first requests: requests that come at once wait for each other."""
SECONDS_PER_TOKEN = 0.002
REQUESTS, BRANCHES = 500, 16
"""Of the memory."""
FAULTS = Faults(
    overloaded=0.02,
    cut=0.02,
    slow=0.01,
    aborted=0.02,
    too_long=0.01,
    empty=0.01,
    wrong_logprobs=0.01,
    refused=0.0002,
)
CLIENTS, LEAVING, AWAY = 48, 0.05, 5.0
"""Of the soak: clients, the share of requests they leave, and seconds a minute without engine."""
CONTROLLER = "self-consistency:branches=16"


class Paced(EngineWrapper):
    """Takes the same time for each token, and no work for what it gave before."""

    def __init__(self) -> None:
        options = {"mean_tokens": 100, "slots": 100_000}
        super().__init__(SimulatedEngine.configure(options))
        self._given: dict[Any, Continuation] = {}

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        key = (bytes(prefix), max_tokens, sampling)
        if key not in self._given:
            self._given[key] = await super().generate(prefix, max_tokens, sampling)
        found = self._given[key]
        await asyncio.sleep(SECONDS_PER_TOKEN * len(found.token_ids))
        return found


class Gathering(EngineWrapper):
    """Branches of one length, none of which goes on before all have come as far."""

    def __init__(self, together: int) -> None:
        super().__init__(SimulatedEngine.configure({}))
        self._together = together
        self._come = 0
        self._all_here = asyncio.Event()
        self._text = "abcdefgh"

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        if sampling.temperature > 0:
            # Probes pass: branches that wait for nobody else are all of them.
            self._come += 1
            here = self._all_here
            if self._come == self._together:
                self._come, self._all_here = 0, asyncio.Event()
                here.set()
            await here.wait()
            text = (self._text * (1 + max_tokens // 8))[:max_tokens]
            return Continuation(list(text.encode()), text, "length")
        return Continuation([49, 10], "1\n", "stop")


class Unsteady(FaultyEngine):
    """With faults, and away in each minute."""

    def __init__(self) -> None:
        # It keeps no prefixes, so that what grows is the server's.
        options = {"seconds_per_token": 0.002, "mean_tokens": 150, "cache_blocks": 0}
        engine = SimulatedEngine.configure(options)
        super().__init__(engine, FAULTS, after=None)

    async def start(self, model: str) -> EngineFacts:
        self._coming_and_going = asyncio.create_task(self._come_and_go())
        return await super().start(model)

    async def _come_and_go(self) -> None:
        while True:
            await asyncio.sleep(60 - AWAY)
            self.down = True
            await asyncio.sleep(AWAY)
            self.down = False


def setup(engine: Engine, controller: str, interval: int, longest: int, running: int) -> Setup:
    form = registry().get("benchmark", "arithmetic").configure({"form": "completion"})
    return Setup(
        engine,
        "toy",
        "toy",
        form,
        load_controllers(controller),
        0.5,
        BranchSettings(interval, longest),
        Limits(running=running, slots=running * BRANCHES, seconds=3600),
        ApiKeys([]),
    )


def latency_setup() -> Setup:
    return setup(Paced(), CONTROLLER, 500, 4000, AT_ONCE)


def memory_setup(tokens: int) -> Setup:
    engine = Gathering(REQUESTS * BRANCHES)
    step = max(500, tokens // 5)
    return setup(engine, f"parallel-probe:branches={BRANCHES}", step, tokens, REQUESTS)


def soak_setup() -> Setup:
    chosen = setup(Unsteady(), "brevity", 100, 2000, 32)
    return replace(chosen, limits=Limits(running=32, waiting=12, slots=128, seconds=30))


def serve(make: Callable[..., Setup], arguments: tuple[Any, ...], out: Connection) -> None:
    """A server in a process of its own; tells where it is, and at its end its peak memory."""
    with bound("127.0.0.1", 0) as listener, event_loop() as loop:
        url = address(listener)
        loop.run(run(make(*arguments), listener, 10.0, lambda: out.send(url)))
    out.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@dataclass
class Server:
    host: str
    port: int
    peak_mib: float = 0.0

    async def ask(self, body: dict[str, Any], leave_after: float | None = None) -> int:
        """The status of a request, 0 where it was left before there was one."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            content = json.dumps(body).encode()
            head = (
                "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                f"content-length: {len(content)}\r\n\r\n"
            )
            writer.write(head.encode() + content)
            async with asyncio.timeout(leave_after):
                reply = await reader.read(-1)
        except TimeoutError:
            return 0
        finally:
            writer.close()
        status = int(reply.split(b" ", 2)[1])
        # In a stream, what goes wrong comes later.
        return 500 if status == 200 and b'{"error":' in reply else status

    async def metrics(self) -> dict[str, float]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        text = (await reader.read(-1)).decode()
        writer.close()
        return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.M)}


@contextmanager
def server(make: Callable[..., Setup], *arguments: Any) -> Iterator[Server]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=serve, args=(make, arguments, there), daemon=True)
    process.start()
    host, port = here.recv().removeprefix("http://").split(":")
    found = Server(host, int(port))
    try:
        yield found
    finally:
        process.terminate()
        found.peak_mib = round(here.recv())
        process.join()


def asked(number: int) -> str:
    return f"What is {number} + {number + 1}?"


def seeds(number: int) -> range:
    """Of a client's requests in every turn; none of them has an episode of the same length."""
    return range(number * EACH, (number + 1) * EACH)


def alone(orders: Connection) -> None:
    """The same episodes without a server, in a process of their own, as often as it is told."""
    chosen = latency_setup()
    tokenizer = ModelTokenizer(chosen.engine.tokenizer("toy"))
    grader = SharedGrader(registry().get("grader", chosen.benchmark.grader)())
    threads = ThreadPoolExecutor(AT_ONCE)

    async def client(number: int) -> list[float]:
        seconds = []
        await asyncio.sleep(APART * number)
        for seed in seeds(number):
            began = time.perf_counter()
            question = tokenizer.asked(chosen.benchmark, asked(number))
            solver = Solver(
                chosen.controllers[0],
                chosen.beta,
                chosen.settings,
                chosen.limits.branches,
                chosen.engine,
                grader,
                "apart",
                threads,
            )
            await solver.solve(question, seed)
            seconds.append(time.perf_counter() - began)
        return seconds

    async def turns() -> None:
        await chosen.engine.start("toy")
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, orders.recv):
            found = await asyncio.gather(*(client(number) for number in range(AT_ONCE)))
            orders.send(found)

    asyncio.run(turns())


async def through(on: Server) -> list[list[tuple[float, float]]]:
    """The seconds of each client's requests, on a connection that it keeps.

    And how many of them it was not the episode that took.
    """

    async def client(number: int) -> list[tuple[float, float]]:
        seconds = []
        message = {"role": "user", "content": asked(number)}
        reader, writer = await asyncio.open_connection(on.host, on.port)
        await asyncio.sleep(APART * number)
        for seed in seeds(number):
            body = json.dumps({"model": "toy", "seed": seed, "messages": [message]}).encode()
            head = (
                "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                f"content-length: {len(body)}\r\n\r\n"
            )
            began = time.perf_counter()
            writer.write(head.encode() + body)
            reply = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert reply.startswith("http/1.1 200"), reply
            length = int(reply.split("content-length: ")[1].split("\r")[0])
            told = json.loads(await reader.readexactly(length))["autotts"]
            took = time.perf_counter() - began
            seconds.append((took, took - told["seconds"]))
        writer.close()
        return seconds

    return await asyncio.gather(*(client(number) for number in range(AT_ONCE)))


def latency() -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=alone, args=(there,), daemon=True)
    process.start()
    served: list[list[float]] = []
    bare: list[list[float]] = []
    around: list[float] = []
    with server(latency_setup) as on:
        for turn in range(ROUNDS + 1):
            found = list(chain(*asyncio.run(through(on))))
            here.send(True)
            alone_too = list(chain(*here.recv()))
            # The first turn is for imports, and for the engine to remember.
            if turn:
                served.append([took for took, _ in found])
                around += [rest for _, rest in found]
                bare.append(alone_too)
    here.send(False)
    process.join()
    # Each episode for itself: its median over the turns.
    longer = [
        statistics.median(one) - statistics.median(other)
        for one, other in zip(zip(*served, strict=True), zip(*bare, strict=True), strict=True)
    ]
    medians = [statistics.median(chain(*way)) for way in (served, bare)]
    return {
        "requests at a time": AT_ONCE,
        "episodes each way": AT_ONCE * EACH * ROUNDS,
        "median through the server, ms": round(1000 * medians[0], 1),
        "median by Solver alone, ms": round(1000 * medians[1], 1),
        "difference of the medians, ms": round(1000 * (medians[0] - medians[1]), 1),
        "median of what a request takes longer, ms": round(1000 * statistics.median(longer), 1),
        "of a request, outside of its episode, ms": round(1000 * statistics.median(around), 1),
    }


def memory(tokens: int) -> dict[str, Any]:
    async def ask(on: Server) -> Counter[int]:
        message = {"role": "user", "content": asked(1)}
        body = {"model": "toy", "messages": [message]}
        return Counter(await asyncio.gather(*(on.ask(body) for _ in range(REQUESTS))))

    with server(memory_setup, tokens) as on:
        idle = asyncio.run(on.metrics())["process_resident_memory_bytes"] / 2**20
        began = time.monotonic()
        statuses = asyncio.run(ask(on))
        seconds = time.monotonic() - began
    return {
        "requests": REQUESTS,
        "branches": REQUESTS * BRANCHES,
        "tokens of a branch": tokens,
        "statuses": dict(statuses),
        "seconds": round(seconds, 1),
        "idle MiB": round(idle),
        "peak MiB": on.peak_mib,
    }


@dataclass
class Soak:
    """Clients that ask until the time is up, and what became of it."""

    on: Server
    until: float
    statuses: Counter[int] = field(default_factory=Counter)

    async def client(self, number: int) -> None:
        chance = random.Random(number)
        while time.monotonic() < self.until:
            controller = chance.choice(["brevity", "cmc", "asc", "deadline:0.2"])
            body = {
                "model": f"toy@{controller}",
                "messages": [{"role": "user", "content": asked(chance.randrange(1000))}],
                "stream": chance.random() < 0.5,
            }
            leaves = chance.random() < LEAVING
            status = await self.on.ask(body, chance.uniform(0, 3) if leaves else None)
            self.statuses[status] += 1
            if status == 429:
                await asyncio.sleep(chance.uniform(0.5, 1.5))

    async def run(self, report: Callable[[dict[str, Any]], None], every: float) -> None:
        began = time.monotonic()
        clients = asyncio.gather(*(self.client(number) for number in range(CLIENTS)))
        while not clients.done():
            await asyncio.wait([clients], timeout=every)
            report(await self.row(began))
        await clients
        while (await self.on.metrics())["autotts_engine_requests"]:
            await asyncio.sleep(0.1)
        report(await self.row(began))

    async def row(self, began: float) -> dict[str, Any]:
        told = await self.on.metrics()
        return {
            "seconds": round(time.monotonic() - began),
            "answered": self.statuses[200],
            "left": self.statuses[0],
            "sent away": self.statuses[429],
            "failed": self.statuses[500] + self.statuses[502] + self.statuses[503],
            "running": int(told["autotts_requests_running"]),
            "waiting": int(told["autotts_requests_waiting"]),
            "at the engine": int(told["autotts_engine_requests"]),
            "asked again": int(told["autotts_engine_retries_total"]),
            "MiB": round(told["process_resident_memory_bytes"] / 2**20),
        }


def soak(minutes: float, report: Callable[[dict[str, Any]], None]) -> None:
    with server(soak_setup) as on:
        running = Soak(on, time.monotonic() + 60 * minutes)
        asyncio.run(running.run(report, min(60.0, 6 * minutes)))


@click.command()
@click.option("--soak", "minutes", type=click.FloatRange(min=0, min_open=True))
@click.option("--json", "as_json", is_flag=True)
def main(minutes: float | None, as_json: bool) -> None:
    if minutes is not None:
        rows: list[dict[str, Any]] = []

        def report(row: dict[str, Any]) -> None:
            if not as_json:
                if not rows:
                    click.echo("  ".join(f"{key:>13}" for key in row))
                click.echo("  ".join(f"{value:>13}" for value in row.values()))
            rows.append(row)

        soak(minutes, report)
        if as_json:
            click.echo(json.dumps(rows, indent=1))
        return
    found = [latency(), memory(500), memory(10_000)]
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for part in found:
        for key, value in part.items():
            click.echo(f"{key:<48} {value}")
        click.echo()


if __name__ == "__main__":
    main()
