"""Whatever a provider or a model does, a round ends as it should, and says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autotts_core.agent.llm import LLMError
from autotts_core.discovery.workbench import Workbench
from autotts_core.frontier import Frontier

from .conftest import BROKEN, GOOD, KEY, NARROW, WIRES, Bench, Serve, explorer, prices, submits

pytestmark = pytest.mark.parametrize(
    "wire", [pytest.param(w, marks=pytest.mark.slow if w == "openai" else ()) for w in WIRES]
)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 429, "retry_after": 0.02}, "answered 429: scripted. Asking again in 0.02 s"),
        ({"status": 529}, "answered 529: scripted. Asking again in"),
        ({"status": 503, "retry_after": 0}, "answered 503"),
        ({"cut": 3}, "broke off before the turn was over. Asking again"),
        ({"error": "overloaded_error"}, "The server said overloaded_error: scripted. Asking again"),
    ],
    ids=["429", "529", "503", "cut", "overloaded-in-stream"],
)
def test_a_turn_that_failed_is_asked_for_again(
    fault: dict[str, Any], said: str, wire: str, bench: Bench, serve: Serve
) -> None:
    if wire != "claude" and "error" in fault:
        fault, said = {"error": "server_error"}, said.replace("overloaded_error", "server_error")
    server = serve({"text": "x" * 400, **submits(GOOD), "faults": [fault, fault]})
    [proposal] = bench.propose(explorer(wire, server.url))
    assert proposal.source == GOOD
    assert [each.fault for each in server.asked] == [fault, fault, None]
    assert sum(said in line for line in bench.said) == 2
    assert "(attempt 2 of 8)" in "".join(bench.said)
    assert server.asked[0].body == server.asked[2].body


def test_a_turn_is_kept_before_what_it_asks_for_is_done(
    wire: str, bench: Bench, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(submits(NARROW))
    kept: list[Any] = []
    evaluate = Workbench.evaluate

    def evaluated(self: Workbench, source: str) -> Frontier:
        kept.append(self.kept("turn-1"))
        return evaluate(self, source)

    monkeypatch.setattr(Workbench, "evaluate", evaluated)
    bench.propose(explorer(wire, server.url))
    assert kept
    assert None not in kept


def test_a_server_that_stays_busy_ends_the_run_and_loses_nothing(
    wire: str, bench: Bench, serve: Serve
) -> None:
    busy = [{"status": 429, "retry_after": 0}] * 3
    server = serve(submits(BROKEN), {**submits(GOOD), "faults": busy})
    with pytest.raises(LLMError, match=r"turn 2: .*429.* Given up after 3 attempts"):
        bench.propose(explorer(wire, server.url, attempts=3))
    [proposal] = bench.propose(explorer(wire, server.url))
    assert proposal.source == GOOD
    assert server.bought == [(0, 0), (0, 1)]


def test_no_server_at_all(wire: str, bench: Bench, serve: Serve) -> None:
    with pytest.raises(LLMError, match=r"The connection to 127\.0\.0\.1 failed"):
        bench.propose(explorer(wire, "http://127.0.0.1:9", attempts=2))


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "Look at [A-Z]+_API_KEY in the environment"), (404, "Look at the model's name")],
)
def test_what_asking_again_does_not_help_ends_the_run(
    status: int, said: str, wire: str, bench: Bench, serve: Serve
) -> None:
    fault = {"status": status, "message": f"not with {KEY}"}
    server = serve({**submits(GOOD), "faults": [fault]})
    with pytest.raises(LLMError, match=said):
        bench.propose(explorer(wire, server.url))
    assert len(server.asked) == 1


def test_a_conversation_that_has_become_too_long_ends_the_round(
    wire: str, bench: Bench, serve: Serve
) -> None:
    evaluates = {"calls": [{"name": "evaluate", "arguments": {"source": NARROW}}]}
    too_long = {"status": 400, "message": "prompt is too long"}
    server = serve(evaluates, {**submits(GOOD), "faults": [too_long]})
    [proposal] = bench.propose(explorer(wire, server.url))
    assert proposal.source == NARROW
    assert "the server refused turn 2: The server answered 400: prompt is too long" in (
        proposal.rationale
    )
    assert any("nothing was submitted" in line for line in bench.said)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            {"name": "submit", "arguments": '{"source": "def sch'},
            "The arguments are no JSON object",
        ),
        ({"name": "submti", "arguments": {}}, "There is no tool 'submti'. Did you mean 'submit'"),
        (
            {"name": "episode", "arguments": {"of": 3, "store": "sim-small/sim"}},
            "Wrong arguments for episode: of: Input should be a valid string; question: Field",
        ),
        (
            {"name": "proposals", "arguments": "[1]"},
            "The arguments are no JSON object (they are [1])",
        ),
        ({"name": "frontier", "arguments": {"of": "7.7"}}, "There is no proposal or draft '7.7'"),
    ],
    ids=["truncated", "unknown", "types", "list", "no-such-proposal"],
)
def test_a_wrong_call_is_told_and_mended(
    call: dict[str, Any], said: str, wire: str, bench: Bench, serve: Serve
) -> None:
    server = serve({"calls": [call]}, submits(GOOD))
    [proposal] = bench.propose(explorer(wire, server.url))
    assert proposal.source == GOOD
    assert said in json.dumps(server.asked[1].body)
    assert any(f"{call['name']}: failed: " in line for line in bench.said)


def test_a_rejected_submission_is_mended(wire: str, bench: Bench, serve: Serve) -> None:
    server = serve(submits(BROKEN), submits(GOOD))
    [proposal] = bench.propose(explorer(wire, server.url))
    assert proposal.source == GOOD
    assert "Rejected: line 1: imports os" in json.dumps(server.asked[1].body)


def test_mending_is_bounded(wire: str, bench: Bench, serve: Serve) -> None:
    server = serve(submits(BROKEN))
    [proposal] = bench.propose(explorer(wire, server.url, mends=2))
    assert proposal.source == BROKEN
    assert len(server.asked) == 3
    assert "nothing was submitted, for 3 submissions were rejected" in bench.said[-1]


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ({"text": "I think and think", "stop": "length"}, "was cut off at its most tokens"),
        ({"text": "I will not", "stop": "refusal"}, "refused"),
        ({"text": ""}, "called no tool"),
        ({"text": "Let us talk of something else."}, "called no tool"),
    ],
    ids=["max-tokens", "refusal", "empty", "talk"],
)
def test_a_turn_without_a_call_is_answered(
    turn: dict[str, Any], said: str, wire: str, bench: Bench, serve: Serve
) -> None:
    server = serve(turn, submits(GOOD))
    [proposal] = bench.propose(explorer(wire, server.url))
    assert proposal.source == GOOD
    assert any(line == f"turn 1: it {said}" for line in bench.said)
    again = serve(turn)
    bench.run.path.rename(bench.run.path.with_name("before"))
    assert bench.propose(explorer(wire, again.url)) == []
    assert len(again.asked) == 3
    assert bench.said[-1].endswith(f"the model called no tool in 3 turns: last, it {said}.")


def test_an_endless_talker_ends_with_its_best_draft(wire: str, bench: Bench, serve: Serve) -> None:
    calls = [{"name": "evaluate", "arguments": {"source": each}} for each in (NARROW, GOOD)]
    server = serve({"calls": calls}, {"calls": [{"name": "proposals"}]})
    [proposal] = bench.propose(explorer(wire, server.url, turns=5))
    values = {each: bench.round().value(bench.round().evaluate(each)) for each in (NARROW, GOOD)}
    assert proposal.source == max(values, key=lambda each: values[each])
    assert proposal.rationale == ("The best of 2 drafts; not submitted, for its 5 turns were over.")
    assert len(server.asked) == 5


def test_a_call_after_submit_is_not_done(wire: str, bench: Bench, serve: Serve) -> None:
    after = {"name": "evaluate", "arguments": {"source": NARROW}}
    server = serve({"calls": [*submits(GOOD)["calls"], after]})
    [proposal] = bench.propose(explorer(wire, server.url))
    assert proposal.source == GOOD
    assert any("evaluate: failed: Not done: the round ended" in line for line in bench.said)
    assert len(server.asked) == 1


def test_usage_that_is_not_told_is_estimated(wire: str, bench: Bench, serve: Serve) -> None:
    server = serve({**submits(GOOD), "usage": None})
    [proposal] = bench.propose(explorer(wire, server.url))
    assert proposal.source == GOOD
    assert any("by an estimate" in line for line in bench.said)
    assert bench.run.dollars() > 0


def test_what_is_charged_is_usage_times_price(wire: str, bench: Bench, serve: Serve) -> None:
    usages = [
        {"input": 12_345, "cache_read": 67_890, "cache_write": 4_321, "output": 987},
        {"input": 1, "cache_read": 99_999, "cache_write": 0, "output": 16_000},
    ]
    server = serve(
        {"calls": [{"name": "task"}], "usage": usages[0]}, submits(GOOD) | {"usage": usages[1]}
    )
    bench.propose(explorer(wire, server.url), dollars=50)
    assert bench.run.dollars() == pytest.approx(server.dollars(prices(wire)), abs=1e-9)
    shown = [line for line in bench.said if "67,890 from cache, 4,321 written to it" in line]
    assert len(shown) == 1


def test_a_stream_that_breaks_off_is_paid_for_as_far_as_is_known(
    wire: str, bench: Bench, serve: Serve
) -> None:
    usage = {"input": 100_000, "cache_read": 0, "cache_write": 0, "output": 10}
    server = serve({"text": "x" * 400, **submits(GOOD), "usage": usage, "faults": [{"cut": 6}]})
    bench.propose(explorer(wire, server.url))
    # Only Anthropic tells of a turn's input before it has ended.
    broken = (100_000 * 4 + 1 * 20) / 1e6 if wire == "claude" else 0
    expected = server.dollars(prices(wire)) + broken
    assert bench.run.dollars() == pytest.approx(expected, abs=1e-9)
