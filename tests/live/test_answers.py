"""Files of answers: gone on with after a kill, never mixed, never overwritten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from autotts_core.cli import cli
from autotts_core.live.journal import answer_journal

OPTIONS = [
    "--model", "toy", "--backend", "simulated-engine", "--benchmark", "arithmetic",
    "--benchmark-option", "form=completion", "--benchmark-option", "questions=12",
    "--controller", "self-consistency:branches=8", "--interval", "100", "--max-tokens", "4000",
]  # fmt: skip


def solve(out: Path, *more: str) -> Result:
    return CliRunner().invoke(cli, ["solve", *OPTIONS, "--out", str(out), *more])


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def lasting(path: Path) -> dict[str, Any]:
    """What does not hang on the clock, and on what the engine's cache held, by question."""
    passing = ("seconds", "cached_tokens")
    return {row["id"]: {key: row[key] for key in row if key not in passing} for row in rows(path)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "answers.jsonl"
    done = solve(out, "--benchmark-questions")
    assert done.exit_code == 0, done.output
    return out


def test_each_question_has_a_line_and_its_grade(whole: Path) -> None:
    found = rows(whole)
    assert sorted(int(row["id"]) for row in found) == list(range(12))
    for row in found:
        assert row["right"] == (row["answer"] == row["gold_answer"])
        assert row["tokens"] == sum(branch["tokens"] for branch in row["branches"])
        assert row["settings"]["controller"] == "self-consistency(branches=8)"
    assert any(row["right"] for row in found)
    done = solve(whole, "--benchmark-questions", "--json")
    told = json.loads(done.stdout)
    assert (told["questions"], told["answered"]) == (12, 12)
    assert told["right %"] == round(100 * sum(row["right"] for row in found) / 12, 1)


def test_killed_it_goes_on_and_asks_nothing_twice(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    command = [sys.executable, "-m", "autotts_core", "solve", *OPTIONS, "--benchmark-questions"]
    command += ["--out", str(out), "--at-once", "3", "--option", "seconds_per_token=0.0002"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (out.exists() and out.read_bytes().count(b"\n")):
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    kept = out.read_bytes()
    assert 1 <= kept.count(b"\n") < 12
    # Killed in the middle of a line.
    with out.open("ab") as file:
        file.write(whole.read_bytes()[:100])
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(kept)
    settings = {"backend_options": None}
    for row in (*(expected := lasting(whole)).values(), *(found := lasting(out)).values()):
        row["settings"] |= settings
    assert len(rows(out)) == 12
    assert found == expected


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (["--beta", "0.7"], "beta was 0.5 and is 0.7"),
        (["--seed", "1"], "seed was 0 and is 1"),
        (["--budget", "100"], "budget was None and is 100"),
        (["--top-p", "0.9"], "top_p was 1.0 and is 0.9"),
        (["--option", "right=0.2"], "backend_options was"),
        (["--controller", "asc"], "controller was 'self-consistency(branches=8)' and is 'asc'"),
    ],
)
def test_other_settings_are_refused_by_name(whole: Path, changed: list[str], told: str) -> None:
    before = whole.read_bytes()
    done = solve(whole, "--benchmark-questions", *changed)
    assert (done.exit_code, told in done.output) == (2, True), done.output
    assert whole.read_bytes() == before


def test_an_id_that_stood_for_another_question_is_refused(tmp_path: Path) -> None:
    questions, out = tmp_path / "questions.txt", tmp_path / "answers.jsonl"
    questions.write_text("What is 3 + 4?\n")
    assert solve(out, "--questions", str(questions)).exit_code == 0
    questions.write_text("What is 3 + 5?\n")
    done = solve(out, "--questions", str(questions))
    assert "question '0' was 'What is 3 + 4?'" in done.output
    assert done.exit_code == 2


def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    for content in ("my notes", '{"id": 1, "question": "?"}\n', "a\nb\n"):
        out = tmp_path / "notes.jsonl"
        out.write_text(content)
        done = solve(out, "--benchmark-questions")
        assert done.exit_code == 2
        assert "answer" in done.output
        assert out.read_text() == content


def test_one_process_at_a_time(tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    with answer_journal(out, {}):
        done = solve(out, "--benchmark-questions")
    assert "another process is writing answers there" in done.output


def test_what_fails_is_told_and_left_for_the_next_run(tmp_path: Path) -> None:
    questions, out = tmp_path / "questions.txt", tmp_path / "answers.jsonl"
    # Beside such branches the second is too long for the engine's context of a million tokens.
    questions.write_text(f"What is 3 + 4?\n{'1 + ' * 300}1?\nWhat is 3 + 5?\n")
    for _ in range(2):
        done = solve(out, "--questions", str(questions), "--max-tokens", "999000")
        assert done.exit_code == 1, done.output
        assert "Question 1 failed: toy: its context of 1,000,000 tokens is too short" in done.output
        assert "1 of 3 questions has no answer" in done.output
        assert {row["id"]: row["answer"] for row in rows(out)} == {"0": "7", "2": "8"}


def test_where_the_engine_has_gone_the_rest_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autotts_core.retrying_engine._FIRST_WAIT", 0.0)
    out = tmp_path / "answers.jsonl"
    done = solve(out, "--benchmark-questions", "--at-once", "2", "--option", "failures=0.999")
    assert done.exit_code == 1
    assert "12 of 12 questions have no answer" in done.output
    assert 2 <= done.output.count("failed: overloaded") <= 3
