"""What the agent can do: read the evidence, try a controller, hand one in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from autotts_core.agent.brief import rule_in_words
from autotts_core.agent.evidence import (
    Filter,
    compared,
    control_space,
    difference_lines,
    digest_lines,
    episode_lines,
    filtered,
    frontier_lines,
    paged,
    voting_reference,
)
from autotts_core.agent.llm import ToolCall, ToolResult, ToolSpec
from autotts_core.discovery.workbench import Workbench
from autotts_core.errors import AutoTTSError, ControllerError, nearest
from autotts_core.evaluator.parent import EpisodeKey
from autotts_core.explorer import Proposal
from autotts_core.frontier import Frontier, Point

SUBMIT = "submit"
_SC64 = "SC@64"


class ToolError(AutoTTSError):
    """A call that cannot be done: what is wrong with it, and what would be right."""


class Arguments(BaseModel):
    """Base of every tool's arguments; a subclass's docstring is what the model is told."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)

    @classmethod
    def spec(cls, name: str) -> ToolSpec:
        """The tool as a model is told of it."""
        schema = cls.model_json_schema()
        for unwanted in ("title", "description"):
            schema.pop(unwanted, None)
        return ToolSpec(name, " ".join((cls.__doc__ or "").split()), schema)


class Nothing(Arguments):
    """Takes nothing."""


class Task(Nothing):
    """The stores, the β grid, what counts, the baselines, and how far the run has come."""


class ControlSpace(Nothing):
    """Everything that a policy may do with the episode, and what is revealed to it."""


class VotingReference(Nothing):
    """The voting library that policies may import."""


class Proposals(Arguments):
    """All proposals of earlier rounds: value, best accuracy and its tokens, or why rejected."""

    page: PositiveInt = 1


class Named(Arguments):
    of: str
    """A proposal such as `2.1`, or a draft of this round such as `draft-3`."""


class ReadProposal(Named):
    """The source and the rationale of a proposal or draft."""

    page: PositiveInt = 1


class ReadFrontier(Arguments):
    """Accuracy and tokens at every β, on the search set, with each store's accuracy."""

    of: str
    """A proposal, a draft, or a baseline as `task` names it."""


class ReadDigest(Named):
    """What a proposal lost against SC@64 and the best before it, and where its tokens went."""


class Questions(Named):
    """Questions under one controller against another, the most telling first."""

    filter: Filter
    """lost: answered right less often; saved: more often; changed: either; wasteful: by tokens
    spent more than the other."""
    against: str = _SC64
    """SC@64, a proposal, or a draft."""
    beta: Annotated[float, Field(ge=0, le=1)] | None = None
    """A β of the grid; left out, where each is most accurate."""
    page: PositiveInt = 1


class ReadEpisode(Named):
    """One episode's trace: every action, what it revealed, what was right, why it stopped."""

    store: str
    question: Annotated[int, Field(ge=0)]
    seed: Annotated[int, Field(ge=0)] = 0
    beta: Annotated[float, Field(ge=0, le=1)] | None = None
    """Left out, the β where the controller is most accurate."""
    page: PositiveInt = 1


class Check(Arguments):
    """Check a controller's source without scoring it; gives its parameters at every β."""

    source: str
    """A whole controller file."""


class Evaluate(Check):
    """Score a controller's source on the search set: its frontier, its value, what it lost and
    won. It becomes a draft that the other tools take by name."""


class Submit(Check):
    """Hand in a controller's source. Accepted, it ends the round; rejected, the reason is told."""

    rationale: str
    """What you saw, what you changed for it, what it brought; the first line sums it up."""


TOOLS: Mapping[str, type[Arguments]] = {
    "task": Task,
    "control_space": ControlSpace,
    "voting_reference": VotingReference,
    "proposals": Proposals,
    "proposal": ReadProposal,
    "frontier": ReadFrontier,
    "digest": ReadDigest,
    "questions": Questions,
    "episode": ReadEpisode,
    "check": Check,
    "evaluate": Evaluate,
    SUBMIT: Submit,
}

ACTIONS = ("check", "evaluate", SUBMIT)
"""Tools that do more than read."""

SPECS = tuple(arguments.spec(name) for name, arguments in TOOLS.items())


@dataclass(frozen=True, slots=True)
class Draft:
    """A source that was evaluated in this round."""

    name: str
    source: str
    frontier: Frontier


