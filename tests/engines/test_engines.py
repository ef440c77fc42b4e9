"""Collection and an explorer on real engines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.store import ReplayStore, check_store
from autotts_core.store.text_check import check_texts

from .conftest import BACKENDS, HERE, QUESTIONS, SMALL, Backend, on


@on(*BACKENDS)
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
    wanted += ["--texts", "--confidence", "5", "--confidence-window", "16"]
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
    assert (traces.step_confidence > 0).mean() > 0.9
    # And what the branches wrote, cut where the intervals ended, is what was probed.
    benchmark = registry().get("benchmark", "arithmetic").configure({"form": "completion"})
    assert check_texts(store.path, ModelTokenizer(model), benchmark) == []


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
