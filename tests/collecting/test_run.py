"""A run that begins with an engine: its stores are collected, searched on and reported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = """
stores:
  - backend: simulated-engine
    models: [toy]
    benchmarks: [arithmetic]
    benchmark_options: {questions: 6, form: completion}
    branches: 8
    interval_tokens: 100
    sampling: {temperature: 0.7, max_tokens: 2000}
  - backend: simulated-engine
    models: [toy-too]
    benchmarks: [arithmetic]
    benchmark_options: {questions: 6, form: completion}
    branches: 8
    interval_tokens: 100
    sampling:
      max_tokens: 2000
      executor: {name: processes, options: {processes: 2}}
search: [toy/*]
held_out: [toy-too/*]
explorer:
  name: random-search
  options: {candidates: 4, structures: 1, evaluations: 12, folds: 2}
rounds: 1
betas: [0, 1]
seeds: 4
baselines: ["self-consistency:branches=1,8"]
selection: {folds: 2}
"""


@pytest.mark.slow
def test_from_an_engine_to_a_report(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    command = [sys.executable, "-m", "autotts_core", "run", "recipe.yaml", "--out", "run", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results["search"]["stores"] == ["toy/arithmetic"]
    assert results["held_out"]["stores"] == ["toy-too/arithmetic"]
    assert {row["stores"][0]["grader"] for row in results["search"]["rows"]} == {"numeric-1"}
    assert (tmp_path / "run" / "report.html").stat().st_size > 1_000_000
    stores = json.loads((tmp_path / "run" / "stores.json").read_text())
    assert all(Path(each["path"]).is_relative_to(tmp_path / "stores") for each in stores)
    # What is there is not collected again.
    again = subprocess.run(
        [*command[:-2], "again", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert again.returncode == 0, again.stderr
    assert "making the store" not in again.stderr
    assert json.loads(again.stdout)["search"] == results["search"]
