"""`autotts solve`: one question, answered live under a controller."""

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import click

from autotts_core.cli.collect import options_of
from autotts_core.plugins import registry

if TYPE_CHECKING:
    from autotts_core.live.solving import LiveAnswer

_COMPARED = 64


@click.command()
@click.argument("question")
@click.option("--model", required=True, help="What the backend calls it, or its directory.")
@click.option("--backend", required=True, help="An engine's name; `autotts plugins` lists them.")
@options_of("--option", "backend_options", "backend")
@click.option("--benchmark", required=True,
              help="Gives the forms of prompt and probe, and the grader of answers.")  # fmt: skip
@options_of("--benchmark-option", "benchmark_options", "benchmark")
@click.option("--controller", "spec", default="brevity", show_default=True,
              help="As `autotts evaluate` takes it.")  # fmt: skip
@click.option("--beta", default=0.5, show_default=True, type=click.FloatRange(0, 1))
@click.option("--branches", default=128, show_default=True, type=click.IntRange(min=1),
              help="Branches that the controller may open.")  # fmt: skip
@click.option("--interval", default=500, show_default=True, type=click.IntRange(min=1),
              help="Δ: as in the traces that the controller was made on.")  # fmt: skip
@click.option("--max-tokens", default=32_768, show_default=True, type=click.IntRange(min=1),
              help="Tokens at which a branch is cut off.")  # fmt: skip
@click.option("--temperature", default=0.7, show_default=True, type=click.FloatRange(min=0))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--budget", type=click.IntRange(min=1), help="Tokens that it may spend.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True),
              help="Time that it may take.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def solve(
    question: str,
    model: str,
    backend: str,
    backend_options: dict[str, str],
    benchmark: str,
    benchmark_options: dict[str, str],
    spec: str,
    beta: float,
    branches: int,
    interval: int,
    max_tokens: int,
    temperature: float,
    seed: int,
    budget: int | None,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Answer QUESTION on an engine, under a controller: `-` reads it from standard input.

    The controller's source is the one that replay scores. At a limit the majority of the
    branches' latest answers is the answer, and it is said.
    """
    from autotts_core.controller_spec import load_controllers
    from autotts_core.engine_branch import BranchSettings
    from autotts_core.errors import OptionError
    from autotts_core.live.solving import Solver
    from autotts_core.model_tokenizer import ModelTokenizer
    from autotts_core.retrying_engine import RetryingEngine
    from autotts_core.trace_backend import Engine

    controllers = load_controllers(spec)
    if len(controllers) != 1:
        raise OptionError(f"--controller {spec}: is {len(controllers)} controllers: name one.")
    engine = registry().get("trace backend", backend).configure(backend_options)
    if not isinstance(engine, Engine):
        raise OptionError(f"trace backend {backend!r} hands over whole traces, and answers none.")
    form = registry().get("benchmark", benchmark).configure(benchmark_options)
    text = sys.stdin.read().strip() if question == "-" else question
    asked = ModelTokenizer(engine.tokenizer(model)).asked(form, text)
    settings = BranchSettings(interval, max_tokens, temperature=temperature)

    async def answered() -> LiveAnswer:
        retrying = RetryingEngine(engine)
        try:
            await retrying.start(model)
            with ThreadPoolExecutor(1) as threads:
                grader = registry().get("grader", form.grader)()
                solver = Solver(
                    controllers[0], beta, settings, branches, retrying, grader, "apart", threads
                )
                return await solver.solve(asked, seed, budget, seconds)
        finally:
            await retrying.close()

    found = _described(asyncio.run(answered()))
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _print(found)


def _described(found: LiveAnswer) -> dict[str, Any]:
    """The answer, what it cost, and what self-consistency would have cost by what was seen."""
    ended = [branch.tokens for branch in found.branches if branch.finished]
    expected = round(_COMPARED * sum(ended) / len(ended)) if ended else None
    return {
        "answer": found.answer,
        "stopped": found.stop,
        "tokens": found.tokens,
        "sequential_tokens": found.sequential_tokens,
        "probe_tokens": found.probe_tokens,
        "seconds": round(found.seconds, 2),
        # By the branches that ended, which are the shorter ones: no more than a lower bound.
        f"sc{_COMPARED}_tokens_at_least": expected,
        "branches": [
            {"tokens": branch.tokens, "finished": branch.finished} for branch in found.branches
        ],
    }


def _print(found: dict[str, Any]) -> None:
    ended = sum(branch["finished"] for branch in found["branches"])
    expected = found[f"sc{_COMPARED}_tokens_at_least"]
    click.echo(found["answer"] or "(no answer)")
    click.echo(
        f"{found['stopped']}, after {found['seconds']} s: {found['tokens']:,} tokens in "
        f"{len(found['branches'])} branches, {ended} of which ended, and {found['probe_tokens']:,} "
        f"for probes; {found['sequential_tokens']:,} one after another.",
        err=True,
    )
    if expected is not None:
        click.echo(f"SC@{_COMPARED} would take {expected:,} tokens or more.", err=True)
