"""What the endpoints answer, and what they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from autotts_serve.api_keys import ApiKeys, load_api_keys
from autotts_serve.limits import Limits

from autotts_core.controller_spec import load_controllers
from autotts_core.errors import OptionError

from .conftest import ASK, HTTP, QUESTION, Served, Serving


def error(reply: httpx.Response) -> dict[str, Any]:
    """The error of a reply, which has the shape that clients know, and no more."""
    body = reply.json()
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert reply.headers["x-request-id"]
    found: dict[str, Any] = body["error"]
    return found


def test_a_chat_is_answered_and_its_usage_is_what_the_engine_generated(serve: Serving) -> None:
    with serve() as served:
        before = served.engine.tokens
        reply = served.post(model="toy@cmc:1", seed=3).json()
        choice, usage, told = reply["choices"][0], reply["usage"], reply["autotts"]
        assert (reply["object"], choice["finish_reason"]) == ("chat.completion", "stop")
        assert choice["message"]["content"] == "38"
        assert choice["message"]["reasoning_content"].endswith("Answer: 38\n")
        assert usage["completion_tokens"] == served.engine.tokens - before
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        branches = told["branches"]
        reasoned = sum(branch["tokens"] for branch in branches)
        assert usage["completion_tokens_details"] == {"reasoning_tokens": reasoned}
        probes = sum(branch["probe_tokens"] for branch in branches)
        assert probes == told["probe_tokens"] == usage["completion_tokens"] - reasoned > 0
        assert (told["controller"], told["beta"], told["seed"]) == ("cmc", 1.0, 3)
        assert any(branch["agrees"] for branch in branches)
        served.idle()


def test_the_same_seed_gives_the_same_answer_and_none_another(served: Served) -> None:
    told = [served.post(seed=seed).json()["autotts"] for seed in (7, 7, -1, None, None)]
    spent = [[branch["tokens"] for branch in each["branches"]] for each in told]
    assert spent[0] == spent[1]
    assert len({tuple(each) for each in spent}) == 4
    assert told[2]["seed"] == 2**32 - 1


def test_completions_continue_the_prompt_as_it_stands(served: Served) -> None:
    prompt = f"Question: {QUESTION}\nReasoning:"
    reply = served.post("completions", prompt=prompt, seed=1).json()
    assert reply["object"] == "text_completion"
    assert reply["choices"][0]["text"] == "38"
    assert reply["usage"]["prompt_tokens"] == len(prompt)
    for same in (list(prompt.encode()), [prompt], [list(prompt.encode())]):
        again = served.post("completions", prompt=same, seed=1).json()
        assert again["usage"] == reply["usage"]


def events(reply: httpx.Response) -> list[str]:
    assert reply.headers["content-type"].startswith("text/event-stream")
    return [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]


@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_a_stream_holds_what_the_whole_reply_holds(served: Served, path: str) -> None:
    given = {"seed": 5} if path.startswith("chat") else {"seed": 5, "prompt": "Reasoning:"}
    whole = served.post(path, **given).json()
    reply = served.post(path, **given, stream=True, stream_options={"include_usage": True})
    *chunks, done = events(reply)
    found = [json.loads(chunk) for chunk in chunks]
    assert done == "[DONE]"
    assert {each["id"] for each in found} == {found[0]["id"]}
    assert found[-1]["usage"] == whole["usage"]
    assert found[-1]["choices"] == []
    assert [each["usage"] for each in found[:-1]] == [None] * (len(found) - 1)
    assert found[-2]["choices"][0]["finish_reason"] == "stop"
    told = {key: value for key, value in found[-2]["autotts"].items() if key != "seconds"}
    assert told == {key: value for key, value in whole["autotts"].items() if key != "seconds"}
    pieces = [each["choices"][0] for each in found[:-1]]
    if path.startswith("chat"):
        assert pieces[0]["delta"] == {"role": "assistant", "content": ""}
        for key in ("content", "reasoning_content"):
            text = "".join(each["delta"].get(key, "") for each in pieces)
            assert text == whole["choices"][0]["message"][key] != ""
    else:
        assert "".join(each["text"] for each in pieces) == whole["choices"][0]["text"] != ""


def test_without_being_asked_a_stream_tells_no_usage(served: Served) -> None:
    assert all("usage" not in json.loads(each) for each in events(served.post(stream=True))[:-1])


@pytest.mark.parametrize(
    ("given", "controller", "beta"),
    [
        ({}, "self-consistency(branches=8)", 0.5),
        ({"model": "toy@cmc"}, "cmc", 0.5),
        ({"model": "toy@cmc:0"}, "cmc", 0.0),
        ({"model": "toy@asc:max_branches=4"}, "asc(max_branches=4)", 0.5),
        (
            {"model": "toy@asc:1:max_branches=4,threshold=0.9"},
            "asc(max_branches=4, threshold=0.9)",
            1.0,
        ),
        ({"autotts": {"controller": "cmc", "beta": 0.25}}, "cmc", 0.25),
        ({"autotts": {"controller": "esc:0.75:window=2"}}, "esc(window=2)", 0.75),
        ({"autotts": {"beta": 0}}, "self-consistency(branches=8)", 0.0),
        ({"model": "toy@self-consistency"}, "self-consistency(branches=8)", 0.5),
    ],
)
def test_which_controller_answers(
    served: Served, given: dict[str, Any], controller: str, beta: float
) -> None:
    reply = served.post(**given)
    assert reply.status_code == 200, reply.text
    told = reply.json()["autotts"]
    assert (told["controller"], told["beta"]) == (controller, beta)


MINE = """
def schedule(beta):
    return {}


