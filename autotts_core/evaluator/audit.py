"""Audit: a controller once more, in a process that holds no store and asks for every probe.

What cannot be asked for cannot be known there, so whatever a controller does in the same way
with a store beside it and without, it does by the rules.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from autotts_core.evaluator.messages import Asked
from autotts_core.evaluator.parent import EpisodeKey, Evaluator, TamperedError, Worked
from autotts_core.replay.interpreted_episode import (
    Action,
    InterpretedEpisode,
    recorded_question,
)
from autotts_core.replay.ledger import performed
from autotts_core.replay.orders import branch_orders
from autotts_core.wire import send

if TYPE_CHECKING:
    from autotts_core.evaluator.parent import ControllerSource, Replayed
    from autotts_core.wire import Array

MOST_EPISODES = 3000
"""Episodes that an audit compares, drawn at random where there are more."""

_MOST_ASKED = 2**24


@dataclass(frozen=True)
class Audit:
    """How many episodes were compared, and the first difference in words, None without any."""

    episodes: int
    difference: str | None


def audit(
    evaluator: Evaluator,
    source: ControllerSource,
    betas: Sequence[float],
    most: int = MOST_EPISODES,
    seed: int = 0,
) -> Audit:
    """Compare replay in a worker that holds the traces with replay in one that does not.

    Raises `ControllerError` and `MachineryError` as `Evaluator.evaluate` does.
    """
    return evaluator.tried(lambda: _audit(evaluator, source, betas, most, seed))


def _audit(
    evaluator: Evaluator,
    source: ControllerSource,
    betas: Sequence[float],
    most: int,
    seed: int,
) -> Audit:
    with evaluator.worked(source) as child:
        grid: Sequence[float] = betas if child.depends_on_beta else (0.0,)
        places = list(product(grid, range(len(evaluator.stores))))
        replayed = dict(zip(places, child.replayed(places), strict=True))
    keys = [
        EpisodeKey(k, question, each, beta)
        for (beta, k), found in replayed.items()
        for question, each in product(*map(range, found.outcomes.tokens.shape))
    ]
    # In another order than the one that replay went in, which a controller might remember.
    random.Random(seed).shuffle(keys)
    keys = keys[:most]
    blind = replace(evaluator, stores=())
    with blind.worked(source) as child:
        episodes = _asked_for(evaluator, child, keys)
    order = sorted(range(len(keys)), key=lambda n: _position(keys[n]))
    for n in order:
        key, (record, answer, stop) = keys[n], episodes[n]
        text = _difference(evaluator, key, replayed[key.beta, key.store], record, answer, stop)
        if text:
            name = evaluator.stores[key.store].name
            place = f"{name}, question {key.question}, seed {key.seed}, β = {key.beta:g}"
            return Audit(len(keys), f"{place}: {text}")
    return Audit(len(keys), None)


def _position(key: EpisodeKey) -> tuple[Any, ...]:
    return key.beta, key.store, key.question, key.seed


def _asked_for(
    evaluator: Evaluator, child: Worked, keys: Sequence[EpisodeKey]
) -> list[tuple[InterpretedEpisode, int, int]]:
    """Perform what the worker asks for until each episode has ended: record, class, stop."""
    records = [_record(evaluator, key) for key in keys]
    pools = [len(record.order) for record in records]
    ended: dict[int, tuple[int, int]] = {}
    send(
        child.process.requests,
        {"audit": True},
        [np.array([key.beta for key in keys]), np.array(pools, np.int64)],
    )
    while len(ended) < len(keys):
        message, arrays = child.reply(Asked, _MOST_ASKED)
        if [(array.dtype.str, array.shape[1:]) for array in arrays] != [("<i8", (3,))]:
            raise TamperedError("actions of another shape than they have")
        try:
            shown, measures, counts = _perform(records, ended, message, arrays[0])
        except (ValueError, IndexError) as error:
            raise TamperedError(f"an impossible action: {error}") from error
        revealed = [len(records[n].revealed) for n in message.asking]
        send(
            child.process.requests,
            {"rows": counts, "revealed": revealed},
            [
                np.array(shown, np.int64).reshape(-1, 5),
                np.array(measures, np.float64).reshape(-1, 2),
            ],
        )
    return [(record, *ended[n]) for n, record in enumerate(records)]


def _record(evaluator: Evaluator, key: EpisodeKey) -> InterpretedEpisode:
    question = recorded_question(evaluator.stores[key.store].load(), key.question)
    order = branch_orders(len(question.tokens), range(key.seed, key.seed + 1))[0].tolist()
    return InterpretedEpisode(question, order)


def _perform(
    records: list[InterpretedEpisode],
    ended: dict[int, tuple[int, int]],
    message: Asked,
    rows: Array,
) -> tuple[list[tuple[int, ...]], list[tuple[float, float]], list[int]]:
    """What the asked for actions reveal: rows, signals and confidences, each episode's rows."""
    for number, answer, stop in message.ends:
        if number in ended or not 0 <= number < len(records):
            raise ValueError(f"the end of episode {number}")
        revealed = records[number].revealed
        if not -1 <= answer < len(revealed):
            raise ValueError(f"the answer {answer}, which was never revealed")
        ended[number] = (revealed[answer] if answer >= 0 else -1, stop)
    asked = {
        number: [(i, what) for _, i, what in own]
        for number, own in groupby(rows.tolist(), key=lambda row: row[0])
    }
    if not asked.keys() <= set(message.asking):
        raise ValueError("actions of an episode that asks for nothing")
    shown: list[tuple[int, ...]] = []
    measures: list[tuple[float, float]] = []
    counts = []
    for number in message.asking:
        if number in ended or not 0 <= number < len(records):
            raise ValueError(f"a question from episode {number}, which is not being played")
        record, batch = records[number], asked.get(number, [])
        record.ask(batch)
        branches = list(dict.fromkeys(i for i, _ in batch))
        for i in branches:
            finished = int(record.finished(i))
            shown.append((i, record.depth(i), record.tokens(i), record.answer(i), finished))
            measures.append((record.signal(i), record.confidence(i)))
        counts.append(len(branches))
    if not message.asking and not message.ends:
        raise ValueError("nothing was asked for")
    return shown, measures, counts


