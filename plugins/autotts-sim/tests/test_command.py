"""`autotts simulate`."""

import shlex
from pathlib import Path

from click.testing import CliRunner, Result

from autotts_core.cli import cli
from autotts_core.store import ReplayStore, check_store, find_stores


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["simulate", *map(str, arguments)])


def test_writes_all_presets_and_says_what_is_next(tmp_path: Path) -> None:
    out = tmp_path / "my stores"
    result = run(out, "--questions", "3", "--branches", "8")
    assert result.exit_code == 0, result.output
    stores = find_stores([out])
    assert [path.relative_to(out) for path in stores] == [
        Path(f"sim-{size}", "sim") for size in ("large", "medium", "small")
    ]
    for path in stores:
        assert check_store(path) == []
        assert str(path) in result.output
        assert len(ReplayStore.open(path).question_texts) == 3
    assert result.output.endswith(f"Next: autotts evaluate --traces {shlex.quote(str(out))}\n")


def test_some_presets_and_a_held_out_set(tmp_path: Path) -> None:
    small = ("--questions", "2", "--branches", "4")
    result = run(
        tmp_path,
        *small,
        "--preset",
        "small",
        "--preset",
        "small",
        "--benchmark",
        "toy",
        "--heldout",
    )
    assert result.exit_code == 0, result.output
    assert [path.relative_to(tmp_path) for path in find_stores([tmp_path])] == [
        Path("sim-small", "toy"),
        Path("sim-small", "toy-heldout"),
    ]


def test_mistakes_are_told_without_a_traceback(tmp_path: Path) -> None:
    for arguments, message in [
        (("--preset", "tiny"), "'tiny' is not one of"),
        (("--questions", "0"), "Invalid value for '--questions': 0 is not in the range x>=1"),
        (("--branches", "many"), "'many' is not a valid integer range"),
        (("--seed", "-1"), "Invalid value for '--seed'"),
        (("--benchmark", "../toy", "--questions", "1"), "'../toy' must begin with a letter"),
    ]:
        result = run(tmp_path / "out", *arguments)
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
        assert not (tmp_path / "out").exists()
    assert run().exit_code == 2


def test_never_overwrites(tmp_path: Path) -> None:
    few = ("--questions", "1", "--branches", "2", "--preset", "small")
    assert run(tmp_path, *few).exit_code == 0
    result = run(tmp_path, *few)
    assert result.exit_code == 2
    assert "exists already" in result.output
