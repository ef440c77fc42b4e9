"""Answers requests: takes them on, lets a controller play, and counts."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autotts_core.errors import ControllerError, EngineError
from autotts_core.live.solving import LiveAnswer, Solver
from autotts_core.retrying_engine import RetryingEngine
from autotts_core.secrets import redacted
from autotts_serve.refusal import Refusal
from autotts_serve.slots import Share, Slots

if TYPE_CHECKING:
    from autotts_core.engine_branch import EngineQuestion
    from autotts_serve.catalogue import Catalogue, Choice
    from autotts_serve.limits import Limits
    from autotts_serve.metrics import Metrics
    from autotts_serve.model import Model
    from autotts_serve.requests import GenerationRequest

_LONG = 20_000
"""Characters that take so long to turn into tokens that the event loop is better left alone."""

logger = logging.getLogger("autotts.serve")


@dataclass(frozen=True)
class Answered:
    """A request's answer, and all that a reply tells of it."""

    choice: Choice
    seed: int
    prompt_tokens: int
    found: LiveAnswer


@dataclass
class Answering:
    """A request that was taken on: its answer is what `task` comes to; logs call it `name`."""

    name: str
    request: GenerationRequest
    question: EngineQuestion
    choice: Choice
    share: Share
    arrived: float = field(default_factory=time.monotonic)
    task: asyncio.Task[Answered] = field(init=False)

    @property
    def progress(self) -> str:
        """For people who wait."""
        return f"{self.share.tokens:,} tokens, {self.share.running} requests at the engine"

    def result(self) -> Answered:
        """What the task has come to; raises `Refusal`."""
        if self.task.cancelled():
            raise _shutting_down()
        try:
            return self.task.result()
        except Refusal:
            raise
        except Exception:
            logger.exception("%s: failed", self.name)
            raise Refusal(500, "The server failed.", code="internal_error") from None


class Service:
    """Answers requests with `model`, at most `limits.running` at a time."""

    def __init__(
        self, model: Model, catalogue: Catalogue, limits: Limits, metrics: Metrics
    ) -> None:
        self.model = model
        self.catalogue = catalogue
        self.limits = limits
        self.metrics = metrics
        self.closed = False
        self.running = 0
        """Requests being answered."""
        self.slots = Slots(limits.slots)
        self._turns = asyncio.Semaphore(limits.running)
        self._tasks: set[asyncio.Task[Answered]] = set()
        self._typical_seconds = 1.0
        # A policy blocks its thread for as long as its episode takes.
        self._threads = ThreadPoolExecutor(limits.running, thread_name_prefix="policy")
        metrics.watch("requests_running", "Requests being answered", lambda: self.running)
        metrics.watch("requests_waiting", "Requests that wait to begin", lambda: self.waiting)
        metrics.watch("engine_requests", "At the engine", lambda: self.slots.taken)
        metrics.watch("engine_waiting", "That wait for the engine", lambda: self.slots.waiting)

    @property
    def waiting(self) -> int:
        """Requests that were taken on and wait for their turn."""
        return len(self._tasks) - self.running

    async def begin(self, request: GenerationRequest, name: str) -> Answering:
        """Take on a request, which logs call `name`; raises `Refusal` where that cannot be."""
        choice = self.catalogue.choice(
            request.model, request.autotts.controller, request.autotts.beta
        )
        self._refuse_if_full()
        if request.characters > _LONG:
            question = await asyncio.to_thread(self.model.question, request)
            self._refuse_if_full()
        else:
            question = self.model.question(request)
        share = Share(self.model.engine, self.slots)
        answering = Answering(name, request, question, choice, share)
        answering.task = asyncio.create_task(self._answered(answering))
        self._tasks.add(answering.task)
        answering.task.add_done_callback(lambda _: self._count(answering))
        return answering

    async def end(self, grace: float) -> None:
        """Take nothing on any more; cut off what is still running after `grace` seconds."""
        self.closed = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        self.cut_off()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._threads.shutdown(wait=False)

    def cut_off(self) -> None:
        """End everything that is running now."""
        for task in self._tasks:
            task.cancel()

    def _refuse_if_full(self) -> None:
        if self.closed:
            raise _shutting_down()
        if len(self._tasks) >= self.limits.running + self.limits.waiting:
            rounds = 1 + self.limits.waiting / self.limits.running
            after = min(60.0, self._typical_seconds * rounds)
            message = "Too many requests are being answered and waiting: come back later."
            raise Refusal(429, message, code="rate_limit_exceeded", after=after)

    async def _answered(self, answering: Answering) -> Answered:
        asked = answering.request.autotts.seconds
        seconds = min(self.limits.seconds, asked or self.limits.seconds)
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError:
            message = f"Waited {seconds:g} seconds for its turn: the server is busy."
            raise Refusal(503, message, code="server_busy", after=self._typical_seconds) from None
        self.running += 1
        try:
            waited = time.monotonic() - answering.arrived
            self.metrics.waited.observe(waited)
            return await self._solved(answering, max(0.0, seconds - waited))
        finally:
            self.running -= 1
            self._turns.release()

    async def _solved(self, answering: Answering, seconds: float) -> Answered:
        request, question = answering.request, answering.question
        seed = secrets.randbelow(2**32) if request.given_seed is None else request.given_seed
        budgets = [each for each in (self.limits.budget, request.autotts.budget) if each]
        engine = RetryingEngine(answering.share)
        solver = Solver(
            answering.choice.controller,
            answering.choice.beta,
            self.model.settings_for(request, question),
            self.limits.branches,
            engine,
            self.model.grader,
            "apart",
            self._threads,
        )
        try:
            found = await solver.solve(question, seed, min(budgets, default=None), seconds)
        except EngineError as error:
            # The engine's own words may tell of addresses that are nobody's business.
            logger.error("%s: the engine failed: %s", answering.name, redacted(str(error)))
            raise _refusal_for(error) from None
        except ControllerError as error:
            logger.error("%s: %s", answering.name, error)
            raise Refusal(500, "The controller failed.", code="controller_failed") from None
        finally:
            self.metrics.retries.inc(engine.retried)
        return Answered(answering.choice, seed, len(question.prompt), found)

    def _count(self, answering: Answering) -> None:
        task, metrics = answering.task, self.metrics
        self._tasks.discard(task)
        seconds = time.monotonic() - answering.arrived
        outcome = _outcome(task)
        metrics.requests.labels(answering.request.endpoint, outcome).inc()
        metrics.seconds.labels(answering.choice.controller.name).observe(seconds)
        metrics.tokens.inc(answering.share.tokens)
        if outcome == "answered":
            found = task.result().found
            metrics.branches.inc(len(found.branches))
            metrics.probe_tokens.inc(found.probe_tokens)
            self._typical_seconds += 0.1 * (seconds - self._typical_seconds)


def _outcome(task: asyncio.Task[Answered]) -> str:
    if task.cancelled():
        return "cancelled"
    return "failed" if task.exception() else "answered"


def _refusal_for(error: EngineError) -> Refusal:
    if error.transient:
        message = "The engine cannot be reached, or is overloaded."
        return Refusal(503, message, code="engine_unavailable", after=error.after or 5)
    message = "The engine refused to go on with this request."
    return Refusal(502, message, code="engine_error")


def _shutting_down() -> Refusal:
    return Refusal(503, "The server is being shut down.", code="shutting_down", after=10)
