"""`autotts export`: what a run selected, as a file and as a plugin that others install."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Autotts, Finished

ROOT = Path(__file__).resolve().parents[2]


def test_a_file_is_the_selected_source(
    autotts: Autotts, finished: Finished, tmp_path: Path
) -> None:
    done = autotts(tmp_path, "export", finished.run, "reads.py", "--as", "file")
    assert done.returncode == 0, done.stderr
    head, _, source = (tmp_path / "reads.py").read_text().partition("\n")
    assert "in the run run" in head
    assert source == (finished.run / "selected.py").read_text()


def test_a_plugin_holds_its_source_frontier_and_a_test_that_passes(
    autotts: Autotts, finished: Finished, tmp_path: Path
) -> None:
    done = autotts(tmp_path, "export", finished.run, "autotts-reads-few", "--as", "plugin")
    assert done.returncode == 0, done.stderr
    made = tmp_path / "autotts-reads-few"
    module = made / "autotts_reads_few"
    assert (module / "reads-few.py").read_text() == (finished.run / "selected.py").read_text()
    readme = (made / "README.md").read_text()
    results = json.loads((finished.run / "results.json").read_text())
    for of_set in ("search", "held_out"):
        selected = [row for row in results[of_set]["rows"] if row["kind"] == "selected"]
        assert len(selected) == 2
        for row in selected:
            assert f"{row['accuracy']['mean']:.2f}" in readme
            assert f"{row['tokens']:,.0f}" in readme
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Reads_Few", "--as", "plugin"], "'Reads_Few' cannot be a controller's name"),
        (["there", "--as", "plugin", "--name", "class"], "'class' cannot be a controller's name"),
        (["there", "--as", "plugin"], "there: is there already"),
        (["there.py", "--as", "file"], "there.py: is there already"),
        (["there.txt", "--as", "file"], "a controller file ends in .py"),
        (["x.py", "--as", "file", "--name", "y"], "--name is for plugins"),
        (["x", "--as", "wheel"], "'wheel' is not one of 'plugin', 'file'"),
    ],
)
def test_mistakes(
    autotts: Autotts, finished: Finished, tmp_path: Path, arguments: list[str], message: str
) -> None:
    if "class" not in arguments:
        (tmp_path / "there").mkdir()
    (tmp_path / "there.py").touch()
    before = sorted(tmp_path.rglob("*"))
    done = autotts(tmp_path, "export", finished.run, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_is_not_finished_has_nothing_to_export(
    autotts: Autotts, finished: Finished, tmp_path: Path
) -> None:
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "recipe.yaml").write_text((finished.run / "recipe.yaml").read_text())
    done = autotts(tmp_path, "export", "begun", "x.py", "--as", "file")
    assert done.returncode == 2
    assert "begun is not finished" in done.stderr


@pytest.mark.slow
def test_a_plugin_scores_in_a_clean_environment_as_in_the_run(
    autotts: Autotts, finished: Finished, tmp_path: Path
) -> None:
    done = autotts(tmp_path, "export", finished.run, "autotts-reads-few", "--as", "plugin")
    assert done.returncode == 0, done.stderr
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    plugin = tmp_path / "autotts-reads-few"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", ROOT, plugin, "pytest"],
        check=True, cwd=tmp_path, stdout=sys.stderr,
    )  # fmt: skip
    # What the plugin was made with is there by its own entry point alone.
    tested = [python, "-m", "pytest", "--quiet", plugin / "tests"]
    subprocess.run(tested, check=True, cwd=tmp_path, stdout=sys.stderr)
    stores = json.loads((finished.run / "stores.json").read_text())
    results = json.loads((finished.run / "results.json").read_text())
    for of_set in ("search", "held_out"):
        for row in (row for row in results[of_set]["rows"] if row["kind"] == "selected"):
            for measured in row["stores"]:
                path = next(each["path"] for each in stores if each["name"] == measured["store"])
                evaluated = subprocess.run(
                    [python, "-m", "autotts_core", "evaluate", "--traces", path, "--json",
                     "--controller", "reads-few", "--beta", str(row["beta"]), "--seeds", "4"],
                    check=True, cwd=tmp_path, capture_output=True, text=True,
                )  # fmt: skip
                (score,) = json.loads(evaluated.stdout)
                named = {"controller", "label"}
                assert {k: v for k, v in score.items() if k not in named} == {
                    k: v for k, v in measured.items() if k not in named
                }
