"""`autotts audit`: show that a controller does nothing that it could not do without the traces."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotts_core.cli.evaluate import parse_betas

if TYPE_CHECKING:
    from autotts_core.evaluator.parent import ControllerSource


@click.command()
@click.argument("controller", metavar="CONTROLLER")
@click.option(
    "--traces",
    "trees",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A replay store, or a directory tree of them.",
)
@click.option("--beta", "betas", callback=parse_betas, default="0,0.5,1", show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--episodes", type=click.IntRange(min=1), default=3000, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), help="Threads; all cores unless told.")
@click.option(
    "--unconfined",
    is_flag=True,
    help="Run the controller with limits on time and memory only.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def audit(
    controller: str,
    trees: tuple[Path, ...],
    betas: tuple[float, ...],
    seeds: int,
    episodes: int,
    workers: int | None,
    unconfined: bool,
    as_json: bool,
) -> None:
    """Replay a controller where it has to ask for every probe, and compare.

    CONTROLLER is FILE.py, which is taken for untrusted, or the name of an installed controller.
    At most so many EPISODES are compared, drawn at random from all questions, seeds and β: every
    action, the answer, tokens and sequential tokens. Exit code 1 tells that they differ.
    """
    from autotts_core.confinement import LAYERS, LIMITS_ONLY
    from autotts_core.evaluator.audit import audit as audited
    from autotts_core.evaluator.parent import Evaluator
    from autotts_core.recipe.schema import Limits
    from autotts_core.store import ReplayStore, find_stores

    source = _source(controller)
    stores = [ReplayStore.open(each) for each in find_stores(trees)]
    layers = LIMITS_ONLY if unconfined else LAYERS
    evaluator = Evaluator(stores, seeds, Limits(), workers or os.cpu_count() or 1, layers)
    found = audited(evaluator, source, betas, episodes)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "controller": controller,
                    "episodes": found.episodes,
                    "identical": found.difference is None,
                    "difference": found.difference,
                    "confined_by": layers,
                },
                ensure_ascii=False,
                indent=1,
            )
        )
    elif found.difference is None:
        click.echo(f"{controller}: {found.episodes:,} episodes are identical.")
    else:
        click.echo(f"{controller}: differs. {found.difference}")
    if found.difference is not None:
        raise SystemExit(1)


def _source(controller: str) -> ControllerSource:
    """What CONTROLLER names; raises `ControllerError` where that is nothing, or several."""
    from autotts_core.controller_source import check_source
    from autotts_core.controller_spec import load_controllers
    from autotts_core.errors import ControllerError
    from autotts_core.evaluator.parent import ControllerSource

    name, colon, _ = controller.partition(":")
    path = Path(name)
    is_file = path.suffix == ".py"
    if (is_file and colon) or (not is_file and ("/" in name or name == "legacy")):
        raise ControllerError(
            f"{controller!r} cannot be audited: give FILE.py, whose language has no options, or "
            "the name of an installed controller, with its options if need be."
        )
    if not is_file:
        if (number := len(load_controllers(controller))) != 1:
            raise ControllerError(f"{controller!r} stands for {number} controllers: audit one.")
        return ControllerSource(controller, None)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ControllerError(f"{path}: cannot be read ({error}).") from None
    try:
        check_source(text)
    except ControllerError as error:
        raise ControllerError(f"{path}: {error}") from None
    return ControllerSource(path.stem, text)
