"""Answers requests: takes them on, lets a controller play, and counts."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from autotts_core.engine_branch import BranchSettings, EngineQuestion
from autotts_core.errors import BenchmarkError, ControllerError, EngineError
from autotts_core.live.solving import LiveAnswer, Solver
from autotts_core.retrying_engine import RetryingEngine
from autotts_core.secrets import redacted
from autotts_serve.refusal import Refusal
from autotts_serve.requests import ChatRequest, CompletionRequest, GenerationRequest
from autotts_serve.slots import Share, Slots

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark
    from autotts_core.grader import Grader
    from autotts_core.model_tokenizer import ModelTokenizer
    from autotts_core.trace_backend import Engine, EngineFacts
    from autotts_serve.catalogue import Catalogue, Choice
    from autotts_serve.limits import Limits
    from autotts_serve.metrics import Metrics

logger = logging.getLogger("autotts.serve")


@dataclass(frozen=True)
class Model:
    """A started engine, and how it is asked."""

    engine: Engine
    facts: EngineFacts
    tokenizer: ModelTokenizer
    benchmark: Benchmark
    grader: Grader
    settings: BranchSettings


@dataclass
class Answered:
    """A request's answer, and all that a reply tells of it."""

    choice: Choice
    seed: int
    prompt_tokens: int
    found: LiveAnswer


