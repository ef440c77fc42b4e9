"""The explorer `claude`: a Claude model through the Messages API."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from autotts_core.agent.explorer import AgentExplorer, AgentOptions
from autotts_core.agent.llm import LLM
from autotts_core.agent.pricing import PriceTable
from autotts_core.component import Options

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")

Effort = Literal["low", "medium", "high", "xhigh", "max"]


class ClaudeOptions(AgentOptions):
    """What `claude` takes."""

    model: str = "claude-opus-5-5"
    """The model's name, as Anthropic calls it."""
    effort: Effort | None = None
    """How hard it works; unless told, as the model does by itself."""
    thinking: Literal["adaptive", "off"] | Annotated[int, Field(ge=1024)] | None = None
    """adaptive, off, or a number of tokens; unless told, as the model does by itself. Models
    differ in what they take."""


class Claude(AgentExplorer):
    """Reads, tries and submits as `AgentExplorer` says; stable parts of a request are cached."""

    name: ClassVar[str] = "claude"
    summary: ClassVar[str] = "A Claude model writes controllers, through the Messages API"
    Options: ClassVar[type[Options]] = ClaudeOptions
    options: ClaudeOptions

    def llm(self) -> LLM:
        """The model behind the Messages API."""
        from autotts_claude.messages import MessagesLLM

        options = self.options
        return MessagesLLM(options.model, options.effort, options.thinking, options.base_url)

    def key_problem(self) -> str | None:
        """Neither of the two variables that Anthropic's SDK reads is set."""
        if any(os.environ.get(name) for name in KEYS):
            return None
        return f"{KEYS[0]} is not set: explorer {self.name!r} needs a key from Anthropic."

    def prices(self) -> PriceTable:
        """Anthropic's prices, as the package knows them."""
        return PriceTable.parse(files("autotts_claude").joinpath("prices.yaml").read_text("utf-8"))
