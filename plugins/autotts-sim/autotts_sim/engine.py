"""The trace backend `simulated-engine`: generates text token by token, without a model.

It stands in for a real engine where there is none: to try out collection and live runs, and to
test them. It works sums: for a question of the benchmark `arithmetic` in its completion form it
is right more often than not. A token is a byte.
"""

from __future__ import annotations

import ast
import asyncio
import hashlib
import json
import operator
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, takewhile
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from autotts_core.cache import cache_directory
from autotts_core.component import Options
from autotts_core.errors import EngineError
from autotts_core.files import write_atomically
from autotts_core.trace_backend import Continuation, Engine, EngineFacts, Sampling

_ANSWER = "\nAnswer:"
_NEXT = "\nQuestion:"
_BLOCK = 16
"""Tokens that the prefix cache holds or does not: as in vLLM, a part of a block is none."""
_OPERATIONS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_SUM = re.compile(r"Question: What is ([-+*() 0-9]+)\?\nReasoning:$")


class SimulatedEngineOptions(Options):
    slots: PositiveInt = 256
    """Requests that it works on at once; others wait."""
    seconds_per_token: NonNegativeFloat = 0.0
    """How long a token takes in each of them."""
    failures: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of requests that fail as a server does that is overloaded."""
    mean_tokens: PositiveInt = 400
    """Of a branch, about."""
    right: Annotated[float, Field(ge=0, le=1)] = 0.6
    """How often a branch ends in the right answer."""
    cache_blocks: NonNegativeInt = 1_000_000
    """Of 16 tokens each, that its prefix cache holds; the oldest go first."""
    goes_on: bool = False
    """Whether it goes on after its answer, with a question of its own, as base models do."""


class SimulatedEngine(Engine):
    """Seeded like a real engine: the same prefix, seed and length give the same tokens."""

    name: ClassVar[str] = "simulated-engine"
    summary: ClassVar[str] = "Generates text without a model, to try out collection and live runs"
    Options: ClassVar[type[Options]] = SimulatedEngineOptions
    options: SimulatedEngineOptions

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.requests = 0
        self.tokens = 0
        self.running = 0
        """Requests in a slot now."""
        self.busy_seconds = 0.0
        """Of all slots together."""
        self._slots: asyncio.Semaphore | None = None
        self._cached: dict[int, None] = {}
        """Blocks in the order in which they came."""

    def tokenizer(self, model: str) -> Path:
        """One whose ids are the bytes of UTF-8 text."""
        directory = cache_directory() / "simulated-engine"
        if not (directory / "tokenizer.json").exists():
            write_atomically(directory / "tokenizer.json", _byte_tokenizer().encode())
        return directory

    async def start(self, model: str) -> EngineFacts:
        """Any `model` will do."""
        self._slots = asyncio.Semaphore(self.options.slots)
        return EngineFacts(self.name, "1", context=1_000_000)

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        """What a branch has after `prefix`."""
        if self._slots is None:
            raise EngineError("the engine has not been started")
        self.requests += 1
        loop = asyncio.get_running_loop()
        async with self._slots:
            self.running += 1
            began = loop.time()
            try:
                chance = random.Random(self.requests)
                if chance.random() < self.options.failures:
                    await asyncio.sleep(self.options.seconds_per_token)
                    raise EngineError("overloaded", transient=True, after=0.0)
                found = self._found(bytes(list(prefix)), max_tokens, sampling)
                pause = self.options.seconds_per_token * len(found.token_ids)
                await asyncio.sleep(pause * chance.uniform(0.8, 1.2))
                self.tokens += len(found.token_ids)
                return found
            finally:
                self.running -= 1
                self.busy_seconds += loop.time() - began

    async def close(self) -> None:
        """There is nothing to release."""

    def _found(self, prefix: bytes, max_tokens: int, sampling: Sampling) -> Continuation:
        text = prefix.decode(errors="replace")
        asked, mark, written = text.rpartition("\nReasoning:")
        prompt = asked + mark
        if written:
            # A branch begins with what all of it hangs on.
            plan = written[1:9]
        else:
            greedy = sampling.temperature == 0
            plan = _digest(f"{prompt} {'greedy' if greedy else sampling.seed}")[:8]
        whole, wandering = self._branch(prompt, plan)
        if written.endswith(_ANSWER) and len(written) < len(whole):
            position = len(written) - len(_ANSWER)
            own = whole.partition(_NEXT)[0]
            settled = position >= len(own) // 2
            guess = own.rpartition(_ANSWER)[2].strip() if settled else wandering
            return self._continuation(prefix, f" {guess}\n"[:max_tokens], True, sampling.stop)
        piece = whole[len(written) : len(written) + max_tokens]
        ended = len(written) + max_tokens > len(whole)
        found = self._continuation(prefix, piece, ended, sampling.stop)
        if not sampling.top_logprobs:
            return found
        upto = len(written) + len(found.token_ids)
        confidences = _confidences(prompt, plan, whole)
        return replace(found, confidences=list(islice(confidences, len(written), upto)))

    def _branch(self, prompt: str, plan: str) -> tuple[str, str]:
        """The whole text of a branch, and what it would answer before it has settled."""
        chance = random.Random(f"{prompt} {plan}")
        asked = _SUM.search(prompt)
        # The sum is written by this project's benchmark; anything else is answered at random.
        right = _value(asked[1]) if asked else chance.randrange(1000)
        wrong = [right + chance.choice((-10, -2, -1, 1, 2, 10)) for _ in range(2)]
        answer = right if chance.random() < self.options.right else wrong[0]
        length = 20 + round(chance.expovariate(1 / self.options.mean_tokens))
        steps = "".join(f" step {k}," for k in range(length // 7))
        more = f"{_NEXT} What is 1 + 1?\n" * 20 if self.options.goes_on else ""
        return f" {plan}{steps} so it is {answer}.{_ANSWER} {answer}\n{more}", str(wrong[1])

    def _continuation(
        self, prefix: bytes, text: str, ended: bool, stop: Sequence[str]
    ) -> Continuation:
        # As vLLM and SGLang do, it keeps the tokens of a stop string that it cuts from the text.
        ends = {text.find(each) + len(each): each for each in stop if each in text}
        if ends:
            text, ended = text[: min(ends)], True
        given = text.removesuffix(ends[min(ends)]) if ends else text
        held = takewhile(self._cached.__contains__, _blocks(prefix))
        cached = _BLOCK * sum(1 for _ in held)
        self._cached |= dict.fromkeys(_blocks(prefix + text.encode()))
        too_many = max(0, len(self._cached) - self.options.cache_blocks)
        for oldest in list(islice(self._cached, too_many)):
            del self._cached[oldest]
        ids = list(text.encode())
        chance = random.Random(text)
        logprobs = [-chance.expovariate(2.0) for _ in ids]
        return Continuation(ids, given, "stop" if ended else "length", logprobs, cached)


def _blocks(text: bytes) -> Iterator[int]:
    """What each whole block of `text` is known by, with all that stands before it."""
    known = 0
    for end in range(_BLOCK, len(text) + 1, _BLOCK):
        known = hash((known, text[end - _BLOCK : end]))
        yield known


def _value(expression: str) -> int:
    """The value of a sum of whole numbers with +, -, * and brackets."""

    def of(node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.BinOp(left, operation, right):
                return _OPERATIONS[type(operation)](of(left), of(right))
            case _:
                raise ValueError(f"no sum: {expression}")

    return of(ast.parse(expression, mode="eval").body)


def _confidences(prompt: str, plan: str, whole: str) -> Iterator[float]:
    """Of each token of a branch: as a rule larger where the branch is right."""
    chance = random.Random(f"{prompt} {plan} confidence")
    asked = _SUM.search(prompt)
    answer = whole.partition(_NEXT)[0].rpartition(_ANSWER)[2].strip()
    right = asked is not None and answer == str(_value(asked[1]))
    level = chance.gauss(12.0 if right else 10.0, 1.5)
    while True:
        yield max(0.0, chance.gauss(level, 3.0))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _byte_tokenizer() -> str:
    """A `tokenizer.json` whose id k is byte k."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    stands_for = {byte: chr(byte) for byte in printable}
    # As GPT-2's tokenizer does, whose byte-level form this is.
    stands_for |= {byte: chr(256 + k) for k, byte in enumerate(others)}
    vocabulary = {stands_for[byte]: byte for byte in range(256)}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    text: str = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False)
    return text
