"""`autotts solve` on the simulated engine."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from autotts_sim.engine import SimulatedEngine
from click.testing import CliRunner

from autotts_core.cli import cli
from autotts_core.trace_backend import Continuation, Sampling

ASK = [
    "solve", "What is 17 + 25 - 4?", "--model", "toy", "--backend", "simulated-engine",
    "--benchmark", "arithmetic", "--benchmark-option", "form=completion",
    "--interval", "100", "--max-tokens", "4000",
]  # fmt: skip


@pytest.mark.parametrize("spec", ["self-consistency:branches=16", "brevity", "deadline", "cmc"])
def test_it_answers_under_any_controller(spec: str) -> None:
    done = CliRunner().invoke(cli, [*ASK, "--controller", spec, "--beta", "1", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["answer"] == "38"
    assert found["tokens"] == sum(branch["tokens"] for branch in found["branches"])
    assert 0 < found["sequential_tokens"] < found["tokens"]
    assert found["sc64_tokens_at_least"] > found["tokens"] / 2


def test_for_people() -> None:
    done = CliRunner().invoke(cli, [*ASK[:1], "-", *ASK[2:]], input="What is 17 + 25 - 4?\n")
    assert done.exit_code == 0, done.output
    assert done.stdout == "38\n"
    assert "tokens in" in done.stderr


def test_limits_and_mistakes() -> None:
    done = CliRunner().invoke(cli, [*ASK, "--budget", "300", "--json"])
    assert json.loads(done.stdout)["stopped"] == "budget exhausted"
    short = [*ASK, "--sequential-budget", "150", "--json"]
    found = json.loads(CliRunner().invoke(cli, short).stdout)
    assert (found["stopped"], found["limited"]) == ("sequential budget exhausted", True)
    assert found["sequential_tokens"] == 200
    late = [*ASK, "--seconds", "0.2", "--option", "seconds_per_token=0.01", "--json"]
    assert json.loads(CliRunner().invoke(cli, late).stdout)["stopped"] == "out of time"
    several = CliRunner().invoke(cli, [*ASK, "--controller", "asc:max_branches=1,2"])
    assert "is 2 controllers (asc(max_branches=1), asc(max_branches=2)): name one" in several.output
    whole = [*ASK]
    whole[whole.index("simulated-engine")] = "simulated"
    assert "hands over whole traces" in CliRunner().invoke(cli, whole).output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Give one of QUESTION, --questions and --benchmark-questions"),
        (["?", "--benchmark-questions"], "Give one of QUESTION"),
        (["?", "--out", "answers.jsonl"], "--out is for --questions"),
        (["--benchmark-questions"], "need a file for their answers: --out"),
        (["?", "--top-p", "0"], "not in the range 0<x<=1"),
        (["?", "--max-tokens", "2000000"], "Cut branches off at 999,"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(cli, ["solve", *arguments, *ASK[2:-2]])
    assert (done.exit_code, told in done.output) == (2, True), done.output


def test_a_backend_without_a_tokenizer_is_refused() -> None:
    server = ["--backend", "openai-compatible", "--option", "base_url=http://127.0.0.1:9/v1"]
    done = CliRunner().invoke(cli, [*ASK, *server])
    assert (done.exit_code, "no tokenizer is known for 'toy'" in done.output) == (2, True)


def test_sampling_reaches_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, Sampling]] = []

    generate = SimulatedEngine.generate

    async def listening(
        self: SimulatedEngine, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        asked.append((max_tokens, sampling))
        return await generate(self, prefix, max_tokens, sampling)

    monkeypatch.setattr(SimulatedEngine, "generate", listening)
    options = ["--top-p", "0.8", "--top-k", "20", "--temperature", "0.6", "--probe-tokens", "9"]
    assert CliRunner().invoke(cli, [*ASK, *options]).exit_code == 0
    drawn = [(each.temperature, each.top_p, each.top_k) for n, each in asked if n > 9]
    assert set(drawn) == {(0.6, 0.8, 20)}
    assert {each.temperature for n, each in asked if n == 9} == {0.0}