def policy(episode, p):
    i = episode.read()
    return episode.answer(i)
"""


def test_models_are_listed_and_the_owners_own_controllers_with_them(
    serve: Serving, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    mine = load_controllers(f"{tmp_path}/mine.py")
    with serve(controllers=[*mine, *load_controllers("cmc")]) as served:
        found = HTTP.get(f"{served.url}/models").json()["data"]
        names = [each["id"] for each in found]
        assert names[0] == "toy"
        assert {"toy@mine", "toy@cmc", "toy@asc", "toy@brevity"} <= set(names)
        for name in (*names, "toy@cmc:0.5"):
            assert HTTP.get(f"{served.url}/models/{name}").json()["id"] == name
        assert len(served.post(model="toy@mine").json()["autotts"]["branches"]) == 1
        assert HTTP.get(f"{served.url}/models/else").status_code == 404
        told = error(served.post(model="toy@no-such"))["message"]
        assert re.search(r"no controller 'no-such'\. Known: .*\bmine\b", told)
        known = re.findall(r"[\w-]+", told.partition("Known:")[2])
        assert known == sorted(set(known))


HOSTILE = [
    "else", "", "toy@", "toy@@cmc", "toy@no-such", "toy@/etc/passwd", "toy@../mine.py",
    "toy@legacy:mine.py:Class", "legacy:mine.py:Class", "toy@mine.py:width=8", "toy@\x00\x1b[2J",
    "\u202etoy", "x" * 1_000_000, "toy@" + "x" * 1_000_000, "toy@cmc:" + "a=1," * 100_000,
    "../../etc/passwd", "toy@cmc/../x", "file:///etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("where", ["model", "controller"])
@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:30]))
def test_hostile_names_are_refused_and_touch_no_file(
    served: Served, name: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*_: Any, **__: Any) -> Any:
        raise AssertionError("a file was touched")

    monkeypatch.setattr("autotts_core.controller_spec.load_controller_file", touched)
    monkeypatch.setattr("autotts_core.controller_spec.load_legacy", touched)
    monkeypatch.setattr(Path, "open", touched)
    monkeypatch.setattr(Path, "read_text", touched)
    given = {"model": name} if where == "model" else {"autotts": {"controller": name}}
    reply = served.post(**given)
    assert reply.status_code in (400, 404)
    assert len(error(reply)["message"]) < 1000
    assert error(reply)["code"] in ("model_not_found", "invalid_value")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": "toy@cmc:2"}, "no key"),
        ({"model": "toy@cmc:1e-1"}, "no key"),
        ({"model": "toy@asc:max_branches=1,2"}, "several values"),
        ({"model": "toy@asc:max_branches=-1"}, "greater than 0"),
        ({"model": "toy@asc:no_such=1"}, "no option 'no_such'"),
        ({"model": "toy@self-consistency:branches=1000000000"}, "would be 1000000000"),
        ({"model": "toy@cmc", "autotts": {"controller": "asc"}}, "both name a controller"),
        ({"model": "toy@cmc:1", "autotts": {"beta": 1}}, "given twice"),
        ({"model": 3}, "'model'"),
        ({"autotts": {"beta": 2}}, "autotts.beta"),
        ({"autotts": {"seconds": 0}}, "autotts.seconds"),
        ({"autotts": {"budget": "9"}}, "autotts.budget"),
        ({"autotts": {"branches": 3}}, "Unrecognized request argument supplied: autotts.branches"),
        ({"no_such": 1}, "Unrecognized request argument supplied: no_such"),
        ({"n": 2}, "one answer"),
        ({"tools": [{"type": "function"}]}, "'tools' cannot be honoured"),
        ({"logprobs": True}, "'logprobs' cannot be honoured"),
        ({"stop": ["\n"]}, "'stop' cannot be honoured"),
        ({"response_format": {"type": "json_object"}}, "'response_format' cannot be honoured"),
        ({"frequency_penalty": 0.5}, "'frequency_penalty' cannot be honoured"),
        ({"reasoning_effort": "high"}, "autotts.beta says how much is spent"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"seed": "x"}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "Missing required parameter: 'messages.0.content'"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "only text"),
        ({"messages": [*ASK["messages"], {"role": "assistant", "content": "x"}]}, "must be the us"),
        ({"messages": [{"role": "system", "content": "x"}, *ASK["messages"]]}, "no place for"),
        ({"messages": [{"role": "user", "content": "x" * 1_100_000}]}, "The prompt has 1,100,"),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    served: Served, given: dict[str, Any], told: str
) -> None:
    for stream in ({}, {"stream": True}):
        reply = served.post(**(stream | given))
        assert reply.status_code == 400, reply.text[:500]
        assert told in error(reply)["message"]
        assert error(reply)["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("prompt", "told"), [(["a", "b"], "one prompt"), ([300], "a token id"), ([], "prompt"),
                         ([[]], "prompt"), ({}, "prompt"), ([-1], "a token id")]
)  # fmt: skip
def test_prompts_that_are_none(served: Served, prompt: Any, told: str) -> None:
    reply = served.post("completions", prompt=prompt)
    assert (reply.status_code, told in error(reply)["message"]) == (400, True), reply.text


def test_what_changes_nothing_is_passed_over(served: Served) -> None:
    harmless = {
        "n": 1, "stop": None, "tools": [], "logprobs": False, "user": "me", "metadata": {"a": "b"},
        "presence_penalty": 0, "response_format": {"type": "text"}, "store": False, "top_k": None,
        "logit_bias": None, "max_completion_tokens": 4000, "max_tokens": 10_000_000, "top_p": 1,
    }  # fmt: skip
    parts = [{"type": "text", "text": "What is 17 "}, {"type": "text", "text": "+ 25 - 4?"}]
    messages = [{"role": "user", "content": parts, "name": "me", "refusal": None}]
    asked = served.post(**harmless, messages=messages, seed=2).json()
    bare = served.post(seed=2).json()
    assert asked["choices"] == bare["choices"]
    assert asked["usage"] == bare["usage"]


def test_limits_of_a_request_hold_and_none_exceeds_the_servers(serve: Serving) -> None:
    with serve(limits=Limits(budget=1000)) as served:
        for budget in (500, None, 10**9):
            reply = served.post(model="toy@cmc:1", seed=1, autotts={"budget": budget}).json()
            assert reply["choices"][0]["finish_reason"] == "length"
            assert reply["autotts"]["stopped"] == "budget exhausted"
            # A branch that goes on within the budget ends its interval.
            assert reply["autotts"]["tokens"] <= min(budget or 1000, 1000) + 100
        short = served.post(max_completion_tokens=50, autotts={"budget": 10**9}).json()["autotts"]
        assert max(branch["tokens"] for branch in short["branches"]) == 50


def test_out_of_time_the_answer_so_far_is_the_answer(serve: Serving) -> None:
    with serve(controllers=load_controllers("cmc")) as served:
        served.engine.options = served.engine.Options(seconds_per_token=0.001)
        reply = served.post(autotts={"seconds": 0.5, "beta": 1}).json()
        assert reply["choices"][0]["finish_reason"] == "length"
        assert reply["choices"][0]["message"]["content"] != ""
        assert reply["autotts"]["stopped"] == "out of time"
        served.idle()


def test_the_reply_takes_the_form_that_the_owner_wants(serve: Serving) -> None:
    with serve(answer_form="The answer is \\boxed{{answer}}.") as served:
        assert served.post().json()["choices"][0]["message"]["content"] == (
            "The answer is \\boxed{38}."
        )
        # Where there is no answer, nothing is said.
        served.engine.options = served.engine.Options(seconds_per_token=1.0)
        none = served.post(autotts={"seconds": 0.01}).json()["choices"][0]
        assert none["message"]["content"] == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"[1]", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b'{"model": NaN}',
     b'{"model": "\\ud800"}', b"9" * 100_000],
    ids=lambda body: ascii(body[:12]),
)  # fmt: skip
def test_bodies_that_are_no_requests(served: Served, body: bytes) -> None:
    reply = HTTP.post(f"{served.url}/chat/completions", content=body)
    assert reply.status_code == 400
    assert error(reply)["type"] == "invalid_request_error"


def test_large_bodies_are_not_read(serve: Serving) -> None:
    with serve(limits=Limits(body_bytes=1000)) as served:
        large = {"content": b"x" * 1001}
        assert error(HTTP.post(f"{served.url}/completions", **large))["type"] == (
            "invalid_request_error"
        )

        def pieces() -> Any:
            yield from [b"x" * 600] * 2

        reply = HTTP.post(f"{served.url}/completions", content=pieces())
        assert (reply.status_code, "1,000 bytes" in error(reply)["message"]) == (413, True)


def test_other_places(served: Served) -> None:
    base = served.url.removesuffix("/v1")
    assert error(HTTP.get(f"{base}/v1/nothing"))["message"] == "Not Found: GET /v1/nothing"
    assert HTTP.get(f"{base}/v1/chat/completions").status_code == 405
    assert HTTP.get(f"{base}/health").json() == {"status": "ok"}
    served.post()
    text = HTTP.get(f"{base}/metrics").text
    assert 'autotts_requests_total{endpoint="chat",outcome="answered"}' in text
    assert 'autotts_request_duration_seconds_bucket{controller="self-consistency",le="' in text
    assert "autotts_requests_running 0.0" in text


def test_keys(serve: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").write_text("# of the team\nsk-one\n\nsk-two\n")
    with serve(keys=load_api_keys(tmp_path / "keys")) as served:
        for shown in ("", "Bearer sk-on", "Bearer sk-one2", "sk-one", "Basic sk-one", "Bearer"):
            reply = HTTP.get(f"{served.url}/models", headers={"authorization": shown})
            assert (reply.status_code, error(reply)["code"]) == (401, "invalid_api_key")
        for key in ("sk-one", "sk-two"):
            headers = {"authorization": f"Bearer {key}"}
            assert HTTP.get(f"{served.url}/models", headers=headers).status_code == 200
        assert HTTP.get(served.url.replace("/v1", "/health")).status_code == 200
    monkeypatch.setenv("AUTOTTS_API_KEYS", "sk-three sk-four")
    assert load_api_keys(None).admits("bearer sk-four")
    assert not load_api_keys(None).admits("bearer sk-one")
    assert ApiKeys([]).admits(None)
    (tmp_path / "keys").write_text("# none\n")
    with pytest.raises(OptionError, match="holds no key"):
        load_api_keys(tmp_path / "keys")
    with pytest.raises(OptionError, match="cannot be read"):
        load_api_keys(tmp_path / "nowhere")
