"""The model that is served: how a request becomes a question, and its branches' settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autotts_core.errors import BenchmarkError
from autotts_serve.refusal import Refusal
from autotts_serve.requests import ChatRequest, CompletionRequest, GenerationRequest

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark
    from autotts_core.engine_branch import BranchSettings, EngineQuestion
    from autotts_core.grader import Grader
    from autotts_core.model_tokenizer import ModelTokenizer
    from autotts_core.trace_backend import Engine, EngineFacts


@dataclass(frozen=True)
class Model:
    """A started engine, and how it is asked; `settings` hold where a request says nothing."""

    engine: Engine
    facts: EngineFacts
    tokenizer: ModelTokenizer
    benchmark: Benchmark
    grader: Grader
    settings: BranchSettings

    def question(self, request: GenerationRequest) -> EngineQuestion:
        """What the engine is asked; raises `Refusal` where it cannot be."""
        if isinstance(request, ChatRequest):
            question, param = self._chat(request), "messages"
        else:
            assert isinstance(request, CompletionRequest)
            question, param = self._continued(request), "prompt"
        room = self._room(question)
        if room is not None and room < 1:
            raise Refusal(
                400,
                f"The prompt has {len(question.prompt):,} tokens, and the model's context "
                f"{self.facts.context:,}, with room for a probe and its answer.",
                param,
                "context_length_exceeded",
            )
        return question

    def settings_for(self, request: GenerationRequest, question: EngineQuestion) -> BranchSettings:
        """Of the branches: whichever limit is the lowest holds."""
        limits = (self.settings.max_tokens, request.longest, self._room(question))
        longest = min(each for each in limits if each is not None)
        asked = {key: getattr(request, key) for key in ("temperature", "top_p", "top_k")}
        given = {key: value for key, value in asked.items() if value is not None}
        return replace(self.settings, max_tokens=longest, **given)

    def _chat(self, request: ChatRequest) -> EngineQuestion:
        *earlier, last = request.messages
        if last.role != "user":
            message = "The last message must be the user's: it is the question."
            raise Refusal(400, message, "messages", "invalid_value")
        before = [each.for_template for each in earlier]
        try:
            return self.tokenizer.asked(self.benchmark, last.content, before)
        except BenchmarkError as error:
            raise Refusal(400, str(error), "messages", "invalid_value") from None

    def _continued(self, request: CompletionRequest) -> EngineQuestion:
        prompt = request.prompt
        if isinstance(prompt, str):
            return self.tokenizer.continued(self.benchmark, prompt)
        if not all(0 <= each < self.tokenizer.size for each in prompt):
            message = "Invalid value for 'prompt': a token id that the model does not have."
            raise Refusal(400, message, "prompt", "invalid_value")
        return replace(self.tokenizer.continued(self.benchmark, ""), prompt=prompt)

    def _room(self, question: EngineQuestion) -> int | None:
        """Tokens that a branch may have in the model's context; None if that is not known."""
        if self.facts.context is None:
            return None
        return question.room(self.facts.context, self.settings.probe_tokens)
