"""`autotts report`, as it is typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from autotts_core.cli import cli

if TYPE_CHECKING:
    from conftest import Autotts, Open

# A run and a browser for all of them.
pytestmark = pytest.mark.slow

ALONE = """\
stores:
  - backend: simulated
    models: [sim-small]
    benchmarks: [sim]
    branches: 8
    options: {questions: 4}
search: ["*"]
explorer:
  name: random-search
  options: {candidates: 2, structures: 1, evaluations: 12, folds: 2}
rounds: 1
betas: [1]
seeds: 2
baselines: []
selection: {folds: 2}
"""


def report(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["report", *map(str, arguments)], prog_name="autotts")


@pytest.fixture
def copied(small_run: Path, tmp_path: Path) -> Path:
    """A run that may be changed."""
    return Path(shutil.copytree(small_run, tmp_path / "runs" / "copied"))


def test_made_again_it_is_the_same(copied: Path) -> None:
    before = _data(copied)
    (copied / "report.html").unlink()
    result = report("cop", "--runs", copied.parent)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(copied / "report.html")
    places = {"name": "", "directory": ""}
    assert _data(copied) | places == before | places


def _data(run: Path) -> dict[str, Any]:
    text = (run / "report.html").read_text(encoding="utf-8")
    text = text.split('id="report-data">')[1].split("</script>")[0]
    found: dict[str, Any] = json.loads(text)["runs"][0]
    return found


def test_a_run_that_has_not_finished(copied: Path) -> None:
    (copied / "results.json").unlink()
    (copied / "report.html").unlink()
    result = report(copied)
    assert result.exit_code == 2
    assert "is not finished: `autotts run` goes on with it" in result.stderr
    assert not (copied / "report.html").exists()


def test_a_name_that_is_no_run(tmp_path: Path) -> None:
    result = report("nothing", "--runs", tmp_path)
    assert result.exit_code == 2
    assert "'nothing' is no run's directory" in result.stderr


def test_stores_that_are_gone_take_only_episodes_with_them(copied: Path, open_report: Open) -> None:
    text = (copied / "stores.json").read_text(encoding="utf-8")
    (copied / "stores.json").write_text(text.replace("/stores/", "/moved/"), encoding="utf-8")
    result = report(copied)
    assert result.exit_code == 0, result.output
    assert "questions' texts and episodes are left out" in result.stderr
    page = open_report(copied / "report.html")
    assert page.page.locator(".note", has_text="are left out").count() == 2
    assert len(page.rows("held_out")) >= 4
    page.see("[data-view=questions]")
    page.page.wait_for_selector("[data-table=questions]")
    page.page.locator("[data-table=questions] .cell").first.click()
    assert "No episode is in this file" in page.page.locator("[data-view=episodes]").inner_text()


def test_no_more_episodes_than_asked_for(copied: Path) -> None:
    assert report(copied, "--episodes", 10).exit_code == 0
    assert 0 < sum(len(case["episodes"]) for case in _data(copied)["cases"]) <= 10
    assert report(copied, "--episodes", 0).exit_code == 0
    assert _data(copied)["cases"] == []


def test_several_runs_in_one(
    small_run: Path, copied: Path, tmp_path: Path, open_report: Open
) -> None:
    out = tmp_path / "both.html"
    result = report(small_run, copied, "--out", out)
    assert result.exit_code == 0, result.output
    page = open_report(out)
    rows = page.rows("compared")
    assert [row[0][0] for row in rows] == ["run", "copied"]
    assert rows[0][1:] == rows[1][1:]
    names = page.page.evaluate(
        """() => document.querySelector('[data-view=compared] [data-plot]').data
          .filter(t => t.mode === 'markers').map(t => t.name)"""
    )
    assert sorted(names) == ["copied", "run"]
    first, second = page.page.locator("article.run").all()
    assert first.is_visible()
    assert not second.is_visible()
    page.page.locator("[data-control=run]").select_option("1")
    assert second.is_visible()
    assert not first.is_visible()
    page.see('article[data-run="1"] [data-view=frontiers]')
    page.page.wait_for_selector('article[data-run="1"] [data-view=frontiers] .main-svg')
    assert page.page.locator("nav [data-section=table]").get_attribute("href") == "#table-1"


def test_a_run_without_baselines(tmp_path: Path, autotts: Autotts, open_report: Open) -> None:
    (tmp_path / "alone.yaml").write_text(ALONE, encoding="utf-8")
    done = autotts(tmp_path, "run", "alone.yaml", "--out", "run")
    assert done.returncode == 0, done.stderr
    page = open_report(tmp_path / "run" / "report.html")
    assert len(page.rows("search")) == 1
    page.see("[data-view=episodes]")
    page.page.wait_for_selector("[data-part=viewer]")
    page.page.locator("[data-control=step-back]").click()
    assert page.page.locator("[data-part=side]").count() == 2
