"""Collection, live runs and an explorer on real engines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autotts_core.store import ReplayStore, check_store

from .conftest import (
    HERE,
    SGLANG,
    SGLANG_ARGUMENTS,
    VLLM,
    EngineServer,
    python,
    running,
    sglang_server,
    vllm_server,
)

SMALL = ["--branches", "6", "--interval", "40", "--max-tokens", "400", "--probe-tokens", "8"]
QUESTIONS = ["--benchmark-option", "questions=3", "--benchmark-option", "form=completion"]


@dataclass(frozen=True)
class Backend:
    """How to reach an engine: the backend's name and options, and where the command runs."""

    name: str
    options: Mapping[str, str]
    block: int
    """Tokens of a block of the engine's prefix cache."""
    interpreter: str = sys.executable
    environment: Mapping[str, str] | None = None
    server: EngineServer | None = None

    def command(self, *arguments: object) -> list[str]:
        given = [part for pair in self.options.items() for part in ("--option", "=".join(pair))]
        told = [str(each) for each in arguments]
        return [self.interpreter, "-m", "autotts_core", *told, "--backend", self.name, *given]

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env={**os.environ, **(self.environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: object) -> str:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err[-3000:]
        return out


ENGINES = ("vllm-server", "sglang-server", "vllm", "sglang")
"""Servers that are there, and engines that the backend starts itself."""


@pytest.fixture(scope="module")
def backend(
    request: pytest.FixtureRequest, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """One of `ENGINES`; a server runs for as long as its tests do."""
    log = tmp_path_factory.mktemp("engine") / "log"
    if request.param == "vllm-server":
        with running(vllm_server(model, log)) as server:
            options = {"base_url": f"{server.url}/v1"}
            yield Backend("openai-compatible", options, 128, server=server)
    elif request.param == "sglang-server":
        with running(sglang_server(model, log)) as server:
            options = {"base_url": server.url, "timeout": "20"}
            yield Backend("sglang", options, 1, server=server)
    elif request.param == "vllm":
        arguments = {"enforce_eager": True, "dtype": "float32", "max_model_len": 2048}
        options = {"engine_args": json.dumps(arguments)}
        yield Backend("vllm", options, 128, python("vllm"), VLLM)
    else:
        options = {"python": python("sglang"), "arguments": SGLANG_ARGUMENTS}
        yield Backend("sglang", options, 1, sys.executable, SGLANG)


def on(*engines: str) -> pytest.MarkDecorator:
    """Run a test on these of `ENGINES`."""
    return pytest.mark.parametrize("backend", engines, indirect=True, scope="module")


@on(*ENGINES)
def test_intervals_are_one_long_generation_on_a_hot_prefix(backend: Backend, model: Path) -> None:
    done = subprocess.run(
        [backend.interpreter, HERE / "greedy.py", model, backend.name, json.dumps(backend.options)],
        env={**os.environ, **(backend.environment or {})},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["same"]
    assert found["text"]
    assert found["tokens"] == found["logprobs"] > 0
    # A block that is not full is computed again, and the last token always is.
    assert max(found["computed_again"]) <= backend.block
    print(backend.name, found)


@on("vllm-server", "sglang-server", "vllm")
def test_a_killed_collector_goes_on(backend: Backend, model: Path, tmp_path: Path) -> None:
    wanted = ["collect", model, "arithmetic", "--out", tmp_path, *SMALL, *QUESTIONS]
    with backend.start(*wanted, "--at-once", "2") as process:
        wait_for(lambda: len(kept(tmp_path)) >= 3, process)
        os.killpg(process.pid, signal.SIGKILL)
    before = kept(tmp_path)
    assert 3 <= len(before) < 18
    told = json.loads(backend.run(*wanted, "--at-once", "2", "--json"))
    store = ReplayStore.open(Path(told["store"]))
    assert check_store(store.path) == []
    traces = store.load()
    assert len(traces.branch_tokens) == 18
    # What was finished is as it was; and only the rest was sampled.
    for (question, branch), tokens in before.items():
        assert traces.branch_tokens[question * 6 + branch] == tokens
    assert told["tokens"] == sum(traces.branch_tokens.tolist()) - sum(before.values())
    assert told["prefix from cache %"] > 30


@on("sglang")
def test_a_killed_collector_takes_its_server_along(
    backend: Backend, model: Path, tmp_path: Path
) -> None:
    wanted = ["collect", model, "arithmetic", "--out", tmp_path, *SMALL, *QUESTIONS]
    with backend.start(*wanted) as process:
        wait_for(lambda: len(kept(tmp_path)) >= 1, process)
        started = descendants(process.pid)
        assert len(started) >= 3
        os.kill(process.pid, signal.SIGKILL)
    end = time.monotonic() + 60
    while any(alive(pid) for pid in started):
        assert time.monotonic() < end, started
        time.sleep(0.1)


@on("sglang-server")
def test_a_killed_server_ends_a_collection_that_goes_on(
    backend: Backend, model: Path, tmp_path: Path
) -> None:
    server = backend.server
    assert server is not None
    wanted = ["collect", model, "arithmetic", "--out", tmp_path, *SMALL, *QUESTIONS]
    with backend.start(*wanted, "--at-once", "2") as process:
        wait_for(lambda: len(kept(tmp_path)) >= 2, process)
        server.stop(signal.SIGKILL)
        before = kept(tmp_path)
        # It asks again for a while, in which the server may come back.
        server.start()
        _, err = process.communicate(timeout=400)
    if process.returncode:
        assert "cannot be reached" in err
        backend.run(*wanted, "--at-once", "2")
    [store] = tmp_path.rglob("manifest.json")
    traces = ReplayStore.open(store.parent).load()
    for (question, branch), tokens in before.items():
        assert traces.branch_tokens[question * 6 + branch] == tokens


@on("vllm-server")
def test_from_a_real_engine_to_a_report(backend: Backend, model: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "real.yaml"
    stores = {
        "backend": backend.name,
        "options": backend.options,
        "models": [str(model)],
        "benchmark_options": {"questions": 3, "form": "completion"},
        "branches": 6,
        "interval_tokens": 40,
        "sampling": {"max_tokens": 200, "probe_tokens": 8},
    }
    recipe.write_text(
        json.dumps(
            {
                "stores": [{**stores, "benchmarks": ["arithmetic"]}],
                "search": ["*/arithmetic"],
                "explorer": {
                    "name": "random-search",
                    "options": {"candidates": 8, "structures": 1, "evaluations": 4},
                },
                "rounds": 1,
                "betas": [0, 1],
                "seeds": 4,
                "baselines": ["self-consistency:branches=1,4"],
                "selection": {"folds": 2},
            }
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "autotts_core", "run", recipe, "--out", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "run" / "report.html").stat().st_size > 1_000_000


@on("vllm-server", "sglang-server")
def test_solve(backend: Backend, model: Path) -> None:
    told: dict[str, Any] = json.loads(
        backend.run(
            *("solve", "What is 2 + 2?", "--model", model, "--benchmark", "arithmetic"),
            *("--benchmark-option", "form=completion", "--interval", 40, "--max-tokens", 200),
            *("--branches", 8, "--controller", "cmc", "--json"),
        )
    )
    assert told["tokens"] > 0
    assert told["stopped"]


GARBAGE = """\
stores:
  - {{backend: simulated, models: [sim-small], benchmarks: [sim], branches: 16,
      options: {{questions: 4}}}}
search: ["*/sim"]
explorer:
  name: openai
  options:
    api: chat
    model: {model}
    base_url: {url}
    price: {{input: 0, output: 0}}
    tool_choice: required
    max_tokens: 300
    turns: 6
rounds: 2
betas: [0, 1]
seeds: 4
baselines: ["self-consistency:branches=1,16"]
selection: {{folds: 2}}
"""


@on("vllm-server")
def test_an_explorer_that_talks_garbage_is_told_why(
    backend: Backend, model: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "garbage.yaml"
    recipe.write_text(GARBAGE.format(model=model, url=backend.options["base_url"]))
    done = subprocess.run(
        [sys.executable, "-m", "autotts_core", "run", recipe, "--out", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Nothing was selected" in done.stdout
    assert "self-consistency(branches=16)" in done.stdout
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    said = [event["text"] for event in map(json.loads, lines) if event["event"] == "explorer"]
    assert sum("from cache" in line for line in said) >= 4
    assert any("failed: " in line for line in said)
    assert sum("nothing was submitted" in line for line in said) == 2


def descendants(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            found += [child, *descendants(child)]
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def kept(folder: Path) -> dict[tuple[int, int], int]:
    """The tokens of every finished branch of a collection under way, by question and branch."""
    found = {}
    for path in folder.rglob(".*.collecting/*.jsonl"):
        content = path.read_bytes()
        for line in content[: content.rfind(b"\n") + 1].splitlines():
            branch = json.loads(line)
            found[int(path.stem), branch["branch"]] = branch["tokens"]
    return found


def wait_for(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not holds():
        assert process.poll() is None, ((process.stderr and process.stderr.read()) or "")[-3000:]
        time.sleep(0.02)
