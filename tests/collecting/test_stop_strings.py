"""Branches end at a benchmark's stop strings: the same on all engines, wherever intervals end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from autotts_sim.engine import SimulatedEngine

from autotts_core.collecting.collecting import collect
from autotts_core.collecting.collection import Collection
from autotts_core.collecting.collector import sampled
from autotts_core.engine_branch import BranchSettings, EngineBranch, EngineQuestion
from autotts_core.errors import EngineError, StoreError
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.store import ReplayStore
from autotts_core.trace_backend import Continuation, Engine, Sampling
from autotts_core.traces import BranchTrace

STOP = "\nQuestion:"
COMPLETION = registry().get("benchmark", "arithmetic").configure({"form": "completion"})


class Talker(SimulatedEngine):
    """Writes `written`, a byte a token, whatever it is asked; with a stop string's tokens or not.

    What follows a probe is " 7\\n" and more of the same.
    """

    written = " 3 + 4 = 7.\nAnswer: 7\n\nQuestion: What is 1?\nReasoning: 1.\nAnswer: 1\n"
    keeps_stop_tokens = True
    matches = True
    """Whether it looks for stop strings in what it generates."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[bytes, Sampling]] = []

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        self.asked.append((bytes(list(prefix)), sampling))
        place = len(prefix) - len("?")
        probing = bytes(list(prefix)).endswith(b"\nAnswer:") and sampling.temperature == 0
        text = (" 7\nQuestion: " * 9 if probing else self.written[place:])[:max_tokens]
        found = [text.find(each) + len(each) for each in sampling.stop if each in text]
        if not found or not self.matches:
            ended = len(text) < max_tokens
            return Continuation(list(text.encode()), text, "stop" if ended else "length")
        text = text[: min(found)]
        cut = next(text.removesuffix(each) for each in sampling.stop if text.endswith(each))
        ids = text if self.keeps_stop_tokens else cut
        return Continuation(list(ids.encode()), cut, "stop")


class Trimming(Talker):
    keeps_stop_tokens = False


class Deaf(Talker):
    matches = False


def ended(engine: Engine, interval: int) -> tuple[EngineBranch, BranchTrace]:
    tokenizer = ModelTokenizer(engine.tokenizer("toy"))
    asked = replace(tokenizer.asked(COMPLETION, "?"), prompt=[63])
    branch = EngineBranch(engine, asked, BranchSettings(interval, 1000), 0)
    return branch, asyncio.run(sampled(branch))[0]


@pytest.mark.parametrize("interval", [1, 5, 23, 24, 25, 28, 32, 500])
@pytest.mark.parametrize("engine", [Talker, Trimming, Deaf])
def test_a_branch_ends_with_the_token_that_completes_the_string(
    engine: type[Talker], interval: int
) -> None:
    branch, trace = ended(engine(), interval)
    text, _, _ = Talker.written.partition(STOP)
    assert (branch.text, branch.finished, trace.final) == (text, True, "7")
    # What an engine gives no tokens for is not counted: here, all of the string or its rest.
    assert text.encode() <= bytes([*branch.ids]) <= (text + STOP).encode()
    if engine is not Trimming:
        assert bytes([*branch.ids]) == (text + STOP).encode()
    assert trace.tokens == len(branch.ids)
    # At the last boundary a branch that has just ended is not probed.
    assert len(trace.probes) == (trace.tokens - 1) // interval


def test_probes_end_at_their_own_strings() -> None:
    engine = Talker()
    branch, trace = ended(engine, 10)
    assert set(trace.probes) == {"7"}
    assert branch.probe_tokens == len(" 7\n") * len(trace.probes)
    assert {sampling.stop for _, sampling in engine.asked} == {(STOP,), ("\n",)}


def test_the_last_probe_follows_the_text_and_not_the_string() -> None:
    class Speechless(Talker):
        written = " Let me see.\nQuestion: What else?"

    engine = Speechless()
    branch, trace = ended(engine, 500)
    assert trace.final == "7"
    assert branch.text == " Let me see."
    assert engine.asked[-1][0] == b"? Let me see.\nAnswer:"


def test_what_only_ends_a_branch_stands_before_no_probe() -> None:
    class EndOfText(Talker):
        async def generate(
            self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
        ) -> Continuation:
            self.asked.append((bytes(list(prefix)), sampling))
            # In place of a token that decodes to nothing: byte 0.
            return Continuation([33, 0], "!", "stop")

    engine = EndOfText()
    asked = EngineQuestion(
        [63], [80], "P", lambda text: "", lambda ids: bytes(ids).strip(b"\0").decode()
    )
    branch = EngineBranch(engine, asked, BranchSettings(500, 1000), 0)
    asyncio.run(sampled(branch))
    assert (branch.text, list(branch.ids)) == ("!", [33, 0])
    assert engine.asked[-1][0] == b"?!P"


def test_a_base_model_that_goes_on_answers_as_one_that_does_not(tmp_path: Path) -> None:
    benchmark = registry().get("benchmark", "arithmetic")
    few = benchmark.configure({"form": "completion", "questions": 3})
    collection = Collection("toy", few, 4, BranchSettings(100, 1000))
    for name, options in (("quiet", {}), ("talking", {"goes_on": True})):
        engine = SimulatedEngine.configure(options)
        asyncio.run(collect(collection, engine, tmp_path / name, lambda tally: None))
    quiet, talking = (ReplayStore.open(tmp_path / name).load() for name in ("quiet", "talking"))
    ends = quiet.step_start[1:] - 1
    assert quiet.class_text == talking.class_text
    more = (talking.branch_tokens - quiet.branch_tokens)[quiet.branch_tokens < 1000]
    assert (more == len(STOP)).all()
    assert (quiet.step_class[ends] == talking.step_class[talking.step_start[1:] - 1]).all()


def test_other_strings_do_not_mix_and_lie_elsewhere(tmp_path: Path) -> None:
    class Stopping(type(COMPLETION)):  # type: ignore[misc]
        stop = ("\nAnswer:",)

    one = Collection("toy", COMPLETION, 2, BranchSettings(100, 1000))
    other = replace(one, benchmark=Stopping(COMPLETION.options))
    engine = SimulatedEngine.configure({"failures": 0.99})
    assert one.folder(engine, tmp_path) != other.folder(engine, tmp_path)

    async def cut_off() -> None:
        await asyncio.wait_for(collect(one, engine, tmp_path / "store", lambda tally: None), 0.3)

    with pytest.raises((TimeoutError, EngineError)):
        asyncio.run(cut_off())
    with pytest.raises(StoreError, match=r"other settings \(stop\)"):
        asyncio.run(
            collect(other, SimulatedEngine.configure({}), tmp_path / "store", lambda tally: None)
        )
