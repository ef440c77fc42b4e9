"""Live commands in front of a server: what fails is left, and goes on wherever the server is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from autotts_sim.engine import SimulatedEngine
from click.testing import CliRunner, Result

from autotts_core.cli import cli

FORM = ["--benchmark-option", "form=completion"]
CONTROLLER = ["--controller", "parallel-probe:branches=4"]


def at(server: Any) -> list[str]:
    tokenizer = SimulatedEngine.configure({}).tokenizer("toy")
    return [
        "--backend", "openai-compatible", "--option", f"base_url={server.url}",
        "--option", f"tokenizer={tokenizer}",
    ]  # fmt: skip


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def sums_asked(server: Any) -> set[str]:
    """The questions that the server was asked, by the last one in each prompt."""
    prompts = (bytes(body["prompt"]).decode() for body in server.asked)
    return {text.rpartition("What is ")[2].partition("?")[0] for text in prompts if "What" in text}


def test_a_question_that_fails_is_asked_again_elsewhere_and_no_other(
    server: Any, another_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autotts_core.retrying_engine._FIRST_WAIT", 0.0)
    reply = server.reply

    def failing(body: dict[str, Any], loop: Any) -> dict[str, Any]:
        return {"choices": []} if b"5 * 6" in bytes(body["prompt"]) else reply(body, loop)

    monkeypatch.setattr(server, "reply", failing)
    questions, out = tmp_path / "questions.txt", tmp_path / "answers.jsonl"
    questions.write_text("What is 3 + 4?\nWhat is 5 * 6?\nWhat is 9 - 2?\n")
    command = [
        "solve", "--questions", str(questions), "--out", str(out), "--model", "toy",
        "--benchmark", "arithmetic", *FORM, *CONTROLLER, "--interval", "100",
        "--max-tokens", "3000",
    ]  # fmt: skip
    first = invoke(*command, *at(server))
    assert first.exit_code == 1, first.output
    assert "Question 1 failed" in first.output
    assert "answers without one choice" in first.output
    assert "1 of 3 questions has no answer" in first.output
    assert sums_asked(server) == {"3 + 4", "5 * 6", "9 - 2"}
    second = invoke(*command, *at(another_server))
    assert second.exit_code == 0, second.output
    assert sums_asked(another_server) == {"5 * 6"}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert {row["id"] for row in rows} == {"0", "1", "2"}
    assert all(row["cached_tokens"] > row["prompt_tokens"] / 2 for row in rows)


@pytest.mark.parametrize("bare", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_store_is_verified_over_http(server: Any, tmp_path: Path, bare: bool) -> None:
    server.bare = bare
    done = invoke(
        "collect", "toy", "arithmetic", *FORM, "--benchmark-option", "questions=3",
        "--out", str(tmp_path), "--branches", "4", "--interval", "100", "--max-tokens", "3000",
        *at(server),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    done = invoke(
        "verify-live", "--traces", str(tmp_path), *FORM, *CONTROLLER, "--replay-seeds", "20",
        "--json", *at(server),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["agrees"], found["differences"]) == (True, [])
    assert ("does without counts of cached tokens" in done.stderr) == bare
    assert (found["gap"]["computed_again"] is None) == bare
