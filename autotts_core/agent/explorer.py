"""An explorer that is a model: derive from `AgentExplorer` and say how to reach one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from autotts_core.agent.brief import brief_problem, rendered
from autotts_core.agent.conversation import Conversation, OutOfBudget
from autotts_core.agent.llm import LLM, Reply, RequestRefused, ToolResult, Usage
from autotts_core.agent.pricing import Price, PriceTable
from autotts_core.agent.tools import ACTIONS, SPECS, Toolbox
from autotts_core.component import Options
from autotts_core.discovery.workbench import Workbench
from autotts_core.explorer import Explorer, Proposal
from autotts_core.recipe.schema import Budget

_IDLE = 3
"""Turns in a row without a tool call after which a round is over."""
_TYPICAL_TURNS, _TYPICAL_BRIEF, _TYPICAL_TURN = 25, 7_000, 2_000
"""For the estimate before the first call: turns of a round, and tokens."""


class AgentOptions(Options):
    """What every agent takes."""

    model: str
    """The model's name, as its provider calls it."""
    turns: PositiveInt = 60
    """Turns that a round has at most."""
    mends: NonNegativeInt = 3
    """Times that a rejected submission may be mended."""
    max_tokens: PositiveInt = 16_000
    """Tokens that a turn may have, thinking included."""
    brief: Path | None = None
    """A Jinja template that replaces the brief; relative to where the run is started."""
    more: str = ""
    """Text to add to the brief: what you know, or want tried."""
    price: Price | None = None
    """Dollars for a million tokens; unless told, from the package's table."""
    base_url: str | None = None
    """The server's address, if not the provider's own."""
    attempts: PositiveInt = 8
    """Times that a turn is asked for while the server is busy or breaks off."""
    turn_seconds: PositiveFloat = 900
    """How long one turn may take."""


class AgentExplorer(Explorer):
    """One conversation with a model in each round: it reads, tries, and submits one controller.

    What a subclass adds is the `LLM`, the options that it takes, and its table of prices.
    """

    paid: ClassVar[bool] = True
    Options: ClassVar[type[Options]] = AgentOptions
    options: AgentOptions

    @abstractmethod
    def llm(self) -> LLM:
        """The model; `LLMError` where it cannot be reached from here, such as without a key."""

    @abstractmethod
    def key_problem(self) -> str | None:
        """Why requests could not be signed here, None when they can."""

    def prices(self) -> PriceTable | None:
        """What the provider's models cost; None where nobody knows."""
        return None

    def price(self) -> Price | None:
        """What the model costs, None if unknown."""
        table = self.prices()
        return self.options.price or (table.price(self.options.model) if table else None)

    def lacks(self, budget: Budget) -> str | None:
        """A key, a price where there is a budget to keep, or a brief that can be read."""
        if problem := self.key_problem():
            return problem
        if budget.dollars is not None and self.price() is None:
            return (
                f"nobody knows what {self.options.model!r} costs, so that budget.dollars cannot be "
                "kept: give explorer.options.price, dollars for a million tokens, such as "
                "{input: 2, output: 10}."
            )
        return _template_problem(self.options.brief)

    def propose(self, workbench: Workbench) -> Iterator[Proposal]:
        """The controller that the model submits; else its best draft, or the last rejected."""
        options = self.options
        template = options.brief.read_text(encoding="utf-8") if options.brief else None
        brief = rendered(
            workbench, template, turns=options.turns, mends=options.mends, more=options.more
        )
        conversation = Conversation(
            self.llm(),
            self.price(),
            workbench,
            brief,
            SPECS,
            max_tokens=options.max_tokens,
            attempts=options.attempts,
            seconds=options.turn_seconds,
        )
        if workbench.round == 1:
            table = self.prices()
            origin = "price as given"
            if table is not None and options.price is None:
                origin = f"prices of {table.as_of}"
            workbench.say(estimated(workbench, options.model, self.price(), origin, options.turns))
        toolbox = Toolbox(workbench)
        ended = self._converse(conversation, toolbox, workbench)
        if toolbox.submitted is None:
            workbench.say(f"round {workbench.round}: nothing was submitted, for {ended}.")
        yield from toolbox.handed_in(ended)

    def _converse(self, conversation: Conversation, toolbox: Toolbox, workbench: Workbench) -> str:
        """Talk until something is submitted, or nothing will be; why it ended."""
        conversation.say(f"Round {workbench.round} of {workbench.rounds} begins.")
        idle = 0
        for number in range(1, self.options.turns + 1):
            try:
                reply = conversation.turn(number)
            except OutOfBudget as error:
                return str(error)
            except RequestRefused as error:
                if number == 1:
                    raise
                return f"the server refused turn {number}: {error}"
            if reply.calls:
                idle = 0
                results = [toolbox.run(call) for call in reply.calls]
                conversation.answer(number, results)
                _tell(workbench, number, reply, results)
                if toolbox.submitted is not None:
                    return "it was submitted"
                if len(toolbox.rejected) > self.options.mends:
                    return f"{len(toolbox.rejected)} submissions were rejected"
                workbench.progress(toolbox.tried)
                continue
            idle += 1
            workbench.say(f"turn {number}: it {_NOTHING[reply.stop]}")
            if idle == _IDLE:
                return f"the model called no tool in {idle} turns: last, it {_NOTHING[reply.stop]}"
            conversation.say(_REMINDER[reply.stop])
        return f"its {self.options.turns} turns were over"


def estimated(
    workbench: Workbench, model: str, price: Price | None, origin: str, turns: int
) -> str:
    """What a run's rounds will about cost, in words; `origin` says where the price is from."""
    left = workbench.dollars_left
    limit = "no limit is set" if left == float("inf") else f"the limit is ${left:,.2f}"
    if price is None:
        return f"{model}: price unknown, tokens are counted; {limit}."
    turns = min(turns, _TYPICAL_TURNS)
    usage = Usage()
    for turn in range(turns):
        seen = _TYPICAL_BRIEF + _TYPICAL_TURN * turn
        usage += Usage(cache_read=seen, cache_write=_TYPICAL_TURN, output=_TYPICAL_TURN // 2)
    dollars = price.dollars(usage)
    return (
        f"{model}: a round of {turns} turns is estimated at ${dollars:,.2f}, "
        f"{workbench.rounds} rounds at ${dollars * workbench.rounds:,.2f} ({origin}); {limit}."
    )


_NOTHING = {
    "end": "called no tool",
    "tools": "called no tool",
    "length": "was cut off at its most tokens",
    "refusal": "refused",
}

_REMINDER = {
    "end": "Nothing happens without a tool call. Go on with the tools, and end with `submit`.",
    "tools": "No tool call arrived. Call again.",
    "length": "Your turn was cut off at its most tokens, and nothing of it was done. Be briefer: "
    "call a tool.",
    "refusal": "This is about programs that decide how many recorded answers are read before a "
    "majority is taken. Go on with the tools, or submit what you have.",
}


def _template_problem(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        problem = brief_problem(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        problem = str(error)
    return f"explorer.options.brief: {path}: {problem}" if problem else None


def _tell(workbench: Workbench, number: int, reply: Reply, results: list[ToolResult]) -> None:
    read = [call.name for call, result in zip(reply.calls, results, strict=True)]
    for call, result in zip(reply.calls, results, strict=True):
        if call.name in ACTIONS or result.error:
            read.remove(call.name)
            failed = "failed: " if result.error else ""
            told = result.text.partition("\n")[0]
            workbench.say(f"turn {number}: {call.name}: {failed}{told[:200]}")
    if read:
        workbench.say(f"turn {number}: read {', '.join(read)}")
