"""`autotts episode`: one episode, replayed and drawn."""

from __future__ import annotations

import io
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotts_core.cli.components import one_controller
from autotts_core.errors import StoreError, nearest

if TYPE_CHECKING:
    from autotts_core.store import ReplayStore


@click.command()
@click.option(
    "--traces",
    "path",
    metavar="STORE",
    required=True,
    type=click.Path(path_type=Path),
    help="A replay store, or a directory tree of stores.",
)
@click.option("--store", "store_name", metavar="MODEL/BENCHMARK", help="Which store of the tree.")
@click.option(
    "--question", required=True, metavar="QUESTION", help="A question's number from 0, or its id."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The seed that orders the branches.",
)
@click.option(
    "--controller",
    "spec",
    metavar="SPEC",
    required=True,
    help="The controller: NAME or FILE.py, with options as NAME:key=value,key2=value2.",
)
@click.option(
    "--beta",
    type=click.FloatRange(0, 1),
    callback=lambda context, parameter, beta: checked_beta(beta),
    default=0.5,
    show_default=True,
    help="β, from 0 to 1: larger spends more.",
)
@click.option("--budget", type=click.IntRange(min=1), metavar="TOKENS", help="Tokens it may spend.")
@click.option("--actions", "with_actions", is_flag=True, help="Also list every action.")
@click.option("--json", "as_json", is_flag=True, help="Print the picture and all actions as JSON.")
def episode(
    path: Path,
    store_name: str | None,
    question: str,
    seed: int,
    spec: str,
    beta: float,
    budget: int | None,
    with_actions: bool,
    as_json: bool,
) -> None:
    """Replay one episode and draw what the controller did.

    Each row is a branch, each column an interval of generated tokens; a cell shows the answer
    that was revealed there. Answers carry letters by their votes, A having the most.
    """
    from dataclasses import asdict

    from autotts_core.controller_spec import label
    from autotts_core.replay.interpreted import replay_episode
    from autotts_core.replay.picture import episode_picture

    store = one_store(path, store_name)
    number = _question_number(store, question)
    controller = one_controller(spec)
    replayed = replay_episode(controller, store, number, seed, beta, budget)
    picture = episode_picture(replayed, store, number, seed, label(controller), beta, budget)
    actions = replayed.record.actions()
    if as_json:
        rows = [action._asdict() for action in actions]
        click.echo(json.dumps(asdict(picture) | {"actions": rows}, indent=2))
        return

    from autotts_core.cli.picture import console, draw, draw_actions

    # Answers may hold any character, and what a pipe cannot encode must not end the drawing.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    out = console()
    draw(picture, out)
    if with_actions:
        draw_actions(actions, picture, out)


def checked_beta(beta: float) -> float:
    """β as it was given; `BadParameter` where it is no number."""
    # `nan` is outside no range, so the type lets it pass.
    if math.isnan(beta):
        raise click.BadParameter("nan is not in the range 0<=x<=1.")
    return beta


def one_store(path: Path, name: str | None) -> ReplayStore:
    """The store in `path`, or the one called `name` in a tree of them; else `StoreError`."""
    from autotts_core.store import ReplayStore, find_stores

    stores = [ReplayStore.open(found) for found in find_stores([path])]
    matching = [store for store in stores if name in (None, store.name)]
    if len(matching) == 1:
        return matching[0]
    names = sorted({store.name for store in stores})
    if not matching:
        raise StoreError(f"{path}: no store is called {name!r}. {nearest(str(name), names)}")
    if name is None and len(names) > 1:
        raise StoreError(
            f"{path}: holds {len(stores)} stores. Say which with --store: {', '.join(names)}."
        )
    paths = ", ".join(str(store.path) for store in matching)
    raise StoreError(f"{path}: several stores are called {names[0]}. Give one of {paths}.")


def _question_number(store: ReplayStore, question: str) -> int:
    """The number of the question with the number, else the id, `question`."""
    ids = store.question_ids
    if question.isdecimal() and int(question) < len(ids):
        return int(question)
    found = [number for number, id_ in enumerate(ids) if id_ == question]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(map(str, found))
        raise StoreError(f"{store.path}: questions {numbers} all have the id {question!r}.")
    raise StoreError(
        f"{store.path}: there is no question {question!r}. {store.name} has {len(ids)} questions, "
        f"numbered from 0 to {len(ids) - 1}; the first one's id is {ids[0]!r}."
        if ids
        else f"{store.path}: the store has no questions."
    )
