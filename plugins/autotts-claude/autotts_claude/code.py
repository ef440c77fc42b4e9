"""The explorer `claude-code`: Claude Code, which is what the paper used, with the run's tools.

https://platform.claude.com/docs/en/agent-sdk/python
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import NonNegativeInt, PositiveInt

from autotts_claude.explorer import Effort
from autotts_core.agent.brief import rendered
from autotts_core.agent.evidence import (
    control_space,
    digest_lines,
    frontier_lines,
    voting_reference,
)
from autotts_core.agent.explorer import estimated
from autotts_core.agent.llm import LLMError, ToolCall, ToolResult, Usage
from autotts_core.agent.pricing import Price, PriceTable
from autotts_core.agent.tools import SPECS, SUBMIT, Toolbox
from autotts_core.component import Options
from autotts_core.discovery.workbench import Workbench
from autotts_core.explorer import Explorer, Proposal
from autotts_core.recipe.schema import Budget
from autotts_core.secrets import redacted_json

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions

_SERVER = "autotts"
_READING, _SHELL = ["Read", "Grep", "Glob"], ["Bash", "Edit", "Write"]
_FILES = """\
Your working directory holds the history as files: proposals/<name>/ with controller.py,
rationale.md, frontier.txt and digest.txt or fault.txt; baselines.txt, control_space.txt and
voting.txt.
"""


class ClaudeCodeOptions(Options):
    """What `claude-code` takes."""

    model: str = "claude-opus-5-5"
    """The model's name, as Anthropic calls it."""
    effort: Effort | None = None
    """How hard it works; unless told, as the model does by itself."""
    turns: PositiveInt = 60
    """Turns that a round has at most."""
    mends: NonNegativeInt = 3
    """Times that a rejected submission may be mended."""
    more: str = ""
    """Text to add to the brief: what you know, or want tried."""
    shell: bool = False
    """Whether it may run commands and write files, as the user who started the run."""
    cli: Path | None = None
    """The `claude` program, if not the one that comes with the SDK."""
    price: Price | None = None
    """Dollars for a million tokens; unless told, as Claude Code counts."""


class ClaudeCode(Explorer):
    """A session of Claude Code in each round, which reads files and has the run's tools.

    It works in the round's scratch directory, where the history lies as files. Its own settings,
    servers and plugins are left out. Keys and logins are Claude Code's affair.
    """

    name: ClassVar[str] = "claude-code"
    summary: ClassVar[str] = "Claude Code writes controllers, with the history as files"
    paid: ClassVar[bool] = True
    Options: ClassVar[type[Options]] = ClaudeCodeOptions
    options: ClaudeCodeOptions

    def lacks(self, budget: Budget) -> str | None:
        """The SDK, which brings Claude Code along."""
        if importlib.util.find_spec("claude_agent_sdk") is None:
            return (
                f"explorer {self.name!r} needs Claude's agent SDK: "
                "pip install 'autotts-claude[code]'."
            )
        return None

    def propose(self, workbench: Workbench) -> Iterator[Proposal]:
        """What the session submits; else its best draft, or what was rejected last."""
        round_ = _Round(workbench, self.options)
        if workbench.round == 1:
            workbench.say(round_.estimate)
        ended = round_.worked()
        if round_.toolbox.submitted is None:
            workbench.say(f"round {workbench.round}: nothing was submitted, for {ended}.")
        yield from round_.toolbox.handed_in(ended)


