"""One branch on an engine: continued from where it stands, and probed where it stands."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Iterable, Sequence, Set
from dataclasses import asdict, dataclass, field
from math import isnan, nan
from typing import Any

from autotts_core.confidence import LowestWindow
from autotts_core.decoded_text import DecodedText, before_first
from autotts_core.errors import EngineError
from autotts_core.trace_backend import Continuation, Engine, Sampling


@dataclass(frozen=True, slots=True)
class EngineQuestion:
    """A question as an engine is asked it, and how answers are read out of what it says.

    `prompt` and `probe` are token ids, `probe_text` is the probe as text. A branch is probed by
    appending `probe` to it. `parse` gives the answer in the text of a finished branch, or in
    that of a branch with the probe and what came after it; "" for none. `decode` gives the text
    of ids, as `DecodedText` wants it with `unsettled`; without, a branch's text is what the
    engine gave, piece by piece. A branch ends at the first of the strings `stop`, a probe's
    answer at the first of `probe_stop`.
    """

    prompt: Sequence[int]
    probe: Sequence[int]
    probe_text: str
    parse: Callable[[str], str]
    decode: Callable[[Sequence[int]], str] | None = None
    stop: tuple[str, ...] = ()
    probe_stop: tuple[str, ...] = ()
    unsettled: Set[int] = frozenset()

    def room(self, context: int, probe_tokens: int) -> int:
        """Tokens that a branch can have in `context`, with a probe and its answer after it."""
        return context - len(self.prompt) - len(self.probe) - probe_tokens


@dataclass(frozen=True, slots=True)
class BranchSettings:
    """How branches are generated and probed."""

    interval_tokens: int = 500
    """Δ."""
    max_tokens: int = 32_768
    """Where a branch is cut off that has not come to its end."""
    probe_tokens: int = 32
    """What an answer may take after the probe."""
    temperature: float = 0.7
    top_p: float = 1.0
    top_k: int = -1
    top_logprobs: int = 0
    """Likeliest tokens that each token's confidence is made of; 0: none is measured."""
    confidence_window: int = 2048
    """Tokens in a row over which confidence is averaged."""

    def sampling(self, seed: int, stop: tuple[str, ...] = ()) -> Sampling:
        """For the next tokens of a branch."""
        return Sampling(
            self.temperature, self.top_p, self.top_k, seed, stop, top_logprobs=self.top_logprobs
        )

    def described(self) -> dict[str, Any]:
        """All of them that branches hang on."""
        described = asdict(self)
        if not self.top_logprobs:
            # So that what was collected before confidence was measured is found again.
            del described["top_logprobs"], described["confidence_window"]
        return described


def check_room(
    model: str, questions: Iterable[EngineQuestion], settings: BranchSettings, context: int | None
) -> None:
    """Raise `EngineError` where a branch and a probe may not fit in `context`, if it is known."""
    if context is None:
        return
    room = min(each.room(context, settings.probe_tokens) for each in questions)
    if room < settings.max_tokens:
        raise EngineError(
            f"{model}: its context of {context:,} tokens is too short for a prompt and a probe of "
            f"{context - room:,} tokens and {settings.max_tokens:,} tokens of a branch. "
            + (f"Cut branches off at {room:,}." if room > 0 else "The question is too long.")
        )


@dataclass(frozen=True, slots=True)
class Probe:
    """An answer, and what was written after the probe; None where the branch's text held it."""

    answer: str
    written: str | None = None


