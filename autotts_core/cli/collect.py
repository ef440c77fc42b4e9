"""`autotts collect`: from a model and a benchmark to a replay store."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotts_core.cli.options import confidence_options, options_of
from autotts_core.plugins import registry

if TYPE_CHECKING:
    from autotts_core.collecting.collecting import Report
    from autotts_core.collecting.collection import Collection
    from autotts_core.collecting.collector import Tally
    from autotts_core.executor import Executor


@click.command()
@click.argument("model")
@click.argument("benchmark")
@click.option("--backend", required=True, help="An engine's name; `autotts plugins` lists them.")
@options_of("--option", "backend_options", "backend")
@options_of("--benchmark-option", "benchmark_options", "benchmark")
@click.option("--out", required=True, type=click.Path(path_type=Path),
              help="Directory in which the store is made, as MODEL/BENCHMARK.")  # fmt: skip
@click.option("--branches", default=128, show_default=True, type=click.IntRange(min=1),
              help="Branches sampled for each question.")  # fmt: skip
@click.option("--interval", default=500, show_default=True, type=click.IntRange(min=1),
              help="Δ: tokens from one probe to the next.")  # fmt: skip
@click.option("--max-tokens", default=32_768, show_default=True, type=click.IntRange(min=1),
              help="Tokens at which a branch is cut off.")  # fmt: skip
@click.option("--probe-tokens", default=32, show_default=True, type=click.IntRange(min=1),
              help="Tokens that an answer may take after a probe.")  # fmt: skip
@click.option("--temperature", default=0.7, show_default=True, type=click.FloatRange(min=0))
@click.option("--top-p", default=1.0, show_default=True, type=click.FloatRange(0, 1, min_open=True))
@click.option("--top-k", default=-1, show_default=True)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--at-once", default=256, show_default=True, type=click.IntRange(min=1),
              help="Branches under way at any time, on each engine.")  # fmt: skip
@click.option("--executor", help="Run several engines at a time, where this executor says.")
@options_of("--executor-option", "executor_options", "executor")
@confidence_options
@click.option("--texts", is_flag=True, help="Keep what branches and probes write in the store.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost at most, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def collect(
    model: str,
    benchmark: str,
    backend: str,
    backend_options: dict[str, str],
    benchmark_options: dict[str, str],
    out: Path,
    branches: int,
    interval: int,
    max_tokens: int,
    probe_tokens: int,
    temperature: float,
    top_p: float,
    top_k: int,
    seed: int,
    at_once: int,
    executor: str | None,
    executor_options: dict[str, str],
    top_logprobs: int,
    confidence_window: int,
    texts: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Sample a model's branches on a benchmark, and freeze them in a replay store.

    MODEL is what the backend calls it, or a model's directory. Each branch is probed every
    INTERVAL tokens: what would it answer if it were stopped here? Killed or cut off, the same
    command goes on: no finished branch is lost, and none is sampled twice.
    """
    from autotts_core.collecting.collecting import collect as collect_store
    from autotts_core.collecting.collection import Collection
    from autotts_core.collecting.sharded import collect_sharded
    from autotts_core.engine_branch import BranchSettings
    from autotts_core.errors import OptionError
    from autotts_core.trace_backend import Engine

    engine = registry().get("trace backend", backend).configure(backend_options)
    if not isinstance(engine, Engine):
        raise OptionError(
            f"trace backend {backend!r} hands over whole traces and samples none: name it in a "
            "recipe's `stores`."
        )
    chosen = _executor(executor, executor_options)
    settings = BranchSettings(
        interval,
        max_tokens,
        probe_tokens,
        temperature,
        top_p,
        top_k,
        top_logprobs,
        confidence_window,
    )
    asked = registry().get("benchmark", benchmark).configure(benchmark_options)
    collection = Collection(model, asked, branches, settings, seed, at_once, texts)
    path = out / collection.name
    if dry_run:
        tell(_cost(collection), as_json)
        return
    began = time.monotonic()
    with _progress(collection) as report:
        if chosen is None:
            facts, tally = asyncio.run(collect_store(collection, engine, path, report))
        else:
            facts, tally = collect_sharded(collection, engine, chosen, path, report)
    for lacking in facts.lacks:
        click.echo(f"{facts.name} {facts.version} does without {lacking}.", err=True)
    tell({"store": str(path)} | _measured(tally, time.monotonic() - began), as_json)


def _executor(name: str | None, options: dict[str, str]) -> Executor | None:
    if name is not None:
        return registry().get("executor", name).configure(options)
    if options:
        raise click.UsageError("--executor-option is for an --executor: name one.")
    return None


def _cost(collection: Collection) -> dict[str, Any]:
    """At most: branches end sooner where the model comes to an end."""
    questions, settings = len(collection.questions), collection.settings
    branches = questions * collection.branches
    probes = branches * (settings.max_tokens // settings.interval_tokens)
    return {
        "questions": questions,
        "branches": branches,
        "tokens at most": branches * settings.max_tokens,
        "probe tokens at most": probes * settings.probe_tokens,
        "GPU hours at most, at 10,000 tokens a second": round(
            (branches * settings.max_tokens + probes * settings.probe_tokens) / 1e4 / 3600, 1
        ),
        "MB on disk at most": round(
            (probes * 8 + branches * settings.max_tokens * 4 * collection.texts) / 1e6, 1
        ),
    }


def _measured(tally: Tally, seconds: float) -> dict[str, Any]:
    sent = max(1, tally.prompt_tokens)
    return {
        "questions": tally.questions,
        "branches": tally.branches,
        "tokens": tally.tokens,
        "seconds": round(seconds, 1),
        "tokens a second": round((tally.tokens + tally.probe_tokens) / max(seconds, 1e-9)),
        "probe tokens %": round(100 * tally.probe_tokens / max(1, tally.tokens), 1),
        "prefix from cache %": round(100 * tally.cached_tokens / sent, 1),
    }


def tell(facts: dict[str, Any], as_json: bool) -> None:
    """Print `facts`, one a line or as JSON."""
    if as_json:
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    width = max(map(len, facts))
    for key, value in facts.items():
        told = f"{value:,}" if isinstance(value, int | float) else value
        click.echo(f"{key:<{width}}  {told}")


@contextmanager
def _progress(collection: Collection) -> Iterator[Report]:
    """Branches, questions, tokens a second, cache and probes, and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    began = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} branches, {task.fields[told]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        total = len(collection.questions) * collection.branches
        task = bar.add_task(collection.name, total=total, told="")

        def report(tally: Tally) -> None:
            facts = _measured(tally, time.monotonic() - began)
            told = (
                f"{facts['questions']:,} questions, {facts['tokens a second']:,} tokens/s, "
                f"{facts['probe tokens %']} % for probes, {facts['prefix from cache %']} % cached"
            )
            bar.update(task, completed=tally.branches, told=told)

        yield report