def _difference(
    evaluator: Evaluator,
    key: EpisodeKey,
    replayed: Replayed,
    record: InterpretedEpisode,
    answer: int,
    stop: int,
) -> str | None:
    rows = replayed.ledgers.of(key.question, key.seed)
    before = _record(evaluator, key)
    before = InterpretedEpisode.repeated(before.question, before.order, *performed(rows))
    for number, (one, other) in enumerate(zip_longest(before.actions(), record.actions()), 1):
        if one != other:
            return (
                f"action {number} is {_told(one)} where the traces are at hand, and "
                f"{_told(other)} where they have to be asked for"
            )
    outcomes, place = replayed.outcomes, (key.question, key.seed)
    reasons = dict(enumerate(outcomes.stop_reasons))
    for what, once, now in (
        ("the answer class", int(outcomes.answer_class[place]), answer),
        ("tokens", int(outcomes.tokens[place]), record.spent),
        ("sequential tokens", int(outcomes.sequential_tokens[place]), record.sequential_tokens),
        # By their text: returns that look the same are one reason to a person.
        ("why it stopped", reasons[int(outcomes.stop[place])], reasons.get(stop)),
    ):
        if once != now:
            return f"{what}: {once} where the traces are at hand, {now} where they are asked for"
    return None


def _told(action: Action | None) -> str:
    if action is None:
        return "the end"
    steps = f" by {action.intervals}" if action.kind == "advance" else ""
    return f"{action.kind} of branch {action.branch}{steps} to depth {action.depth}"
