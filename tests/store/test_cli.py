"""`autotts traces`, as it is typed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from autotts_core.cli import cli
from autotts_core.store import ReplayStore

QUESTION = {
    "question": "What is 6 x 7?",
    "gold_answer": "42",
    "probe_freq": 500,
    "each_branch": [[["41", "42"], 700, "42"], [["41"], 800, "41"], [[], 0, ""]],
    "final_answers_trace": ["42", "41", ""],
}


def autotts(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["traces", *map(str, arguments)], prog_name="autotts")


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Two files in the released format."""
    for model in ("a", "b"):
        path = tmp_path / "released" / model / "toy.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps([QUESTION]))
    return tmp_path / "released"


def test_import_info_check(tmp_path: Path, released: Path) -> None:
    out = tmp_path / "stores"
    imported = autotts("import", "autotts-json", released, "--out", out)
    assert imported.exit_code == 0, imported.output
    for heading in ("model", "benchmark", "questions", "branches", "probes", "published", "toy"):
        assert heading in imported.stdout
    info = autotts("info", out)
    assert info.exit_code == 0
    for heading in ("mean tokens", "answers", "right finals", "33.3%", "exact 1", "published"):
        assert heading in info.stdout
    check = autotts("check", out)
    assert check.exit_code == 0
    assert check.stdout == f"{out / 'a' / 'toy'}: OK\n{out / 'b' / 'toy'}: OK\n"


def test_json_output(tmp_path: Path, released: Path) -> None:
    out = tmp_path / "stores"
    imported = autotts("import", "autotts-json", released, "--out", out, "--json")
    rows: list[dict[str, Any]] = json.loads(imported.stdout)
    assert [(row["path"], row["model"]) for row in rows] == [
        (str(out / "a" / "toy"), "a"),
        (str(out / "b" / "toy"), "b"),
    ]
    [row] = json.loads(autotts("info", out / "a", "--json").stdout)
    store = ReplayStore.open(out / "a" / "toy")
    assert row == {
        "path": str(out / "a" / "toy"),
        "model": "a",
        "benchmark": "toy",
        "questions": 1,
        "branches": 3,
        "probes": 3,
        "interval_tokens": 500,
        "texts": False,
        "accounting": "published",
        "bytes": sum(file.bytes for file in store.manifest.files.values()),
        "mean_tokens": 500.0,
        "distinct_answers": 2,
        "right_final_answers": pytest.approx(1 / 3),
        "grader": "exact 1",
        "digest": store.digest,
    }
    assert json.loads(autotts("check", out / "a", "--json").stdout) == [
        {"path": str(out / "a" / "toy"), "ok": True, "problems": []}
    ]


def test_check_prints_problems_and_exits_with_1(store: Path) -> None:
    (store / "probes.parquet").unlink()
    result = autotts("check", store)
    assert result.exit_code == 1
    assert result.stdout == f"{store}: probes.parquet: cannot be read: No such file or directory\n"
    result = autotts("check", store, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["problems"] == [
        {
            "file": "probes.parquet",
            "message": "cannot be read: No such file or directory",
            "question": None,
            "branch": None,
        }
    ]


def test_one_wrong_file_and_nothing_is_imported(tmp_path: Path, released: Path) -> None:
    (released / "b" / "toy.json").write_text("[")
    result = autotts("import", "autotts-json", released, "--out", tmp_path / "stores")
    assert result.exit_code == 2
    assert f"Error: {released / 'b' / 'toy.json'}: not JSON at line 1" in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "stores").exists()


def test_warnings_are_for_people(tmp_path: Path, released: Path) -> None:
    path = released / "b" / "toy.json"
    path.write_text(json.dumps([QUESTION | {"seed": 1}]))
    result = autotts("import", "autotts-json", path, "--out", tmp_path / "stores")
    assert f"Warning: {path}: ignored 'seed': the format has no such keys\n" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "autots-json", "x", "--out", "y"], "Did you mean 'autotts-json'?"),
        (["import", "autotts-json", "x", "--out", "y"], "x: no such file or directory"),
        (["import", "autotts-json", "x"], "Missing option '--out'"),
        (
            ["import", "autotts-json", "x", "--out", "y", "--option", "k"],
            "'k' must have the form KEY=VALUE",
        ),
        (
            ["import", "autotts-json", "x", "--out", "y", "--option", "k=v"],
            "trace importer 'autotts-json' has no option 'k'",
        ),
        (["info", "nowhere"], "nowhere: no such directory"),
        (["check", "nowhere"], "nowhere: no such directory"),
    ],
)
def test_mistakes(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = autotts(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_importing_the_command_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'pyarrow', 'rich', 'numba', 'pydantic'}"
    code = f"import sys, autotts_core.cli.traces; print({heavy} & sys.modules.keys() or '')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("\n", "")
