"""The reports of the recipes that come with the project, cut short but with nothing made up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from conftest import Autotts, Open, Opened

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
SHORT = [
    part
    for override in (
        "rounds=2",
        "seeds=8",
        "explorer.options.candidates=20",
        "explorer.options.structures=1",
        "explorer.options.evaluations=12",
        "explorer.options.folds=2",
    )
    for part in ("--set", override)
]


def values(row: dict[str, Any]) -> list[float]:
    """The numbers of a row of results.json in the order of the page's table."""
    accuracy = row["accuracy"]
    costs = "tokens", "sequential_tokens", "saved"
    return [
        *([] if row["beta"] is None else [row["beta"]]),
        *(accuracy[end] for end in ("mean", "low", "high")),
        *(row[cost] for cost in costs),
        *(store[quantity] for store in row["stores"] for quantity in ("accuracy", *costs)),
    ]


def check(page: Opened, results: dict[str, Any]) -> None:
    """Every number is there, every view opens, and every kind of episode can be seen."""
    for of in ("search", "held_out"):
        shown = [[n[0] for cell in row for n in cell[1:]] for row in page.rows(f"{of}-every")]
        assert shown == [values(row) for row in results[of]["rows"]]
    for name in ("trajectory", "schedule", "questions", "episodes"):
        page.see(f"[data-view={name}]")
    page.page.wait_for_selector("[data-part=viewer]")
    reasons = page.page.locator("[data-control=reason]")
    for value in [each.get_attribute("value") for each in reasons.locator("option").all()]:
        reasons.select_option(value)
        page.page.locator("[data-control=step-back]").click()
        page.page.locator("[data-control=step-last]").click()
        assert page.page.locator(".verdict").count() == 2
    violations = Axe().run(page.page).response["violations"]
    assert [v["id"] for v in violations if v["impact"] in ("serious", "critical")] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quickstart", "aime24_qwen3_released_search"])
def test_a_recipes_report(
    name: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    autotts: Autotts,
    open_report: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "released" in name:
        traces = request.getfixturevalue("shared_traces") / "traces"
        monkeypatch.setenv("AUTOTTS_RELEASED_TRACES", str(traces))
    shutil.copytree(RECIPES, tmp_path / "recipes")
    done = autotts(tmp_path, "run", f"recipes/{name}.yaml", "--out", "run", *SHORT)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_bytes())
    report = tmp_path / "run" / "report.html"
    assert report.stat().st_size < 15_000_000
    page = open_report(report)
    check(page, results)
    if "released" in name:
        assert page.data()["runs"][0]["sets"]["held_out"]["stores"][-1] == "Qwen3-8B/aime25"
