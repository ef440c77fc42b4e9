"""Large runs: their reports stay small, and open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autotts_core.testing import install_distribution

if TYPE_CHECKING:
    from conftest import Autotts, Open

LARGE = """\
stores:
  - backend: simulated
    models: [sim-small, sim-medium, sim-large]
    benchmarks: [a, b, c, d]
    options: {questions: 30}
search: ["*/a", "*/b"]
held_out: ["*/c", "*/d"]
explorer:
  name: random-search
  options: {candidates: 10, structures: 1, evaluations: 12, folds: 2}
rounds: 5
seeds: 8
"""

LONG = """\
stores:
  - backend: simulated
    models: [sim-small]
    benchmarks: [a]
    branches: 16
    options: {questions: 6}
search: ["*/a"]
explorer: {name: counting}
rounds: 50
betas: [0, 1]
seeds: 2
baselines: ["self-consistency:branches=1,16"]
selection: {folds: 2}
"""

COUNTING = '''\
from autotts_core.explorer import Explorer, Proposal
from autotts_core.hookspecs import hookimpl

AUTOTTS_CONTRACT = 1
SOURCE = """\
def schedule(beta):
    return {"most": ROUND % 15 + 1 + round(beta), "round": ROUND}


def policy(episode, p):
    votes = episode.tally()
    for _ in range(p.most):
        i = episode.read()
        if i >= 0:
            votes.add(episode.answer(i))
    return votes.leader()  # read enough
"""


class Counting(Explorer):
    name = "counting"
    summary = "Hands in another controller in every round"

    def propose(self, workbench):
        yield Proposal(SOURCE.replace("ROUND", str(workbench.round)), "the next one")


@hookimpl
def autotts_register_explorers():
    return [Counting]
'''


@pytest.mark.slow
def test_twelve_stores_five_rounds_three_hundred_episodes(
    tmp_path: Path, autotts: Autotts, open_report: Open
) -> None:
    (tmp_path / "large.yaml").write_text(LARGE, encoding="utf-8")
    done = autotts(tmp_path, "run", "large.yaml", "--out", "run")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "run" / "report.html"
    assert path.stat().st_size < 15_000_000
    page = open_report(path)
    run = page.data()["runs"][0]
    assert sum(len(each["stores"]) for each in run["sets"].values()) == 12
    assert 300 <= sum(len(case["episodes"]) for case in run["cases"]) <= 600
    assert {case["store"] for case in run["cases"]} == {
        f"sim-{size}/{name}" for size in ("small", "medium", "large") for name in "abcd"
    }
    page.see("[data-view=episodes]")
    page.page.wait_for_selector("[data-part=viewer]")


@pytest.mark.slow
def test_fifty_rounds(
    tmp_path: Path, autotts: Autotts, open_report: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_distribution(
        tmp_path / "plugins",
        "counting",
        "1.0",
        {"counting_explorer.py": COUNTING},
        {"c": "counting_explorer"},
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugins"))
    (tmp_path / "long.yaml").write_text(LONG, encoding="utf-8")
    done = autotts(tmp_path, "run", "long.yaml", "--out", "run")
    assert done.returncode == 0, done.stderr
    page = open_report(tmp_path / "run" / "report.html")
    assert len(page.rows("proposals")) == len(page.rows("rounds")) == 50
    for name in ("trajectory", "schedule", "questions", "episodes"):
        page.see(f"[data-view={name}]")
    assert page.page.locator("details.change").count() == 50
    assert page.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
