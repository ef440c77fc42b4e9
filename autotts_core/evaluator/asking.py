"""In an auditor's worker: episodes that hold no store and learn everything by asking for it.

Policies are plain Python and block where they read, so each of many episodes at a time has a
thread; once all of them wait, what they ask for goes to the parent in one message.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from math import nan
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from autotts_core.evaluator.child import MOST_TOLD
from autotts_core.replay.interpreted import fault, play
from autotts_core.replay.interpreted_episode import NO_QUESTION, InterpretedEpisode
from autotts_core.replay.policy import parameters, tagged_policy
from autotts_core.wire import receive, send

if TYPE_CHECKING:
    from autotts_core.controller import Controller
    from autotts_core.wire import Array

_AT_ONCE = 64
_MOST_REPLY = 2**28


class AskingEpisode(InterpretedEpisode):
    """An episode whose actions somebody else performs: `ask_for` gives what they reveal.

    That is, for each branch that was asked for, a row (branch, depth, tokens, answer, finished),
    its signal and its confidence, and the number of answers revealed so far.
    """

    def __init__(self, number: int, pool: int, session: _Session) -> None:
        super().__init__(NO_QUESTION, range(pool))
        self.number = number
        self.asked: list[tuple[int, int]] = []
        self.answered: queue.SimpleQueue[tuple[Array, Array, int]] = queue.SimpleQueue()
        self._session = session
        self._measures: dict[int, tuple[float, float]] = {}

    def signal(self, i: int) -> float:
        self.depth(i)
        return self._measures.get(i, (nan, nan))[0]

    def confidence(self, i: int) -> float:
        self.depth(i)
        return self._measures.get(i, (nan, nan))[1]

    def _perform(self) -> None:
        self.asked = self._asked.copy()
        self._asked.clear()
        self._session.waiting.put(self)
        rows, measures, revealed = self.answered.get()
        for (i, depth, tokens, answer, finished), (signal, confidence) in zip(
            rows.tolist(), measures.tolist(), strict=True
        ):
            if i == len(self._depths):
                self._depths.append(0)
                self._tokens.append(0)
            self._depths[i], self._tokens[i] = depth, tokens
            self._answers[i] = answer
            if finished:
                self._end(i)
            self._measures[i] = signal, confidence
        self.revealed[:] = range(revealed)


@dataclass(frozen=True)
class _End:
    number: int
    answer: int
    stop: int
    fault: str | None = None


@dataclass
class _Session:
    controller: Controller
    episodes: Iterator[tuple[int, float, int]]
    """Number, β and pool of each."""
    waiting: queue.SimpleQueue[AskingEpisode | _End | None] = field(
        default_factory=queue.SimpleQueue
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def play_all(self) -> None:
        """In a thread: one episode after the other, until none is left or one goes wrong."""
        while True:
            with self.lock:
                following = next(self.episodes, None)
            if following is None:
                self.waiting.put(None)
                return
            self.waiting.put(self._play(*following))

    def _play(self, number: int, beta: float, pool: int) -> _End:
        try:
            p = parameters(self.controller, beta)
            policy = tagged_policy(self.controller)
            played = play(policy, p, AskingEpisode(number, pool, self))
            return _End(number, played.answer_class, policy.reasons.index(played.stop))
        except Exception as error:
            told = fault(self.controller, beta, f"audited episode {number}", error)
            return _End(number, -1, -1, str(told)[:MOST_TOLD])
        except BaseException as error:
            return _End(number, -1, -1, f"the controller raised {type(error).__name__}")


def audited(
    requests: BinaryIO, replies: BinaryIO, controller: Controller, betas: Array, pools: Array
) -> None:
    """Play an episode for each of `betas` and `pools`; the parent performs what they ask for."""
    episodes = iter(list(zip(count(), betas.tolist(), pools.tolist(), strict=False)))
    session = _Session(controller, episodes)
    threads = [
        threading.Thread(target=session.play_all, daemon=True)
        for _ in range(min(_AT_ONCE, len(betas)))
    ]
    for thread in threads:
        thread.start()
    running = len(threads)
    asking: list[AskingEpisode] = []
    ends: list[_End] = []
    while running:
        item = session.waiting.get()
        if item is None:
            running -= 1
        elif isinstance(item, _End):
            ends.append(item)
        else:
            asking.append(item)
        if len(asking) == running:
            _exchange(requests, replies, asking, ends)
            asking, ends = [], []


def _exchange(
    requests: BinaryIO, replies: BinaryIO, asking: list[AskingEpisode], ends: list[_End]
) -> None:
    faulty = min((end for end in ends if end.fault), key=lambda end: end.number, default=None)
    if faulty is not None:
        send(replies, {"fault": faulty.fault})
        # The parent ends this process.
        receive(requests, 0)
    rows = [(each.number, i, asked) for each in asking for i, asked in each.asked]
    message = {
        "asking": [each.number for each in asking],
        "ends": [[end.number, end.answer, end.stop] for end in ends],
    }
    send(replies, message, [np.array(rows, np.int64).reshape(-1, 3)])
    reply, (shown, measures) = receive(requests, _MOST_REPLY)
    first = 0
    for each, rows_shown, revealed in zip(asking, reply["rows"], reply["revealed"], strict=True):
        part = slice(first, first + rows_shown)
        each.answered.put((shown[part], measures[part], revealed))
        first += rows_shown
