"""`claude-code` with the real SDK and the real Claude Code, before a scripted Messages API."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from autotts_core.agent.llm import LLMError
from autotts_core.explorer import Explorer
from autotts_core.plugins import registry
from autotts_core.recipe.schema import Budget

from .conftest import BROKEN, GOOD, NARROW, Bench, Serve, submits

PRICES = {"input": 4.0, "cache_read": 0.2, "cache_write": 5.0, "output": 20.0}


def claude_code(**options: Any) -> Explorer:
    return registry().get("explorer", "claude-code").configure(options)


def named(turn: Mapping[str, Any]) -> dict[str, Any]:
    """A scripted turn whose tools are called as Claude Code knows them."""
    calls = [{**call, "name": f"mcp__autotts__{call['name']}"} for call in turn.get("calls", ())]
    return {**turn, "calls": calls}


def evaluates(source: str) -> dict[str, Any]:
    return {"calls": [{"name": "evaluate", "arguments": {"source": source}}]}


def test_without_the_sdk_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'autotts-claude[code]'" in (claude_code().lacks(Budget()) or "")


WITH_THE_SDK = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("claude_agent_sdk") is None,
        reason="Claude's agent SDK is not here: uv run --group claude-code pytest",
    ),
]


@pytest.fixture
def code(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Serve:
    """Starts a server that Claude Code talks to, with a configuration of its own."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")

    def start(*turns: Mapping[str, Any]) -> Any:
        server = serve(*map(named, turns))
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        return server

    return start


class TestSession:
    pytestmark = WITH_THE_SDK

    def test_it_reads_mends_and_submits(self, bench: Bench, code: Serve) -> None:
        usage = {"input": 700, "cache_read": 5000, "cache_write": 300, "output": 90}
        server = code(
            {"calls": [{"name": "task"}, {"name": "proposals"}], "usage": usage},
            evaluates(BROKEN),
            evaluates(NARROW),
            submits(BROKEN),
            submits(GOOD),
        )
        [proposal] = claude_code().propose(bench.round())
        assert (proposal.source, proposal.rationale) == (GOOD, "Reads more as β grows.")
        # With what was accepted the session ended: nothing was bought after it.
        assert server.bought == [(0, number) for number in range(5)]
        assert bench.run.dollars() == pytest.approx(server.dollars(PRICES), abs=1e-9)
        assert bench.said[0].startswith("claude-opus-5-5: a round of 25 turns is estimated at $")
        assert "evaluate: failed: line 1: imports os" in "\n".join(bench.said)
        assert '"kind": "ResultMessage"' in bench.transcript()
        tools = {tool["name"] for tool in server.asked[0].body["tools"]}
        assert "mcp__autotts__submit" in tools
        assert not tools & {"Bash", "Write", "Edit", "WebFetch", "Task"}

    def test_the_history_lies_in_its_directory_and_it_reads_nothing_else(
        self, bench: Bench, code: Serve
    ) -> None:
        scratch = bench.round().scratch
        stores = bench.stores[0].path / "manifest.json"
        server = code(submits(GOOD))
        server.script["conversations"][0].insert(
            0,
            {
                "calls": [
                    {"name": "Read", "arguments": {"file_path": str(path)}}
                    for path in (scratch / "baselines.txt", stores)
                ]
            },
        )
        list(claude_code().propose(bench.round()))
        blocks = server.asked[1].body["messages"][-1]["content"]
        results = [block for block in blocks if block["type"] == "tool_result"]
        results.sort(key=lambda block: block["tool_use_id"])
        texts = [json.dumps(block) for block in results]
        assert "self-consistency" in texts[0]
        assert '"is_error": true' in texts[1]

    def test_an_endless_talker_and_a_bound_on_mending(self, bench: Bench, code: Serve) -> None:
        server = code(evaluates(NARROW), {"calls": [{"name": "proposals"}]})
        [proposal] = claude_code(turns=4).propose(bench.round())
        assert proposal.source == NARROW
        assert "for its 4 turns were over" in proposal.rationale
        again = code(submits(BROKEN))
        bench.run.path.rename(bench.run.path.with_name("before"))
        [proposal] = claude_code(mends=1).propose(bench.round())
        assert proposal.source == BROKEN
        assert (len(server.asked), len(again.asked)) == (4, 2)

    def test_a_spent_budget(self, bench: Bench, code: Serve) -> None:
        usage = {"input": 400_000, "cache_read": 0, "cache_write": 0, "output": 100}
        code({**evaluates(NARROW), "usage": usage}, {**submits(GOOD), "usage": usage})
        [proposal] = claude_code().propose(bench.round(dollars=1.0))
        assert proposal.source == NARROW
        assert "the budget of dollars is spent" in proposal.rationale

    def test_a_server_that_refuses(self, bench: Bench, code: Serve) -> None:
        code({**submits(GOOD), "faults": [{"status": 400, "message": "not so"}] * 20})
        with pytest.raises(LLMError, match=r"Claude Code: .*not so"):
            list(claude_code().propose(bench.round()))

    def test_killed_it_goes_on_and_buys_nothing_twice(self, bench: Bench, code: Serve) -> None:
        server = code(
            evaluates(NARROW),
            {"text": "x" * 2000, "pause": 0.1, "calls": [{"name": "proposals"}]},
            submits(GOOD),
        )
        child = multiprocessing.get_context("fork").Process(target=_propose, args=(bench,))
        child.start()
        while len(server.asked) < 2 and child.is_alive():
            time.sleep(0.02)
        assert child.pid is not None
        # In the middle of the second turn, and Claude Code with it.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.join()
        [proposal] = claude_code().propose(bench.round())
        assert proposal.source == GOOD
        assert server.bought.count((0, 0)) == 1


def _propose(bench: Bench) -> None:
    os.setsid()
    list(claude_code().propose(bench.round()))