@dataclass
class Answering:
    """A request that was taken on: its answer is what `task` comes to."""

    request: GenerationRequest
    question: EngineQuestion
    choice: Choice
    share: Share
    arrived: float = field(default_factory=time.monotonic)
    task: asyncio.Task[Answered] = field(init=False)

    @property
    def progress(self) -> str:
        """For people who wait."""
        return f"{self.share.tokens:,} tokens, {self.share.running} branches at the engine"

    async def answered(self) -> Answered:
        """The answer, once it is there; raises `Refusal`."""
        await asyncio.wait([self.task])
        return self.result()

    def result(self) -> Answered:
        """What the task has come to; raises `Refusal`."""
        if self.task.cancelled():
            raise _shutting_down()
        try:
            return self.task.result()
        except Refusal:
            raise
        except Exception:
            logger.exception("a request failed")
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
        self.slots = Slots(limits.slots)
        self._turns = asyncio.Semaphore(limits.running)
        self._running = 0
        self._tasks: set[asyncio.Task[Answered]] = set()
        self._typical_seconds = 1.0
        # A policy blocks its thread for as long as its episode takes.
        self._threads = ThreadPoolExecutor(limits.running, thread_name_prefix="policy")
        metrics.watch("requests_running", "Requests being answered", lambda: self._running)
        metrics.watch("requests_waiting", "Requests that wait to begin", lambda: self.waiting)
        metrics.watch("engine_requests", "At the engine", lambda: self.slots.taken)
        metrics.watch("engine_waiting", "That wait for the engine", lambda: self.slots.waiting)

    @property
    def running(self) -> int:
        """Requests being answered."""
        return self._running

    @property
    def waiting(self) -> int:
        """Requests that were taken on and wait for their turn."""
        return len(self._tasks) - self._running

    async def begin(self, request: GenerationRequest) -> Answering:
        """Take a request on; raises `Refusal` where that cannot be."""
        choice = self.catalogue.choice(
            request.model, request.autotts.controller, request.autotts.beta
        )
        self._refuse_if_full()
        question = await asyncio.to_thread(self._question, request)
        self._refuse_if_full()
        answering = Answering(request, question, choice, Share(self.model.engine, self.slots))
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
        limit, asked = self.limits.seconds, answering.request.autotts.seconds
        seconds = limit if asked is None else min(limit, asked)
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError:
            message = f"Waited {seconds:g} seconds for its turn: the server is busy."
            raise Refusal(503, message, code="server_busy", after=self._typical_seconds) from None
        self._running += 1
        try:
            waited = time.monotonic() - answering.arrived
            self.metrics.waited.observe(waited)
            return await self._solved(answering, max(0.0, seconds - waited))
        finally:
            self._running -= 1
            self._turns.release()

    async def _solved(self, answering: Answering, seconds: float) -> Answered:
        request, question = answering.request, answering.question
        seed = secrets.randbelow(2**32) if request.given_seed is None else request.given_seed
        budgets = [each for each in (self.limits.budget, request.autotts.budget) if each]
        engine = RetryingEngine(answering.share)
        solver = Solver(
            answering.choice.controller,
            answering.choice.beta,
            self._settings(request, question),
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
            logger.error("the engine failed: %s", redacted(str(error)))
            if error.transient:
                raise Refusal(503, "The engine cannot be reached, or is overloaded.",
                              code="engine_unavailable", after=error.after or 5) from None  # fmt: skip
            raise Refusal(502, "The engine refused to go on with this request.",
                          code="engine_error") from None  # fmt: skip
        except ControllerError as error:
            logger.error("%s", error)
            raise Refusal(500, "The controller failed.", code="controller_failed") from None
        finally:
            self.metrics.retries.inc(engine.retried)
        return Answered(answering.choice, seed, len(question.prompt), found)

    def _question(self, request: GenerationRequest) -> EngineQuestion:
        model = self.model
        try:
            if isinstance(request, ChatRequest):
                question = self._chat(request)
            else:
                assert isinstance(request, CompletionRequest)
                question = self._continued(request)
        except BenchmarkError as error:
            raise Refusal(400, str(error), "messages", "invalid_value") from None
        room = self._room(question)
        if room is not None and room < 1:
            raise Refusal(
                400,
                f"The prompt has {len(question.prompt):,} tokens, and the model's context "
                f"{model.facts.context:,}, with room for a probe and its answer.",
                "messages" if isinstance(request, ChatRequest) else "prompt",
                "context_length_exceeded",
            )
        return question

    def _chat(self, request: ChatRequest) -> EngineQuestion:
        *earlier, last = request.messages
        if last.role != "user":
            raise Refusal(400, "The last message must be the user's: it is the question.",
                          "messages", "invalid_value")  # fmt: skip
        before = [each.for_template for each in earlier]
        return self.model.tokenizer.asked(self.model.benchmark, last.content, before)

    def _continued(self, request: CompletionRequest) -> EngineQuestion:
        tokenizer, prompt = self.model.tokenizer, request.prompt
        if isinstance(prompt, str):
            return tokenizer.continued(self.model.benchmark, prompt)
        if not all(0 <= each < tokenizer.size for each in prompt):
            raise Refusal(400, "Invalid value for 'prompt': a token id that the model does not "
                          "have.", "prompt", "invalid_value")  # fmt: skip
        return replace(tokenizer.continued(self.model.benchmark, ""), prompt=prompt)

    def _settings(self, request: GenerationRequest, question: EngineQuestion) -> BranchSettings:
        limits = (self.limits.max_tokens, request.longest, self._room(question))
        longest = min(each for each in limits if each is not None)
        asked = {key: getattr(request, key) for key in ("temperature", "top_p", "top_k")}
        given = {key: value for key, value in asked.items() if value is not None}
        return replace(self.model.settings, max_tokens=longest, **given)

    def _room(self, question: EngineQuestion) -> int | None:
        """Tokens that a branch may have in the model's context; None if that is not known."""
        context = self.model.facts.context
        if context is None:
            return None
        probe = len(question.probe) + self.model.settings.probe_tokens
        return context - len(question.prompt) - probe

    def _count(self, answering: Answering) -> None:
        task, metrics = answering.task, self.metrics
        self._tasks.discard(task)
        seconds = time.monotonic() - answering.arrived
        error = None if task.cancelled() else task.exception()
        outcome = "cancelled" if task.cancelled() else "failed" if error else "answered"
        metrics.requests.labels(type(answering.request).endpoint, outcome).inc()
        metrics.seconds.labels(answering.choice.controller.name).observe(seconds)
        metrics.tokens.inc(answering.share.tokens)
        if outcome == "answered":
            found = task.result().found
            metrics.branches.inc(len(found.branches))
            metrics.probe_tokens.inc(found.probe_tokens)
            self._typical_seconds += 0.1 * (seconds - self._typical_seconds)


def _shutting_down() -> Refusal:
    return Refusal(503, "The server is being shut down.", code="shutting_down", after=10)
