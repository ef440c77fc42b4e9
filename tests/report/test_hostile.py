"""Whatever names, questions, answers and controllers hold is shown as text, and does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from autotts_core.store import write_store
from autotts_core.testing import install_distribution
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet

if TYPE_CHECKING:
    from conftest import Open

# A run and a browser for all of them.
pytestmark = pytest.mark.slow

ATTACK = (
    "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    "<style>*{display:none}</style>{{7*7}}{% raw %}<!--<a href='https://example.org'>here</a>"
)
CONTROLS = "\u202eright\u2066to\u200bleft\x1b[31m\x00\u2028\u2029"
MODEL = f"m<img src=x onerror=document.title='taken'>{CONTROLS[:12]}"

SOURCE = f'''\
"""{ATTACK}"""
# {ATTACK} \u202e reversed


def schedule(beta):
    return {{"most": 1 + round(3 * beta)}}


def policy(episode, p):
    votes = episode.tally()
    for _ in range(p.most):
        i = episode.read()
        votes.add(episode.answer(i))
    return votes.leader()  # {ATTACK}
'''

EXPLORER = f"""\
from autotts_core.explorer import Explorer, Proposal
from autotts_core.hookspecs import hookimpl

AUTOTTS_CONTRACT = 1


class Hostile(Explorer):
    name = "hostile"
    summary = "Hands in what tries to act"

    def propose(self, workbench):
        yield Proposal({SOURCE!r}, {ATTACK + CONTROLS!r})
        yield Proposal("import os  # " + {ATTACK!r}, {ATTACK!r})


@hookimpl
def autotts_register_explorers():
    return [Hostile]
"""

RECIPE = """\
description: {description}
stores: [{{path: stores}}]
search: ["*"]
explorer: {{name: hostile}}
rounds: 1
betas: [0, 1]
seeds: 2
baselines: ["self-consistency:branches=1,4"]
selection: {{folds: 2}}
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("hostile")
    long = "<b>" + "9" * 2**20
    answers = [ATTACK, CONTROLS, long, "1"]
    questions = [
        QuestionTrace(
            f"{ATTACK}{q}",
            f"{q} {ATTACK}{CONTROLS}",
            ATTACK,
            [BranchTrace([answers[(q + b) % 4], ATTACK], 900, answers[b % 4]) for b in range(6)],
        )
        for q in range(4)
    ]
    traces = TraceSet(MODEL, "b<i>bench", 500, "published", ATTACK, questions)
    write_store(directory / "stores" / "one", traces)
    plugins = directory / "plugins"
    install_distribution(
        plugins, "hostile", "1.0", {"hostile_explorer.py": EXPLORER}, {"h": "hostile_explorer"}
    )
    recipe = directory / "hostile.yaml"
    recipe.write_text(RECIPE.format(description=repr(ATTACK.replace("'", ""))), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "autotts_core", "run", "hostile.yaml", "--out", "run"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(plugins)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return directory / "run" / "report.html"


def test_it_is_shown_and_does_nothing(report: Path, open_report: Open) -> None:
    page = open_report(report)
    for name in ("trajectory", "schedule", "questions", "episodes"):
        page.see(f"[data-view={name}]")
    page.page.wait_for_selector("[data-view=schedule] .main-svg")
    page.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    for control in ("reason", "episode-question"):
        select = page.page.locator(f"[data-control={control}]")
        for value in select.locator("option").all():
            select.select_option(value.get_attribute("value"))
    page.page.locator("[data-curve=selected]").click()
    page.page.wait_for_timeout(500)
    # Nothing that the content holds has become part of the page.
    made = page.page.evaluate(
        """() => ({
          titles: document.title, images: document.images.length, links: document.links.length,
          scripts: document.scripts.length, styles: document.querySelectorAll('body style').length,
          outside: [...document.links].filter(a => !a.getAttribute('href').startsWith('#')).length,
          bench: document.querySelectorAll('main i:not([class]):not([style])').length })"""
    )
    assert "taken" not in made["titles"]
    assert made["images"] == 0
    assert made["outside"] == 0
    # The data, the library as text, the page's code, and the library as it runs.
    assert made["scripts"] == 4
    assert made["styles"] == 0
    shown = page.page.locator("[data-part=source]").inner_text()
    assert ATTACK in shown
    assert "‹202E› reversed" in shown
    assert ATTACK in page.page.locator("[data-part=question]").inner_text()
    assert ATTACK in page.page.locator("[data-table=proposals]").inner_text()
    everything = page.page.evaluate("document.body.innerText")
    assert not any(character in everything for character in "\u202e\u2066\x1b\x00\u2028")
    assert "{{7*7}}" in everything


def test_hovering_over_it_shows_text(report: Path, open_report: Open) -> None:
    page = open_report(report)
    names = page.page.evaluate(
        "() => document.querySelector('[data-plot=frontiers]').data.flatMap(t => t.text ?? [])"
    )
    assert all("<script" not in name and "<img" not in name for name in names)


def test_a_long_answer_is_cut(report: Path) -> None:
    assert report.stat().st_size < 7_000_000
    assert "1,048,579 characters in all" in report.read_text(encoding="utf-8")


def test_nothing_closes_the_data_early(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    data = text.split('id="report-data">')[1].split("</script>")[0]
    assert "<" not in data
    assert "\u2028" not in data
