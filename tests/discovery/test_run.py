"""`autotts run`, end to end, on stores and with an explorer small enough for tests."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Autotts, Finished

_DIFFERENT = ("events.jsonl", "report.html", "environment.json", "heard", ".lock")


def content(run: Path) -> dict[str, bytes]:
    """Every file of a run that must come out the same: all but times and places."""
    return {
        str(path.relative_to(run)): _without_paths(path)
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name not in _DIFFERENT
    }


def _without_paths(path: Path) -> bytes:
    lines = path.read_bytes().splitlines()
    return b"\n".join(line for line in lines if not line.startswith(b'  "path": '))


def test_a_run_leaves_everything_in_its_directory(finished: Finished) -> None:
    run, told = finished.run, finished.done.stderr
    assert "proposal 1.2 rejected" in told
    assert "is not increasing in most" in told
    selection = json.loads((run / "selection.json").read_text())
    assert selection["selected"] in ("1.1", "2.1")
    chosen = run / "rounds" / selection["selected"].replace(".", "/")
    assert (run / "selected.py").read_text() == (chosen / "controller.py").read_text()
    digest = json.loads((run / "rounds/1/1/digest.json").read_text())
    assert {waste["store"] for waste in digest["waste"]} == {"sim-small/sim", "sim-large/sim"}
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events][:2] == ["run started", "search started"]
    assert (run / "heard").read_text() == "finished\n"
    assert "hidden by Landlock" in told or "refused by an audit hook" in told


def test_runs_are_listed(autotts: Autotts, finished: Finished) -> None:
    listed = json.loads(autotts(finished.run.parent, "runs", "--runs", ".", "--json").stdout)
    assert [(row["run"], row["state"]) for row in listed] == [("run", "finished")]
    assert "finished" in autotts(finished.run.parent, "runs", "--runs", ".").stdout
    unknown = autotts(finished.run.parent, "show", "rum", "--runs", ".")
    assert unknown.returncode == 2
    assert "Did you mean 'run'?" in unknown.stderr


def test_every_view_of_the_numbers_agrees_with_evaluate(
    autotts: Autotts, finished: Finished
) -> None:
    run, here = finished.run, finished.run.parent
    results = json.loads(finished.done.stdout)
    assert results == json.loads((run / "results.json").read_text())
    assert json.loads(autotts(here, "show", "run", "--json").stdout).items() >= results.items()
    printed = autotts(here, "show", "run").stdout

    stores = {row["name"]: row["path"] for row in json.loads((run / "stores.json").read_text())}
    for of_set, name in (("search", "sim-small/sim"), ("held_out", "sim-large/other")):
        evaluated = autotts(
            here, "evaluate", "--traces", stores[name], "--seeds", 4, "--json", "--beta", "0,1",
            "--controller", run / "selected.py", "--controller", "self-consistency:branches=1,16",
        )  # fmt: skip
        scores = [
            score
            for kind in ("selected", "baseline")
            for row in results[of_set]["rows"]
            for score in row["stores"]
            if row["kind"] == kind and score["store"] == name and score["controller"] != "asc"
        ]
        for score, own in zip(scores, json.loads(evaluated.stdout), strict=True):
            # A file is called by its name, a proposal is not.
            for key in score.keys() - {"controller", "label"}:
                assert score[key] == own[key], key
            assert f"{score['accuracy']:.2f}" in printed
            assert f"{score['tokens']:,.0f}" in printed


def test_averages_are_those_of_the_stores(finished: Finished) -> None:
    results: dict[str, Any] = json.loads(finished.done.stdout)
    for row in results["held_out"]["rows"]:
        for mean, key in (
            (row["accuracy"]["mean"], "accuracy"),
            (row["tokens"], "tokens"),
            (row["sequential_tokens"], "sequential_tokens"),
        ):
            assert mean == sum(score[key] for score in row["stores"]) / 2
        assert row["accuracy"]["low"] <= row["accuracy"]["mean"] <= row["accuracy"]["high"]


def test_workers_change_nothing(autotts: Autotts, finished: Finished) -> None:
    done = autotts(finished.run.parent, "run", finished.recipe, "--out", "alone", "--workers", "1")
    assert done.returncode == 0, done.stderr
    alone = finished.run.parent / "alone"
    assert content(alone) == content(finished.run)
    shutil.rmtree(alone)


def test_a_finished_run_is_not_done_again(autotts: Autotts, finished: Finished) -> None:
    before = content(finished.run)
    again = autotts(finished.run.parent, "run", finished.recipe, "--out", "run")
    assert again.returncode == 0
    assert again.stdout == autotts(finished.run.parent, "show", "run").stdout
    assert content(finished.run) == before


def test_a_directory_with_another_run_is_refused(autotts: Autotts, finished: Finished) -> None:
    other = autotts(
        finished.run.parent, "run", finished.recipe, "--out", "run", "--set", "rounds=1"
    )
    assert other.returncode == 2
    assert "holds a run of another recipe, which differs in: rounds." in other.stderr


def test_a_store_that_has_changed_since_is_refused(
    autotts: Autotts, finished: Finished, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.run, copy)
    rows = json.loads((copy / "stores.json").read_text())
    rows[0]["digest"] = "0" * 64
    (copy / "stores.json").write_text(json.dumps(rows))
    again = autotts(finished.run.parent, "run", finished.recipe, "--out", copy)
    assert again.returncode == 2
    assert "is not the store that this run began with" in again.stderr


def test_two_processes_do_not_work_on_one_run(autotts: Autotts, finished: Finished) -> None:
    from autotts_core.discovery.run_directory import RunDirectory

    with RunDirectory(finished.run).locked():
        second = autotts(finished.run.parent, "run", finished.recipe, "--out", "run")
    assert second.returncode == 2
    assert "another process is working on this run" in second.stderr


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments_a_run_ends_as_an_unbroken_one(
    kills: int, autotts: Autotts, finished: Finished, recipe: Path, environment: dict[str, str]
) -> None:
    sources = finished.recipe.parent / "sources"
    paid = sources / "paid"
    unbroken = content(finished.run)
    command = [sys.executable, "-m", "autotts_core", "run", finished.recipe, "--out", "broken"]
    rng = random.Random(kills)
    broken = recipe.parent / "broken"
    killed = 0
    paid.unlink(missing_ok=True)
    began = time.monotonic()
    took = 4.0
    while killed < kills or not (broken / "results.json").exists():
        with subprocess.Popen(
            [str(part) for part in command],
            cwd=recipe.parent,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                wait = rng.uniform(0.2, took) if killed < kills else 300
                assert process.wait(timeout=wait) == 0
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
                continue
        assert content(broken) == unbroken
        # What had been paid for before a kill was not bought again.
        assert sorted(paid.read_text().split()) == ["1-1.py", "1-2.py", "2-1.py"]
        took = min(took, time.monotonic() - began)
        if killed < kills:
            shutil.rmtree(broken)
            paid.unlink()
    assert content(broken) == unbroken


def held_out_store(recipe: Path) -> Path:
    """Where a run in the recipe's directory puts a store that is held out."""
    from autotts_core.collection import store_folder
    from autotts_core.recipe.reading import read_recipe
    from autotts_core.recipe.schema import StoresToCollect
    from autotts_core.recipe.stores import configured_backend, requests
    from autotts_core.trace_backend import TraceSource

    entry = read_recipe(recipe).recipe.stores[0]
    assert isinstance(entry, StoresToCollect)
    backend = configured_backend(entry)
    assert isinstance(backend, TraceSource)
    request = next(request for name, request in requests(entry) if name == "sim-small/other")
    return store_folder(backend, request, recipe.parent / "stores")


