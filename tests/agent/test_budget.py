"""Money and time are hard limits, known before they are spent."""

from __future__ import annotations

import pytest

from autotts_core.agent.llm import Usage
from autotts_core.agent.pricing import Price, PriceTable
from autotts_core.plugins import registry
from autotts_core.recipe.schema import Budget

from .conftest import GOOD, NARROW, WIRES, Bench, Serve, explorer, submits

EVALUATES = {"calls": [{"name": "evaluate", "arguments": {"source": NARROW}}]}


@pytest.mark.parametrize("wire", WIRES)
def test_a_turn_has_the_room_that_the_budget_leaves(wire: str, bench: Bench, serve: Serve) -> None:
    server = serve(EVALUATES, submits(GOOD))
    price = {"input": 0, "output": 1000}
    bench.propose(explorer(wire, server.url, price=price, max_tokens=8000), dollars=6.0)
    key = {"claude": "max_tokens", "openai": "max_output_tokens", "chat": "max_completion_tokens"}
    # The first turn's hundred tokens have cost ten cents.
    assert [each.body[key[wire]] for each in server.asked] == [6000, 5900]


@pytest.mark.parametrize("wire", WIRES)
def test_a_spent_budget_ends_the_round_with_the_best_draft(
    wire: str, bench: Bench, serve: Serve
) -> None:
    usage = {"input": 29_000, "cache_read": 0, "cache_write": 0, "output": 100}
    server = serve({**EVALUATES, "usage": usage}, submits(GOOD))
    price = {"input": 1000, "output": 1}
    [proposal] = bench.propose(explorer(wire, server.url, price=price), dollars=30.0)
    assert proposal.source == NARROW
    assert "that are left do not buy another turn" in proposal.rationale
    assert len(server.asked) == 1
    assert bench.run.dollars() <= 30.0


def test_time_that_is_up_ends_the_round(bench: Bench, serve: Serve) -> None:
    server = serve(EVALUATES, {**submits(GOOD), "text": "x" * 4000, "pause": 0.05})
    [proposal] = bench.propose(explorer("claude", server.url), seconds=2.0)
    assert proposal.source == NARROW
    assert "the budget of seconds is spent" in proposal.rationale


def test_waiting_is_not_begun_where_it_would_not_end_in_time(bench: Bench, serve: Serve) -> None:
    fault = {"status": 429, "retry_after": 3600}
    server = serve({**submits(GOOD), "faults": [fault]})
    assert bench.propose(explorer("claude", server.url), seconds=60.0) == []
    assert "It would be asked again in 3600 s" in bench.said[-1]


def test_an_estimate_comes_before_the_first_call(bench: Bench, serve: Serve) -> None:
    server = serve(submits(GOOD))
    bench.propose(explorer("claude", server.url), dollars=7.0)
    assert bench.said[0].startswith("claude-opus-5-5: a round of 25 turns is estimated at $")
    assert bench.said[0].endswith("the limit is $7.00.")


def test_an_unknown_model_is_counted_and_not_priced(bench: Bench, serve: Serve) -> None:
    server = serve(submits(GOOD))
    bench.propose(explorer("chat", server.url, model="my-own"))
    assert bench.said[0] == "my-own: price unknown, tokens are counted; no limit is set."
    assert "1,000 tokens in, 100 out, price unknown" in bench.said[1]
    assert bench.run.dollars() == 0


def test_what_is_lacking_is_told_before_a_run_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    claude = registry().get("explorer", "claude")
    openai = registry().get("explorer", "openai")
    assert claude.configure({}).lacks(Budget(dollars=1)) is None
    unpriced = claude.configure({"model": "my-own"})
    assert unpriced.lacks(Budget()) is None
    assert "give explorer.options.price" in (unpriced.lacks(Budget(dollars=1)) or "")
    assert "no-such: " in (claude.configure({"brief": "no-such"}).lacks(Budget()) or "")
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name)
    assert "ANTHROPIC_API_KEY is not set" in (claude.configure({}).lacks(Budget()) or "")
    assert "OPENAI_API_KEY is not set" in (openai.configure({}).lacks(Budget()) or "")
    assert openai.configure({"base_url": "http://127.0.0.1:1/v1"}).lacks(Budget()) is None


def test_prices() -> None:
    table = PriceTable.parse(
        "as_of: 2026-01-02\nsource: x\nmodels:\n  m: {input: 2, output: 10, cache_read: 0.5}\n"
    )
    price = table.price("m")
    assert price is not None
    assert table.price("m-20260101") == table.price("m-2026-01-01") == price
    assert table.price("m-large") is None
    usage = Usage(input=1_000_000, cache_read=2_000_000, cache_write=1_000_000, output=100_000)
    assert price.dollars(usage) == 2 + 1 + 2 + 1
    assert Price(input=1, output=1).dollars(Usage(cache_read=1_000_000)) == 1