class _Round:
    """One round's session, its tools, and what it was charged."""

    def __init__(self, workbench: Workbench, options: ClaudeCodeOptions) -> None:
        self.toolbox = Toolbox(workbench)
        self._workbench = workbench
        self._options = options
        self._calls = 0
        self._charged = 0.0
        self._messages: set[str] = set()
        table = PriceTable.parse(files("autotts_claude").joinpath("prices.yaml").read_text("utf-8"))
        self._price = options.price or table.price(options.model)
        self.estimate = estimated(
            workbench,
            options.model,
            self._price,
            "price as given" if options.price else f"prices of {table.as_of}",
            options.turns,
        )

    def worked(self) -> str:
        """Have the session work until it is over; why it was."""
        before = self._workbench.kept("session") is not None
        session = self._workbench.once("session", lambda: str(uuid.uuid4()))
        while (call := self._workbench.kept(f"call-{self._calls + 1}")) is not None:
            # Drafts are in memory, so that they have to be made again; scores are remembered.
            self._calls += 1
            self.toolbox.run(ToolCall(**call))
        _write_history(self._workbench)
        if self.toolbox.submitted is not None:
            return "it was submitted"
        if before:
            try:
                return asyncio.run(self._session("Go on.", resume=session))
            except LLMError as error:
                if self._messages:
                    raise
                self._workbench.say(f"its session cannot be gone on with ({error}): a new one.")
                session = str(uuid.uuid4())
        opening = f"Round {self._workbench.round} of {self._workbench.rounds} begins."
        return asyncio.run(self._session(opening, session_id=session))

    async def _session(self, prompt: str, **which: str) -> str:
        from claude_agent_sdk import ClaudeSDKClient, ClaudeSDKError, ResultMessage

        left = self._workbench.seconds_left
        seconds = None if left == float("inf") else left
        try:
            async with asyncio.timeout(seconds), ClaudeSDKClient(self._asked(**which)) as client:
                await client.query(prompt)
                async for message in client.receive_response():
                    self._heard(message)
                    if isinstance(message, ResultMessage):
                        return self._ended(message)
        except TimeoutError:
            return "the budget of seconds is spent"
        except ClaudeSDKError as error:
            raise LLMError(f"Claude Code: {error}") from None
        raise LLMError("Claude Code ended without a result.")

    def _asked(self, **which: str) -> ClaudeAgentOptions:
        from claude_agent_sdk import (
            ClaudeAgentOptions,
            HookMatcher,
            SdkMcpTool,
            create_sdk_mcp_server,
        )

        options, bench = self._options, self._workbench
        tools = [
            SdkMcpTool(spec.name, spec.description, spec.parameters, self._handler(spec.name))
            for spec in SPECS
        ]
        brief = rendered(bench, None, turns=options.turns, mends=options.mends, more=options.more)
        left = bench.dollars_left
        submit = HookMatcher(matcher=f"mcp__{_SERVER}__{SUBMIT}", hooks=[self._after_submit])
        return ClaudeAgentOptions(
            model=options.model,
            effort=options.effort,
            system_prompt=f"{brief}\n{_FILES}",
            mcp_servers={_SERVER: create_sdk_mcp_server(_SERVER, tools=tools)},
            strict_mcp_config=True,
            setting_sources=[],
            tools=_READING + (_SHELL if options.shell else []),
            allowed_tools=[f"mcp__{_SERVER}__{spec.name}" for spec in SPECS]
            + (_SHELL if options.shell else []),
            permission_mode="dontAsk",
            hooks={"PostToolUse": [submit]},
            cwd=bench.scratch,
            cli_path=options.cli,
            max_turns=options.turns,
            max_budget_usd=None if left == float("inf") else left,
            **cast(Any, which),
        )

    def _handler(self, name: str) -> Any:
        async def handle(arguments: dict[str, Any]) -> dict[str, Any]:
            self._calls += 1
            call = {"id": str(self._calls), "name": name, "arguments": json.dumps(arguments)}
            kept = self._workbench.once(f"call-{self._calls}", lambda: redacted_json(call))
            # On this thread: what it starts must not end with a thread of the loop's.
            result: ToolResult = self.toolbox.run(ToolCall(**kept))
            told = result.text.partition("\n")[0]
            failed = "failed: " if result.error else ""
            self._workbench.say(f"{name}: {failed}{told[:200]}")
            self._workbench.progress(self.toolbox.tried)
            content = [{"type": "text", "text": result.text}]
            # Claude Code goes on after a failure whatever a hook says.
            return {"content": content, "is_error": result.error and not self._over}

        return handle

    async def _after_submit(self, *_: Any) -> dict[str, Any]:
        """Stop before another turn is bought that nobody needs."""
        return {"continue_": False, "stopReason": "The round is over."} if self._over else {}

    @property
    def _over(self) -> bool:
        rejected = len(self.toolbox.rejected)
        return self.toolbox.submitted is not None or rejected > self._options.mends

    def _heard(self, message: Any) -> None:
        from claude_agent_sdk import AssistantMessage

        kind = type(message).__name__
        told = asdict(message) if is_dataclass(message) else {"message": str(message)}
        self._workbench.transcribe(
            {"kind": kind, **redacted_json(json.loads(json.dumps(told, default=str)))}
        )
        if isinstance(message, AssistantMessage) and message.error is None:
            self._charge(message.message_id or "", message.usage or {})

    def _charge(self, message: str, told: dict[str, Any]) -> None:
        """Book what a turn's input cost when it arrives; the result has the rest."""
        if message in self._messages or self._price is None:
            return
        self._messages.add(message)
        dollars = self._price.dollars(_usage(told))
        self._charged += dollars
        self._book(dollars)

    def _book(self, dollars: float) -> None:
        # No later process could know its name, so that it is never charged again.
        self._workbench.charge(f"session-{uuid.uuid4().hex[:12]}", dollars)

    def _ended(self, result: Any) -> str:
        usage = _usage(result.usage or {})
        dollars = result.total_cost_usd or 0.0
        if self._options.price is not None:
            dollars = self._options.price.dollars(usage)
        self._book(max(0.0, dollars - self._charged))
        self._workbench.say(f"{result.num_turns} turns: {usage}, ${dollars:.4f}")
        if self.toolbox.submitted is not None:
            return "it was submitted"
        if len(self.toolbox.rejected) > self._options.mends:
            return f"{len(self.toolbox.rejected)} submissions were rejected"
        if result.subtype == "error_max_turns":
            return f"its {self._options.turns} turns were over"
        if result.subtype == "error_max_budget_usd":
            return "the budget of dollars is spent"
        if result.is_error:
            reason = result.result or ", ".join(result.errors or ()) or result.subtype
            raise LLMError(f"Claude Code: {reason} The same command goes on from here.")
        return "the session ended by itself"


def _usage(told: dict[str, Any]) -> Usage:
    return Usage(
        told.get("input_tokens") or 0,
        told.get("cache_read_input_tokens") or 0,
        told.get("cache_creation_input_tokens") or 0,
        told.get("output_tokens") or 0,
    )


def _write_history(workbench: Workbench) -> None:
    """The evidence as files in the scratch directory."""
    texts = {
        "control_space.txt": control_space(),
        "voting.txt": voting_reference(),
        "baselines.txt": "\n\n".join(
            "\n".join(frontier_lines(frontier)) for frontier in workbench.baselines
        ),
    }
    for entry in workbench.history:
        folder = f"proposals/{entry.name}"
        texts[f"{folder}/controller.py"] = entry.proposal.source
        texts[f"{folder}/rationale.md"] = entry.proposal.rationale
        if entry.fault is not None:
            texts[f"{folder}/fault.txt"] = entry.fault
        if entry.frontier is not None:
            texts[f"{folder}/frontier.txt"] = "\n".join(frontier_lines(entry.frontier))
        if entry.digest is not None:
            texts[f"{folder}/digest.txt"] = "\n".join(digest_lines(entry.digest))
    for path, text in texts.items():
        target = workbench.scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
