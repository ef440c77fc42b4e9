"""Answering one question on an engine, under a controller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotts_core.live.episode import LiveEpisode
from autotts_core.replay.interpreted import fault, play
from autotts_core.replay.interpreted_episode import UNLIMITED, Action
from autotts_core.replay.outcomes import BUDGET_EXHAUSTED
from autotts_core.replay.policy import parameters, tagged_policy

if TYPE_CHECKING:
    from autotts_core.controller import Controller
    from autotts_core.engine_branch import BranchSettings, EngineQuestion
    from autotts_core.grader import Grader
    from autotts_core.grading import Unreadable
    from autotts_core.live.branch import LiveBranch
    from autotts_core.trace_backend import Engine

OUT_OF_TIME = "out of time"
SEQUENTIAL_BUDGET_EXHAUSTED = "sequential budget exhausted"


@dataclass(frozen=True)
class LiveAnswer:
    """What a controller answered, and what it spent; `tokens` are without probes'.

    `limited` says whether a limit kept the controller from something; where it ended the
    episode, `stop` says which.
    """

    answer: str
    stop: str
    tokens: int
    sequential_tokens: int
    probe_tokens: int
    seconds: float
    branches: Sequence[LiveBranch]
    agreeing: Sequence[int]
    """The branches whose latest answer it is, given up or not."""
    actions: Sequence[Action]
    limited: bool = False


@dataclass(frozen=True)
class Solver:
    """Answers questions with one controller at one β; any number of them at a time.

    Answers that `grader` gives the same key are the same; what it cannot read votes or is none,
    as `unreadable` says. A controller may open `branches` branches.
    Policies are plain Python and block where they read, so each question takes one of
    `threads`, which has to have room for all that are to run at once.
    """

    controller: Controller
    beta: float
    settings: BranchSettings
    branches: int
    engine: Engine
    grader: Grader
    unreadable: Unreadable
    threads: ThreadPoolExecutor

    async def solve(
        self,
        question: EngineQuestion,
        seed: int = 0,
        budget: int | None = None,
        seconds: float | None = None,
        *,
        sequential_budget: int | None = None,
        watch: Callable[[LiveEpisode], None] | None = None,
    ) -> LiveAnswer:
        """Answer one question, within `budget` tokens, sequential tokens, and so many seconds.

        A budget that is spent opens no branch and continues none; what began before may exceed
        it, by one interval, burst or branch that is read. Time cancels what is running. At each
        of these limits the majority of the branches' latest answers is the answer, and `stop`
        says so. Cancelling this cancels all requests. `watch` is given the episode before it
        begins. Raises `ControllerError` where the controller is at fault, and what the engine
        raises.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        limits = (UNLIMITED if each is None else each for each in (budget, sequential_budget))
        episode = LiveEpisode(self, question, seed, loop, *limits)
        if watch is not None:
            watch(episode)
        playing = loop.run_in_executor(self.threads, self._play, episode)
        try:
            async with asyncio.timeout(seconds):
                answer, stop = await asyncio.shield(playing)
        except TimeoutError:
            await _ended(episode, playing)
            episode.drop()
            answer, stop = episode.standing_majority(), OUT_OF_TIME
        except asyncio.CancelledError:
            await _ended(episode, playing)
            raise
        except Exception as error:
            if episode.failure is not None:
                raise episode.failure from None
            raise fault(self.controller, self.beta, "a live episode", error) from error
        return LiveAnswer(
            episode.text(answer),
            stop,
            episode.spent,
            episode.sequential_tokens,
            sum(branch.probe_tokens for branch in episode.live_branches),
            loop.time() - began,
            episode.live_branches,
            episode.agreeing(answer),
            episode.actions(),
            episode.limited or stop == OUT_OF_TIME,
        )

    def _play(self, episode: LiveEpisode) -> tuple[int, str]:
        policy = tagged_policy(self.controller)
        played = play(policy, parameters(self.controller, self.beta), episode)
        if played.stop == BUDGET_EXHAUSTED and episode.remaining:
            return played.answer_class, SEQUENTIAL_BUDGET_EXHAUSTED
        return played.answer_class, played.stop


async def _ended(episode: LiveEpisode, playing: asyncio.Future[tuple[int, str]]) -> None:
    """Wait for the policy to end, which it does where it next reads something."""
    episode.end()
    await asyncio.wait([playing])
    playing.exception()