class Toolbox:
    """One round's tools over its workbench, and what they were used for."""

    def __init__(self, workbench: Workbench) -> None:
        self.drafts: dict[str, Draft] = {}
        """By name, in order."""
        self.submitted: Proposal | None = None
        self.rejected: list[Proposal] = []
        """What was handed in and is at fault, the latest last."""
        self._workbench = workbench

    @property
    def best_draft(self) -> Draft | None:
        """The draft that the run's rule values most, the earliest of equals."""
        return max(self.drafts.values(), key=lambda each: self._value(each.frontier), default=None)

    @property
    def tried(self) -> int:
        """Sources that were scored or turned down so far."""
        return len(self.drafts) + len(self.rejected)

    def handed_in(self, ended: str) -> Iterator[Proposal]:
        """What the round comes to: what was submitted, or else the best draft, or what was at
        fault; nothing if there is none. `ended` says why it was over."""
        best = self.best_draft
        if self.submitted is not None:
            yield self.submitted
        elif best is not None:
            yield Proposal(
                best.source, f"The best of {len(self.drafts)} drafts; not submitted, for {ended}."
            )
        elif self.rejected:
            yield self.rejected[-1]

    def run(self, call: ToolCall) -> ToolResult:
        """Do what `call` asks for; what is wrong with it comes back as an error's text."""
        if self.submitted is not None:
            return ToolResult(call.id, "Not done: the round ended with submit.", True)
        try:
            return ToolResult(call.id, self._done(call))
        except (ToolError, ControllerError) as error:
            return ToolResult(call.id, str(error), True)

    def _done(self, call: ToolCall) -> str:
        if call.name not in TOOLS:
            raise ToolError(f"There is no tool {call.name!r}. {nearest(call.name, TOOLS)}")
        try:
            values = call.parsed()
        except ValueError as error:
            raise ToolError(
                f"The arguments are no JSON object ({error}): {call.arguments[:200]!r}. "
                "Nothing was done; call again with whole arguments."
            ) from None
        try:
            arguments = TOOLS[call.name].model_validate(values, strict=True)
        except ValidationError as error:
            wrong = [
                f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
                for each in error.errors(include_url=False)
            ]
            raise ToolError(f"Wrong arguments for {call.name}: {'; '.join(wrong)}.") from None
        told: str = getattr(self, f"_{call.name}")(arguments)
        return told

    def _task(self, _: Task) -> str:
        bench = self._workbench
        lines = [f"Round {bench.round} of {bench.rounds}. {rule_in_words(bench.selection)}"]
        for store in bench.stores:
            questions = store.manifest.counts.questions
            lines.append(f"{store.name}: {questions} questions, {len(bench.seeds)} seeds")
        lines.append(f"β grid: {', '.join(f'{beta:g}' for beta in bench.betas)}")
        for frontier in bench.baselines:
            lines.append(f"baseline {_baseline_name(frontier)}: {self._standing(frontier)}")
        best = self._best_before()
        lines.append(f"best proposal so far: {best[0] if best else 'none'}")
        return "\n".join(lines)

    def _control_space(self, _: ControlSpace) -> str:
        return control_space()

    def _voting_reference(self, _: VotingReference) -> str:
        return voting_reference()

    def _proposals(self, arguments: Proposals) -> str:
        lines = []
        rounds = {entry.round for entry in self._workbench.history}
        for number in range(1, self._workbench.round):
            if number not in rounds:
                lines.append(f"round {number} ended without a proposal")
        for entry in self._workbench.history:
            told = entry.fault or self._standing(entry.frontier)
            reason = f"rejected: {told}" if entry.fault else told
            summary = entry.proposal.rationale.partition("\n")[0]
            lines.append(f"{entry.name}: {reason}. {summary}")
        return paged(lines or ["Nothing has been proposed yet."], arguments.page)

    def _proposal(self, arguments: ReadProposal) -> str:
        proposal, _ = self._found(arguments.of)
        return paged(
            [*proposal.source.splitlines(), "", "Rationale:", *proposal.rationale.splitlines()],
            arguments.page,
        )

    def _frontier(self, arguments: ReadFrontier) -> str:
        for frontier in self._workbench.baselines:
            if arguments.of == _baseline_name(frontier):
                return "\n".join(frontier_lines(frontier))
        return "\n".join(frontier_lines(self._scored(arguments.of)))

    def _digest(self, arguments: ReadDigest) -> str:
        for entry in self._workbench.history:
            if entry.name == arguments.of and entry.digest is not None:
                return "\n".join(digest_lines(entry.digest))
        if arguments.of in self.drafts:
            raise ToolError("Drafts have no digest: ask `questions` and `episode` about them.")
        self._scored(arguments.of)
        raise ToolError(f"{arguments.of} has no digest.")

    def _questions(self, arguments: Questions) -> str:
        point = self._point(arguments.of, arguments.beta)
        other = (
            None if arguments.against == _SC64 else self._point(arguments.against, arguments.beta)
        )
        found = filtered(compared(point, self._workbench, other), arguments.filter)
        return paged([str(each) for each in found] or ["None."], arguments.page)

    def _episode(self, arguments: ReadEpisode) -> str:
        bench = self._workbench
        names = [store.name for store in bench.stores]
        if arguments.store not in names:
            raise ToolError(f"There is no store {arguments.store!r}. Known: {', '.join(names)}.")
        number = names.index(arguments.store)
        store = bench.stores[number]
        questions = store.manifest.counts.questions
        if arguments.question >= questions or arguments.seed >= len(bench.seeds):
            raise ToolError(
                f"{store.name} has questions 0 to {questions - 1}, and seeds are "
                f"0 to {len(bench.seeds) - 1}."
            )
        proposal, frontier = self._found(arguments.of)
        beta = arguments.beta
        if beta is None:
            beta = (frontier.best.beta if frontier else None) or 0.0
        key = EpisodeKey(number, arguments.question, arguments.seed, beta)
        [replayed] = bench.episodes(proposal.source, [key])
        return paged(episode_lines(replayed, store, arguments.question), arguments.page)

    def _check(self, arguments: Check) -> str:
        parameters = self._workbench.check(arguments.source)
        rows = [
            f"β = {beta:g}: " + ", ".join(f"{name} {value:g}" for name, value in given.items())
            for beta, given in zip(self._workbench.betas, parameters, strict=True)
        ]
        return "\n".join(["It may be evaluated. Its parameters:", *rows])

    def _evaluate(self, arguments: Evaluate) -> str:
        draft = self._drafted(arguments.source)
        best = self._best_before()
        name, point = (best[0], best[1].best) if best else (_SC64, None)
        questions = compared(draft.frontier.best, self._workbench, point)
        bars = [
            f"  {_baseline_name(each)}: {self._standing(each)}"
            for each in self._workbench.baselines
        ]
        if best:
            bars.append(f"  {name}, the best proposal: {self._standing(best[1])}")
        return "\n".join(
            [
                f"{draft.name}: {self._standing(draft.frontier)}",
                *frontier_lines(draft.frontier),
                "To beat:",
                *bars,
                *difference_lines(questions, name),
            ]
        )

    def _submit(self, arguments: Submit) -> str:
        proposal = Proposal(arguments.source, arguments.rationale)
        try:
            draft = self._drafted(arguments.source)
        except ControllerError as error:
            self.rejected.append(proposal)
            raise ToolError(f"Rejected: {error}") from None
        self.submitted = proposal
        return f"Accepted: {self._standing(draft.frontier)}"

    def _drafted(self, source: str) -> Draft:
        frontier = self._workbench.evaluate(source)
        for draft in self.drafts.values():
            if draft.source == source:
                return draft
        draft = Draft(f"draft-{len(self.drafts) + 1}", source, frontier)
        self.drafts[draft.name] = draft
        return draft

    def _found(self, name: str) -> tuple[Proposal, Frontier | None]:
        draft = self.drafts.get(name)
        if draft is not None:
            return Proposal(draft.source, "A draft of this round."), draft.frontier
        for entry in self._workbench.history:
            if entry.name == name:
                return entry.proposal, entry.frontier
        known = [*(entry.name for entry in self._workbench.history), *self.drafts]
        hint = nearest(name, known) if known else "Nothing was proposed or evaluated yet."
        raise ToolError(f"There is no proposal or draft {name!r}. {hint}")

    def _scored(self, name: str) -> Frontier:
        _, frontier = self._found(name)
        if frontier is None:
            raise ToolError(f"{name} was rejected, so that it has no scores.")
        return frontier

    def _point(self, name: str, beta: float | None) -> Point:
        frontier = self._scored(name)
        if beta is None or len(frontier.points) == 1:
            return frontier.best
        for point in frontier.points:
            if point.beta == beta:
                return point
        grid = ", ".join(f"{each:g}" for each in self._workbench.betas)
        raise ToolError(f"β = {beta:g} is not on the grid: {grid}.")

    def _best_before(self) -> tuple[str, Frontier] | None:
        scored = [(e.name, e.frontier) for e in self._workbench.history if e.frontier]
        return max(scored, key=lambda pair: self._value(pair[1]), default=None)

    def _value(self, frontier: Frontier) -> float:
        return self._workbench.value(frontier)

    def _standing(self, frontier: Frontier | None) -> str:
        if frontier is None:
            return ""
        best = frontier.best
        beta = "" if best.beta is None else f" at β = {best.beta:g}"
        return (
            f"value {self._value(frontier):.2f}, at its best {best.accuracy:.2f} % for "
            f"{best.tokens:,.0f} tokens{beta}"
        )


def _baseline_name(frontier: Frontier) -> str:
    return frontier.points[0].scores[0].controller