@dataclass
class EngineBranch:
    """The branch of `question` that is sampled with `seed`, as far as it has come.

    A branch that writes one of its question's stop strings is finished. Its last token is the
    one that completed the string, which counts like any other, and its text ends before the
    string: so it is whatever the engine cuts off, and wherever intervals end. Only engines that
    give no token ids leave the string's own tokens uncounted.
    """

    engine: Engine
    question: EngineQuestion
    settings: BranchSettings
    seed: int
    ids: array[int] = field(default_factory=lambda: array("I"))
    """Of 32 bits each, for thousands of branches may be under way."""
    text: str = ""
    finished: bool = False
    signal: float = nan
    """Mean log-probability of the tokens that came last; nan where the engine gives none."""
    window_confidence: float = nan
    """Lowest mean confidence of a window of tokens that ended among those that came last; nan
    where none did. A branch that ends before its first window is full has the mean of all."""
    confidence: float = nan
    """The lowest of these so far."""
    probe_tokens: int = 0
    """Tokens that probes have generated."""
    prompt_tokens: int = 0
    """Tokens sent to be continued, of which `cached_tokens` came from the engine's cache."""
    cached_tokens: int = 0
    _decoded: DecodedText | None = field(init=False, repr=False)
    _windows: LowestWindow = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._windows = LowestWindow(self.settings.confidence_window)
        decode = self.question.decode
        self._decoded = DecodedText(decode, self.question.unsettled) if decode else None

    @property
    def tokens(self) -> int:
        """Tokens generated, without probes."""
        return len(self.ids)

    async def extend(self, most: int) -> None:
        """Continue by at most `most` tokens, and no further than the settings allow."""
        room = self.settings.max_tokens - self.tokens
        # Each request of a branch draws with a seed of its own, the same whenever it is made.
        before = self.tokens
        sampling = self.settings.sampling((self.seed << 24) + before, self.question.stop)
        prefix = array("I", self.question.prompt) + self.ids
        found = await self._generate(prefix, min(most, room), sampling)
        stopped = self._add(found)
        self.finished = (
            stopped or found.finish != "length" or self.tokens >= self.settings.max_tokens
        )
        if logprobs := (found.logprobs or ())[: self.tokens - before]:
            self.signal = sum(logprobs) / len(logprobs)
        if self.settings.top_logprobs:
            self._measure(found, self.tokens - before)

    def probe(self) -> Coroutine[None, None, Probe]:
        """What it would answer where it stands now, whatever is asked of it meanwhile."""
        return self._probe(self.ids[:], self.text)

    async def probe_at_end(self) -> Probe:
        """The answer in the text of a finished branch; by a probe where it holds none."""
        answer = self.question.parse(self.text)
        return Probe(answer) if answer else await self._probe(self._written(), self.text)

    def probed(self) -> Coroutine[None, None, str]:
        """The answer of `probe`."""
        return _answer(self.probe())

    def answer(self) -> Coroutine[None, None, str]:
        """The answer of `probe_at_end`."""
        return _answer(self.probe_at_end())

    async def _probe(self, ids: array[int], text: str) -> Probe:
        prefix = array("I", self.question.prompt) + ids
        prefix.extend(self.question.probe)
        greedy = Sampling(temperature=0.0, stop=self.question.probe_stop)
        found = await self._generate(prefix, self.settings.probe_tokens, greedy)
        self.probe_tokens += len(found.token_ids)
        written = before_first(self.question.probe_stop, found.text)
        return Probe(self.question.parse(text + self.question.probe_text + written), written)

    def _add(self, found: Continuation) -> bool:
        """Add what was generated, no more than up to a stop string; whether there is one.

        The engine sees only what it generates itself, so a string that begins in one interval
        and ends in the next is seen here alone.
        """
        stop, decoded, ids = self.question.stop, self._decoded, found.token_ids
        if decoded is None:
            text = self.text + found.text
        else:
            self._decoded = decoded.plus(ids)
            text = self._decoded.text
            if _holds(stop, text):

                def ended(count: int) -> bool:
                    return _holds(stop, decoded.plus(ids[:count]).text)

                ids = ids[: bisect_left(range(len(ids)), True, key=ended)]
                text = decoded.plus(ids).text
        self.ids.extend(ids)
        self.text = before_first(stop, text)
        return self.text != text

    def _measure(self, found: Continuation, tokens: int) -> None:
        """Take in the confidences of the first `tokens` tokens of what was generated."""
        if found.confidences is None and tokens:
            raise EngineError(
                "the engine gives no log-probabilities of its top tokens, of which "
                "confidence is made: do without it, or use another engine."
            )
        lowest = self._windows.add((found.confidences or ())[:tokens])
        if self.finished and isnan(self.confidence) and isnan(lowest):
            lowest = self._windows.mean()
        self.window_confidence = lowest
        if not self.confidence <= lowest and not isnan(lowest):
            self.confidence = lowest

    def _written(self) -> array[int]:
        """The tokens of the text, without those that only ended it: a stop string's, a last one.

        A token that holds the end of the text and the beginning of a stop string stays.
        """
        ids, decode = self.ids[:], self.question.decode
        while decode and ids and decode(ids[:-1]).startswith(self.text):
            ids.pop()
        return ids

    async def _generate(self, prefix: Sequence[int], most: int, sampling: Sampling) -> Continuation:
        found = await self.engine.generate(prefix, most, sampling)
        self.prompt_tokens += len(prefix)
        self.cached_tokens += found.cached_tokens or 0
        return found


async def _answer(probe: Coroutine[None, None, Probe]) -> str:
    return (await probe).answer


def _holds(strings: Sequence[str], text: str) -> bool:
    return any(each in text for each in strings)
