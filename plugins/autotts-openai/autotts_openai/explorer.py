"""The explorer `openai`: an OpenAI model, or any that speaks Chat Completions."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import ClassVar, Literal

from autotts_core.agent.explorer import AgentExplorer, AgentOptions
from autotts_core.agent.llm import LLM
from autotts_core.agent.pricing import PriceTable
from autotts_core.component import Options

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class OpenAIOptions(AgentOptions):
    """What `openai` takes."""

    model: str = "gpt-6.2-sol"
    """The model's name, as the server calls it."""
    api: Literal["responses", "chat"] = "responses"
    """Which protocol: Responses is OpenAI's own, Chat Completions that of vLLM, SGLang and most
    others."""
    effort: Effort | None = None
    """How hard a reasoning model works; unless told, as the model does by itself."""
    tool_choice: Literal["auto", "required"] = "auto"
    """Whether each turn has to call a tool; servers can force models that would rather talk."""
    key_variable: str = "OPENAI_API_KEY"
    """The environment variable that holds the key. A server at a `base_url` may do without."""


class OpenAIExplorer(AgentExplorer):
    """Reads, tries and submits as `AgentExplorer` says."""

    name: ClassVar[str] = "openai"
    summary: ClassVar[str] = (
        "An OpenAI model, or any that vLLM or SGLang serves, writes controllers"
    )
    Options: ClassVar[type[Options]] = OpenAIOptions
    options: OpenAIOptions

    def llm(self) -> LLM:
        """The model behind the protocol that `api` names."""
        from autotts_openai.chat import ChatLLM
        from autotts_openai.responses import ResponsesLLM

        options = self.options
        kind = ResponsesLLM if options.api == "responses" else ChatLLM
        return kind(
            options.model,
            options.effort,
            options.tool_choice,
            options.base_url,
            options.key_variable,
        )

    def key_problem(self) -> str | None:
        """The variable that should hold the key is not set, and OpenAI would be asked."""
        options = self.options
        elsewhere = options.base_url or os.environ.get("OPENAI_BASE_URL")
        if os.environ.get(options.key_variable) or elsewhere:
            return None
        return f"{options.key_variable} is not set: explorer {self.name!r} needs a key from OpenAI."

    def prices(self) -> PriceTable:
        """OpenAI's prices, as the package knows them."""
        return PriceTable.parse(files("autotts_openai").joinpath("prices.yaml").read_text("utf-8"))
