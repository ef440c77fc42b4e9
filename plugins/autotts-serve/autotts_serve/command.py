"""`autotts serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotts_core.cli.components import engine_called, one_controller
from autotts_core.cli.options import confidence_options, options_of
from autotts_core.plugins import registry

if TYPE_CHECKING:
    from autotts_core.controller import Controller


@click.command()
@click.option("--model", required=True, help="What the backend calls it, or its directory.")
@click.option("--backend", required=True, help="An engine's name; `autotts plugins` lists them.")
@options_of("--option", "backend_options", "backend")
@click.option("--benchmark", required=True,
              help="Gives the forms of prompt and probe, and the grader of answers.")  # fmt: skip
@options_of("--benchmark-option", "benchmark_options", "benchmark")
@click.option("--controller", "specs", multiple=True, default=["brevity"], show_default=True,
              help="As `autotts evaluate` takes it: what answers by default. More of them are "
              "offered by their names, as all installed ones are.")  # fmt: skip
@click.option("--beta", default=0.5, show_default=True, type=click.FloatRange(0, 1))
@click.option("--interval", default=500, show_default=True, type=click.IntRange(min=1),
              help="Δ: as in the traces that the controllers were made on.")  # fmt: skip
@click.option("--temperature", default=0.7, show_default=True, type=click.FloatRange(min=0))
@confidence_options
@click.option("--answer-form", default="{answer}", show_default=True,
              help="What a reply says; {answer} stands for the answer.")  # fmt: skip
@click.option("--served-model-name", help="What clients call it.  [default: --model]")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535),
              help="0 for any that is free.")  # fmt: skip
@click.option("--api-keys", type=click.Path(path_type=Path),
              help="File with the keys that clients may show, one a line. They may also stand in "
              "the environment, in AUTOTTS_API_KEYS.")  # fmt: skip
@click.option("--running", default=64, show_default=True, type=click.IntRange(min=1),
              help="Requests answered at a time.")  # fmt: skip
@click.option("--waiting", default=256, show_default=True, type=click.IntRange(min=0),
              help="Requests that may wait for their turn; 429 beyond it.")  # fmt: skip
@click.option("--slots", default=256, show_default=True, type=click.IntRange(min=1),
              help="Requests at the engine at a time.")  # fmt: skip
@click.option("--branches", default=128, show_default=True, type=click.IntRange(min=1),
              help="Branches that a controller may open.")  # fmt: skip
@click.option("--max-tokens", default=32_768, show_default=True, type=click.IntRange(min=1),
              help="Tokens at which a branch is cut off.")  # fmt: skip
@click.option("--budget", type=click.IntRange(min=1),
              help="Tokens that one request may spend.")  # fmt: skip
@click.option("--seconds", default=600.0, show_default=True,
              type=click.FloatRange(min=0, min_open=True),
              help="Time that one request may take.")  # fmt: skip
@click.option("--grace", default=30.0, show_default=True, type=click.FloatRange(min=0),
              help="Seconds that requests have to finish when it is told to end.")  # fmt: skip
def serve(
    model: str,
    backend: str,
    backend_options: dict[str, str],
    benchmark: str,
    benchmark_options: dict[str, str],
    specs: tuple[str, ...],
    beta: float,
    interval: int,
    temperature: float,
    top_logprobs: int,
    confidence_window: int,
    answer_form: str,
    served_model_name: str | None,
    host: str,
    port: int,
    api_keys: Path | None,
    running: int,
    waiting: int,
    slots: int,
    branches: int,
    max_tokens: int,
    budget: int | None,
    seconds: float,
    grace: float,
) -> None:
    """Serve a model behind a controller, in OpenAI's protocol.

    Clients ask as they would ask the model: `/v1/chat/completions`, `/v1/completions`. Their
    question is answered by branches that a controller opens, deepens, gives up and counts. The
    model's name alone stands for the default controller, NAME@CONTROLLER:BETA for another.
    """
    import logging

    from autotts_core.engine_branch import BranchSettings
    from autotts_core.errors import OptionError
    from autotts_serve.api_keys import VARIABLE, load_api_keys
    from autotts_serve.limits import Limits
    from autotts_serve.replies import ANSWER
    from autotts_serve.server import address, bound, event_loop
    from autotts_serve.serving import Setup, run

    if ANSWER not in answer_form:
        raise OptionError(f"--answer-form {answer_form!r}: must hold {ANSWER}.")
    engine = engine_called(backend, backend_options)
    keys = load_api_keys(api_keys)
    if host not in ("127.0.0.1", "localhost", "::1") and not keys:
        click.echo(f"Anyone who can reach {host} may ask: --api-keys or {VARIABLE} would ask for "
                   "keys.", err=True)  # fmt: skip
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    setup = Setup(
        engine,
        model,
        served_model_name or (Path(model).name if Path(model).is_dir() else model),
        registry().get("benchmark", benchmark).configure(benchmark_options),
        _controllers(specs),
        beta,
        BranchSettings(
            interval,
            max_tokens,
            temperature=temperature,
            top_logprobs=top_logprobs,
            confidence_window=confidence_window,
        ),
        Limits(running, waiting, slots, branches, budget, seconds),
        keys,
        answer_form,
    )

    with bound(host, port) as listener, event_loop() as loop:
        told = f"Serving {setup.name} at {address(listener)}/v1"
        loop.run(run(setup, listener, grace, lambda: click.echo(told)))


def _controllers(specs: tuple[str, ...]) -> list[Controller]:
    from autotts_core.errors import OptionError

    controllers = [one_controller(spec) for spec in specs]
    names = [each.name for each in controllers]
    for name in names:
        if names.count(name) > 1:
            raise OptionError(f"--controller: {name!r} is given twice.")
    return controllers