def test_an_explorer_that_opens_a_held_out_store_fails(autotts: Autotts, recipe: Path) -> None:
    held_out = held_out_store(recipe)
    peeking = autotts(
        recipe.parent, "run", recipe, "--out", "run",
        "--set", f"explorer.options.peeks={held_out}", "--set", "baselines=[]",
    )  # fmt: skip
    assert held_out.exists()
    assert peeking.returncode == 2
    assert "belongs to a held-out store" in peeking.stderr
    searched = held_out.with_name("sim")
    fine = autotts(
        recipe.parent, "run", recipe, "--out", "fine",
        "--set", f"explorer.options.peeks={searched}", "--set", "baselines=[]",
    )  # fmt: skip
    assert fine.returncode == 0, fine.stderr


def test_a_spent_budget_ends_the_exploration(autotts: Autotts, recipe: Path) -> None:
    done = autotts(
        recipe.parent, "run", recipe, "--out", "run",
        "--set", "budget.dollars=0.4", "--set", "baselines=[]",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    selection = json.loads((recipe.parent / "run/selection.json").read_text())
    assert selection["ended"] == "the budget of dollars was spent before round 2"
    assert selection["selected"] == "1.1"


@pytest.mark.parametrize("baselines", ["[]", "[self-consistency]"])
def test_with_nothing_to_select_a_run_ends_with_the_baselines(
    baselines: str, autotts: Autotts, recipe: Path
) -> None:
    for path in (recipe.parent / "sources").glob("*.py"):
        path.write_text("import os\n")
    done = autotts(recipe.parent, "run", recipe, "--out", "run", "--set", f"baselines={baselines}")
    assert done.returncode == 0, done.stderr
    assert "rejected: line 1: imports os" in done.stdout
    assert "Nothing was selected (all rounds), for no proposal could be scored." in done.stdout
    found = json.loads((recipe.parent / "run" / "results.json").read_text())
    assert found["selection"]["selected"] is found["gain"] is None
    for of_set in (found["search"], found["held_out"]):
        assert {row["kind"] for row in of_set["rows"]} <= {"baseline"}
        assert bool(of_set["rows"]) == (baselines != "[]")
    for command in (["report", "run"], ["export", "run", "x.py", "--as", "file"]):
        refused = autotts(recipe.parent, *command)
        assert refused.returncode == 2
        assert "selected no controller" in refused.stderr
    assert "nothing" in autotts(recipe.parent, "runs", "--runs", ".").stdout


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("exploror.name=x", "--set exploror.name=x: unknown key 'exploror'."),
        ("rounds=many", "--set rounds=many: rounds: "),
        ("betas=[0, 1.5]", "betas.1: input should be less than or equal to 1 (got 1.5)"),
        ("explorer.name=random-serch", "Did you mean 'random-search'?"),
        ("held_out=['*/sim']", "is search and held-out at once"),
        ("search=['*/nowhere']", "no store matches '*/nowhere'"),
        ("stores=[{path: nowhere}]", "no such directory"),
        ("budget.seconds=0", "budget.seconds: input should be greater than 0"),
        ("explorer={name: paid, options: {folder: x}}", "nothing can be proposed for $0"),
    ],
)
def test_mistakes_are_told_before_any_work_starts(
    autotts: Autotts, recipe: Path, override: str, message: str
) -> None:
    extra = ["--set", "budget.dollars=0"] if "paid" in override else []
    done = autotts(recipe.parent, "run", recipe, "--out", "run", "--set", override, *extra)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (recipe.parent / "run").exists()
    assert not (recipe.parent / "stores").exists()
