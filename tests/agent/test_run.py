"""Two rounds of an agent through `autotts run`, with the real SDKs over real HTTP."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from autotts_core.agent.scripted_server import ScriptedServer, serving

from .conftest import BROKEN, KEY, NARROW, WIRES, prices, submits

RECIPE = """\
stores:
  - {stores}
search: ["*/{search}"]
held_out: ["*/{held_out}"]
explorer: {explorer}
rounds: 2
betas: [0, 0.5, 1]
seeds: 4
baselines: ["self-consistency:branches=1,16", "asc:max_branches=16"]
selection: {{folds: 2}}
budget: {{dollars: 5}}
"""
SIMULATED = (
    "{backend: simulated, models: [sim-small, sim-large], benchmarks: [sim, other], "
    "branches: 16, options: {questions: 5}}"
)
EXPLORERS = {
    "claude": "{{name: claude, options: {{base_url: '{url}'}}}}",
    "openai": "{{name: openai, options: {{base_url: '{url}/v1'}}}}",
    "chat": "{{name: openai, options: {{base_url: '{url}/v1', api: chat}}}}",
}

SURE = '''\
"""Read branches until the vote is sure."""

INCREASING = ("most", "sure")


def schedule(beta):
    return {"most": 1 + round(15 * beta), "sure": 0.8 + 0.19 * beta}


def policy(episode, p):
    votes = episode.tally()
    for _ in range(p.most):
        i = episode.read()
        if i < 0:
            break
        votes.add(episode.answer(i))
        if votes.confidence() > p.sure:
            return votes.leader()  # sure enough
    return votes.leader()  # read enough
'''


def evaluates(source: str) -> dict[str, Any]:
    return {"calls": [{"name": "evaluate", "arguments": {"source": source}}]}


def reads(*names: str, **arguments: Any) -> dict[str, Any]:
    return {"calls": [{"name": name, "arguments": arguments} for name in names]}


SCRIPT = {
    "conversations": [
        [
            {
                "thinking": "What is there?",
                "text": "I look at what there is.",
                **reads("task", "control_space", "voting_reference", "proposals"),
                "usage": {"input": 800, "cache_read": 0, "cache_write": 6000, "output": 120},
            },
            evaluates(BROKEN),
            {**evaluates(NARROW), "usage": {"input": 9, "cache_read": 7000, "output": 900}},
            reads("questions", of="draft-1", filter="lost"),
            submits(NARROW, "Reads few branches.\n\nMore of them as β grows."),
        ],
        [
            reads("proposal", "digest", "frontier", of="1.1"),
            submits(SURE, "Stops when it is sure."),
        ],
    ]
}


def environment() -> dict[str, str]:
    return {**os.environ, "ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": KEY}


def autotts(where: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autotts_core", *map(str, arguments)],
        cwd=where,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=500,
    )


def write_recipe(tmp_path: Path, wire: str, url: str, **parts: str) -> Path:
    path = tmp_path / "agent.yaml"
    given = {"stores": SIMULATED, "search": "sim", "held_out": "other", **parts}
    path.write_text(RECIPE.format(explorer=EXPLORERS[wire].format(url=url), **given))
    return path


def files_with(text: str, folder: Path) -> list[Path]:
    return [
        path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize(
    "wire", [pytest.param(w, marks=() if w == "claude" else pytest.mark.slow) for w in WIRES]
)
def test_two_rounds(wire: str, tmp_path: Path) -> None:
    with serving(ScriptedServer(SCRIPT)) as server:
        recipe = write_recipe(tmp_path, wire, server.url)
        done = autotts(tmp_path, "run", recipe, "--out", "run")
        assert done.returncode == 0, done.stderr
        paid = server.dollars(prices(wire))
        assert server.bought == [(0, k) for k in range(5)] + [(1, 0), (1, 1)]
        # A finished run asks nothing again.
        assert autotts(tmp_path, "run", recipe, "--out", "run").returncode == 0
        assert len(server.asked) == 7
    told = json.loads(autotts(tmp_path, "show", "run", "--json").stdout)
    assert [each["entry"] for each in told["trajectory"]] == ["1.1", "2.1"]
    assert told["trajectory"][0]["rationale"].startswith("Reads few branches.")
    values = told["selection"]["values"]
    assert told["selection"]["selected"] == max(values, key=lambda name: values[name])
    assert told["dollars"] == pytest.approx(paid, abs=1e-9)
    assert f"Paid for exploring: ${paid:.2f}" in done.stdout
    assert "evaluate: failed: line 1: imports os" in done.stderr
    assert "turn 2: submit: Accepted: value" in done.stderr
    source = (tmp_path / "run" / "selected.py").read_text()
    assert source == {"1.1": NARROW, "2.1": SURE}[told["selection"]["selected"]]
    # The evidence is of the search set alone.
    assert files_with("sim-small/other", tmp_path / "run" / "rounds") == []
    assert b"sim-small/other" not in b"".join(json.dumps(a.body).encode() for a in server.asked)


def test_keys_are_in_nothing_that_is_written(tmp_path: Path) -> None:
    # A server that repeats the key, in an error and in what the model says.
    turn = {"text": f"The key is {KEY}.", **submits(NARROW, f"With {KEY}.")}
    faults = [{"status": 500, "message": f"{KEY} is not liked", "retry_after": 0}]
    refused = [{"status": 401, "message": f"no {KEY}"}]
    script = {"conversations": [[{**turn, "faults": faults}], [{**turn, "faults": refused}]]}
    with serving(ScriptedServer(script)) as server:
        recipe = write_recipe(tmp_path, "claude", server.url)
        done = autotts(tmp_path, "run", recipe, "--out", "run")
        assert done.returncode == 2
        assert all(KEY in str(asked.headers) for asked in server.asked)
    assert "The server answered 401: no [ANTHROPIC_API_KEY]" in done.stderr
    assert KEY not in done.stdout + done.stderr
    assert files_with(KEY, tmp_path) == []
    assert files_with("[ANTHROPIC_API_KEY]", tmp_path / "run")


@pytest.mark.slow
def test_killed_in_a_paid_round_nothing_is_bought_twice(tmp_path: Path) -> None:
    slow_turns = [[{**turn, "pause": 0.02} for turn in turns] for turns in SCRIPT["conversations"]]
    rng = random.Random(0)
    with serving(ScriptedServer({"conversations": slow_turns})) as server:
        recipe = write_recipe(tmp_path, "claude", server.url)
        run = tmp_path / "run"
        command = [sys.executable, "-m", "autotts_core", "run", str(recipe), "--out", "run"]
        kept: set[tuple[int, int]] = set()
        kills = 0
        while not (run / "results.json").exists():
            asked_before = len(server.asked)
            with subprocess.Popen(
                command,
                cwd=tmp_path,
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as process:
                # The first second or two go by before anything is asked.
                began = time.monotonic()
                while len(server.asked) == asked_before and process.poll() is None:
                    if time.monotonic() - began > 120:
                        break
                    time.sleep(0.01)
                try:
                    process.wait(timeout=rng.uniform(0, 1.5) if kills < 8 else 300)
                except subprocess.TimeoutExpired:
                    os.kill(process.pid, signal.SIGKILL)
                    kills += 1
            asked = [(each.conversation, each.turn) for each in server.asked[asked_before:]]
            # Once a turn is on disk, it is never asked for again.
            assert not kept & set(asked)
            kept = {
                (int(path.parts[-3]) - 1, int(path.stem.removeprefix("turn-")) - 1)
                for path in run.glob("rounds/*/journal/turn-*.json")
            }
            # All that can be lost is the turn that was still on its way.
            assert set(asked[:-1]) <= kept
    assert kills >= 4
    found = json.loads((run / "results.json").read_text())
    assert sorted(found["selection"]["values"]) == ["1.1", "2.1"]


@pytest.mark.slow
def test_on_the_published_traces(tmp_path: Path, shared_traces: Path) -> None:
    traces = shared_traces / "traces"
    imported = autotts(tmp_path, "traces", "import", "autotts-json", traces, "--out", "all")
    assert imported.returncode == 0, imported.stderr
    with serving(ScriptedServer(SCRIPT)) as server:
        recipe = write_recipe(
            tmp_path, "openai", server.url, stores="{path: all}", search="aime24", held_out="aime25"
        )
        done = autotts(tmp_path, "run", recipe, "--out", "run")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    assert sorted(found["selection"]["values"]) == ["1.1", "2.1"]
    assert len(found["held_out"]["stores"]) == 4
    assert found["gain"]["held_out"]["low"] < found["gain"]["held_out"]["high"]
