"""`autotts episode`, as it is typed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autotts_core.cli import cli
from autotts_core.replay.interpreted import ReplayedEpisode
from autotts_core.replay.picture import Picture
from autotts_core.store import ReplayStore

Replay = Callable[..., tuple[ReplayedEpisode, Picture]]
GOLDEN = Path(__file__).parent / "golden"


def autotts(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["episode", *map(str, arguments)], prog_name="autotts")


def test_draws_at_100_columns_when_piped(
    store: ReplayStore, mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "37")
    result = autotts(
        *("--traces", store.path, "--question", "six-by-seven", "--seed", 38),
        *("--controller", mixed),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == (GOLDEN / "mixed-100.txt").read_text(encoding="utf-8")


def test_number_and_id_mean_the_same(store: ReplayStore, mixed: Path) -> None:
    tree = "--traces", store.path.parent.parent, "--store", "tiny/toy", "--controller", mixed
    assert (
        autotts(*tree, "--question", 0).stdout
        == autotts(*tree, "--question", "six-by-seven").stdout
    )


def test_json(store: ReplayStore, mixed: Path, replayed: Replay) -> None:
    result = autotts(
        "--traces", store.path, "--question", 0, "--controller", mixed, "--seed", 5, "--json"
    )
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    episode, picture = replayed(mixed, 0, seed=5)
    assert row["tokens"] == picture.tokens
    assert row["controller"] == "mixed"
    assert row["self_consistency"]["branches"] == 6
    assert [tuple(action.values()) for action in row["actions"]] == episode.record.actions()
    assert list(row["actions"][0]) == list(episode.record.actions()[0]._fields)


def test_actions(store: ReplayStore, mixed: Path) -> None:
    arguments = "--traces", store.path, "--question", 0, "--controller", mixed, "--seed", 38
    picture, result = autotts(*arguments).stdout, autotts(*arguments, "--actions").stdout
    assert result.startswith(picture)
    table = [" ".join(line.split()) for line in result.removeprefix(picture).splitlines()]
    assert [line for line in table if line and not line.startswith("─")] == [
        "batch action branch depth tokens answer",
        "0 branch 0 1 500 C 36",
        "branch 1 1 500 C 36",
        "branch 2 1 500 D 7",
        "branch 3 1 500 B 13",
        "advance 0 2 1,000 C 36",
        "advance × 2 1 3 1,500 A 42",
        "1 prune 2 1 500 D 7",
        "read × 2, finished 4 2 800 A 42",
        "advance 0 3 1,500 C 36",
        "2 advance 0 4 2,000 ∅",
        "3 advance 0 5 2,500 A 42",
        "4 advance 0 6 3,000 A 42",
        "5 advance, finished 0 7 3,100 A 42",
    ]


def test_budget(store: ReplayStore, mixed: Path) -> None:
    result = autotts(
        "--traces", store.path, "--question", 0, "--controller", mixed, "--budget", 2000
    )
    assert "budget 2,000 tokens" in result.stdout
    assert "stopped     budget exhausted" in result.stdout


def test_answers_that_the_pipe_cannot_encode(store: ReplayStore) -> None:
    command = [sys.executable, "-m", "autotts_core", "episode", "--traces", str(store.path)]
    result = subprocess.run(
        [*command, "--question", "hostile", "--controller", "self-consistency"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"SC@8" in result.stdout


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"--question": "4"},
            "there is no question '4'. tiny/toy has 4 questions, numbered from 0 to 3",
        ),
        ({"--question": "-1"}, "there is no question '-1'"),
        ({"--question": "no-such"}, "the first one's id is 'six-by-seven'"),
        ({"--store": "tiny/tyo"}, "no store is called 'tiny/tyo'. Did you mean 'tiny/toy'?"),
        ({"--traces": "nowhere"}, "nowhere: no such directory"),
        (
            {"--controller": "asc:max_branches=2,3"},
            "is 2 controllers (asc(max_branches=2), asc(max_branches=3)): name one",
        ),
        ({"--controller": "acs"}, "Did you mean 'asc'?"),
        ({"--beta": "1.5"}, "1.5 is not in the range"),
        ({"--beta": "nan"}, "nan is not in the range"),
        ({"--seed": "-1"}, "-1 is not in the range"),
        ({"--budget": "0"}, "0 is not in the range"),
    ],
)
def test_mistakes(store: ReplayStore, changes: dict[str, str], message: str) -> None:
    options = {"--traces": str(store.path), "--question": "0", "--controller": "asc"} | changes
    result = autotts(*(word for option in options.items() for word in option))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_several_stores(store: ReplayStore, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(store.path.parent.parent)
    for name in ("one", "two"):
        copy = tmp_path / "tree" / name
        copy.mkdir(parents=True)
        for file in store.path.iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
    arguments = "--traces", tmp_path / "tree", "--question", 0, "--controller", "asc"
    result = autotts(*arguments)
    assert result.exit_code == 2
    assert "several stores are called tiny/toy. Give one of" in result.stderr
    manifest = tmp_path / "tree" / "two" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"toy"', '"other"'))
    result = autotts(*arguments)
    assert "holds 2 stores. Say which with --store: tiny/other, tiny/toy." in result.stderr
    assert autotts(*arguments, "--store", "tiny/other").exit_code == 0


def test_importing_the_command_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'pyarrow', 'rich', 'numba', 'pydantic'}"
    code = f"import sys, autotts_core.cli.episode; print({heavy} & sys.modules.keys() or '')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("\n", "")
