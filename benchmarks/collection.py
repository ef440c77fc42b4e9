"""How busy collection keeps an engine, what memory it takes, and what its probes cost.

    uv run python benchmarks/collection.py [--json]
    uv run python benchmarks/collection.py --model DIR --backend vllm [--option KEY=VALUE]

Without `--model`, a simulated engine of 256 slots whose tokens take time, one request in twenty
failing: how much of its slots' time it works, between the first branches that end and the last that
begin, and how the peak memory grows with the number of questions. With it, the same branches from
that engine in intervals with probes, and whole without them, in turns.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import click
from autotts_sim.engine import SimulatedEngine

from autotts_core.cli.options import options_of
from autotts_core.collecting.collecting import collect
from autotts_core.collecting.collection import Collection
from autotts_core.collecting.collector import Tally, branch_seed
from autotts_core.engine_branch import BranchSettings, EngineQuestion
from autotts_core.engine_wrapper import EngineWrapper
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.trace_backend import Engine, EngineFacts

SLOTS, AT_ONCE, FAILURES = 256, 320, 0.05
SECONDS_PER_TOKEN = 0.01
QUESTIONS = (8, 32)
BRANCHES, MOST, INTERVAL = 128, 4000, 500


def wanted(model: str, questions: int, branches: int, most: int, at_once: int) -> Collection:
    options = {"questions": questions, "form": "completion"}
    benchmark = registry().get("benchmark", "arithmetic").configure(options)
    settings = BranchSettings(INTERVAL, most, probe_tokens=16)
    return Collection(model, benchmark, branches, settings, at_once=at_once)


@dataclass
class Watch:
    """When the engine's slots were how busy, between the beginning and the end."""

    engine: SimulatedEngine
    seen: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self, tally: Tally) -> None:
        if AT_ONCE <= tally.branches <= tally.wanted - AT_ONCE:
            self.seen.append((time.monotonic(), self.engine.busy_seconds))

    @property
    def busy(self) -> float:
        (began, before), (ended, after) = self.seen[0], self.seen[-1]
        return (after - before) / (SLOTS * (ended - began))


def simulated(questions: int, out: Any) -> None:
    """Collect from the simulated engine, in a process whose memory is its own."""
    engine = SimulatedEngine.configure(
        {
            "slots": SLOTS,
            "seconds_per_token": SECONDS_PER_TOKEN,
            "failures": FAILURES,
            "mean_tokens": 800,
        }
    )
    watch = Watch(engine)
    collection = wanted("toy", questions, BRANCHES, MOST, AT_ONCE)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        _, tally = asyncio.run(collect(collection, engine, Path(folder) / "store", watch))
        seconds = time.monotonic() - began
    out.send(
        {
            "questions": questions,
            "branches": tally.branches,
            "lost": questions * BRANCHES - tally.branches,
            "tokens a second": round((tally.tokens + tally.probe_tokens) / seconds),
            "busy %": round(100 * watch.busy, 1),
            "peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    )


def apart(target: Callable[..., None], *arguments: Any) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    there, here = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(*arguments, here))
    process.start()
    here.close()
    found: dict[str, Any] = there.recv()
    process.join()
    return found


async def bare(engine: Engine, collection: Collection) -> float:
    """Tokens a second of whole branches, with no probes."""
    tokenizer = ModelTokenizer(engine.tokenizer(collection.model))
    settings = collection.settings
    room = asyncio.Semaphore(collection.at_once)

    async def branch(question: int, number: int, asked: EngineQuestion) -> int:
        seed = branch_seed(collection.seed, question, number) << 24
        sampling = settings.sampling(seed, asked.stop)
        async with room:
            found = await engine.generate(asked.prompt, settings.max_tokens, sampling)
            return len(found.token_ids)

    questions = [tokenizer.asked(collection.benchmark, each.text) for each in collection.questions]
    began = time.monotonic()
    tokens = await asyncio.gather(
        *(
            branch(question, number, asked)
            for question, asked in enumerate(questions)
            for number in range(collection.branches)
        )
    )
    return sum(tokens) / (time.monotonic() - began)


class Shared(EngineWrapper):
    """An engine that is started already, and goes on."""

    name = "shared"
    summary = "For collecting several times from one engine"

    def __init__(self, engine: Engine, facts: EngineFacts) -> None:
        super().__init__(engine)
        self._facts = facts

    async def start(self, model: str) -> EngineFacts:
        return self._facts

    async def close(self) -> None:
        pass


async def compared(engine: Engine, collection: Collection, rounds: int) -> dict[str, Any]:
    """Each round samples branches of its own, so that none finds the last round's in the cache.

    They are collected first: after the bare engine had made them, all prefixes would be hot.
    """
    facts = await engine.start(collection.model)
    shared = Shared(engine, facts)
    rows = []
    try:
        for seed in range(rounds + 1):
            again = replace(collection, seed=seed)
            with tempfile.TemporaryDirectory() as folder:
                began = time.monotonic()
                _, tally = await collect(again, shared, Path(folder) / "store", lambda tally: None)
                collected = (tally.tokens + tally.probe_tokens) / (time.monotonic() - began)
            rows.append((collected, await bare(engine, again), tally))
    finally:
        await engine.close()
    # An engine's first requests compile what it needs.
    counted = rows[1:]
    sent = sum(row[2].prompt_tokens for row in counted)
    return {
        "engine": f"{facts.name} {facts.version}",
        "collecting, tokens a second": [round(row[0]) for row in counted],
        "bare, tokens a second": [round(row[1]) for row in counted],
        "ratio": [round(row[0] / row[1], 3) for row in counted],
        "median ratio": round(median(row[0] / row[1] for row in counted), 3),
        "prefix from cache %": round(100 * sum(row[2].cached_tokens for row in counted) / sent, 1),
        "probe tokens %": round(
            100
            * sum(row[2].probe_tokens for row in counted)
            / sum(row[2].tokens for row in counted),
            1,
        ),
    }


@click.command()
@click.option("--model", help="A model's directory, or its name.")
@click.option("--backend", default="vllm", show_default=True)
@options_of("--option", "options", "backend")
@click.option("--questions", default=2, show_default=True)
@click.option("--branches", default=16, show_default=True)
@click.option("--max-tokens", default=1500, show_default=True)
@click.option("--at-once", default=16, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(
    model: str | None,
    backend: str,
    options: dict[str, str],
    questions: int,
    branches: int,
    max_tokens: int,
    at_once: int,
    rounds: int,
    as_json: bool,
) -> None:
    if model is None:
        found: Any = [apart(simulated, each) for each in QUESTIONS]
    else:
        engine = registry().get("trace backend", backend).configure(options)
        assert isinstance(engine, Engine)
        collection = wanted(model, questions, branches, max_tokens, at_once)
        found = [asyncio.run(compared(engine, collection, rounds))]
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for row in found:
        for key, value in row.items():
            click.echo(f"{key:<28} {value}")
        click.echo()


if __name__ == "__main__":
    main()
