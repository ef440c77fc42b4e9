"""`autotts solve` on the simulated engine."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from autotts_core.cli import cli

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
    late = [*ASK, "--seconds", "0.2", "--option", "seconds_per_token=0.01", "--json"]
    assert json.loads(CliRunner().invoke(cli, late).stdout)["stopped"] == "out of time"
    several = CliRunner().invoke(cli, [*ASK, "--controller", "asc:max_branches=1,2"])
    assert "is 2 controllers: name one" in several.output
    whole = [*ASK]
    whole[whole.index("simulated-engine")] = "simulated"
    assert "hands over whole traces" in CliRunner().invoke(cli, whole).output
