"""`autotts evaluate`, from the command line to the numbers."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from autotts_core.cli import cli
from autotts_core.evaluation import bootstrap_interval, self_consistency
from autotts_core.store import ReplayStore, write_store
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    for benchmark in ("sums", "products"):
        questions = []
        for q in range(6):
            branches = []
            for _ in range(70):
                length = int(rng.integers(200, 4000))
                wrong = str(rng.integers(2, 4))
                final = "1" if rng.random() < 0.2 + 0.1 * q else wrong
                probes = [str(rng.integers(1, 5)) for _ in range(length // 500)]
                branches.append(BranchTrace(probes, length, final))
            questions.append(QuestionTrace(str(q), f"question {q}", "1", branches))
        traces = TraceSet("toy", benchmark, 500, "published", "made by a test", questions)
        write_store(tmp_path / "traces" / "toy" / benchmark, traces)
    return tmp_path / "traces"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *map(str, arguments)])


def scores(*arguments: object) -> list[dict[str, Any]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def test_a_sweep_gives_a_row_for_each_store_option_and_beta(tree: Path) -> None:
    rows = scores(
        "--traces", tree, "--controller", "cmc", "--beta", "0,0.5,1",
        "--controller", "asc:max_branches=4,16", "--seeds", 10,
    )  # fmt: skip
    assert len(rows) == 2 * (3 + 2)
    assert [(r["controller"], r["beta"], r["label"]) for r in rows[:5]] == [
        ("cmc", 0, "cmc"),
        ("cmc", 0.5, "cmc"),
        ("cmc", 1, "cmc"),
        ("asc", None, "asc(max_branches=4)"),
        ("asc", None, "asc(max_branches=16)"),
    ]
    assert rows[3]["options"] == {"max_branches": 4, "threshold": 0.95}
    for row in rows:
        assert row["grader"] == "exact-1"
        assert row["seeds"] == 10
        assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
        assert row["saved"] == pytest.approx(100 * (1 - row["tokens"] / row["sc64_tokens"]))
        assert sum(row["stops"].values()) == pytest.approx(1)
    tokens = [row["tokens"] for row in rows[:3]]
    assert tokens == sorted(tokens)


def test_sc64_saves_nothing_of_itself(tree: Path) -> None:
    (row, _) = scores("--traces", tree, "--controller", "self-consistency", "--seeds", 20)
    assert row["saved"] == 0
    assert row["branches"] == 64
    store = ReplayStore.open(tree / "toy" / "products")
    assert row["tokens"] == self_consistency(store, range(20)).tokens.mean()


def test_interpreted_and_any_number_of_workers_give_the_same_rows(tree: Path) -> None:
    arguments = ["--traces", tree, "--controller", "cmc", "--beta", "0.4", "--seeds", "3:8"]
    rows = scores(*arguments)
    assert rows == scores(*arguments, "--workers", 1)
    assert rows == scores(*arguments, "--interpreted", "--workers", 1)
    assert rows != scores(*arguments, "--budget", 3000)


def test_scores_are_written_whole(tree: Path, tmp_path: Path) -> None:
    table, sheet = tmp_path / "out" / "scores.parquet", tmp_path / "out" / "scores.csv"
    rows = scores("--traces", tree, "--seeds", 5, "--out", table, "--out", sheet)
    assert len(rows) == 2 * 9  # every installed controller
    written = pyarrow.parquet.read_table(table).to_pylist()
    with sheet.open() as lines:
        read = list(csv.DictReader(lines))
    for row, from_parquet, from_csv in zip(rows, written, read, strict=True):
        assert from_parquet["tokens"] == row["tokens"]
        assert float(from_csv["accuracy"]) == pytest.approx(row["accuracy"])
        assert json.loads(from_csv["options"]) == row["options"]
    assert sorted(path.name for path in table.parent.iterdir()) == ["scores.csv", "scores.parquet"]


def test_the_table_names_grader_and_accounting(tree: Path) -> None:
    result = run("--traces", tree / "toy" / "sums", "--controller", "asc", "--seeds", 5)
    assert result.exit_code == 0
    assert "toy/sums: 6 questions x 5 seeds, grader exact-1, published accounting" in result.stdout
    assert "leader confident" in result.stdout


def test_several_stores_may_follow_traces(tree: Path) -> None:
    both = [tree / "toy" / "sums", tree / "toy" / "products"]
    rows = scores("--traces", *both, "--controller", "esc", "--seeds", 2)
    assert {row["benchmark"] for row in rows} == {"sums", "products"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--beta", "0,2"], "β = 2 is outside [0, 1]"),
        (["--beta", "half"], "'half' is not a list of numbers such as 0,0.5,1"),
        (["--seeds", "0"], "'0' holds no seed"),
        (["--seeds", "many"], "'many' is neither a number of seeds"),
        (["--out", "scores.xlsx"], "scores.xlsx: use .csv or .parquet"),
        (["--controller", "cmx"], "Did you mean 'cmc'?"),
        (["--controller", "asc:treshold=0.9"], "has no option 'treshold'"),
        (["--budget", "0"], "0 is not in the range"),
    ],
)
def test_mistakes_are_explained_before_any_work(
    tree: Path, arguments: list[str], message: str
) -> None:
    result = run("--traces", tree, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_no_store_is_explained(tmp_path: Path) -> None:
    result = run("--traces", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert str(tmp_path / "nowhere") in result.output.replace("\n", "")


def test_a_controller_that_does_not_compile_is_interpreted_and_says_why(
    tree: Path, tmp_path: Path
) -> None:
    path = tmp_path / "odd.py"
    path.write_text(
        "def schedule(beta):\n    return {'n': 3}\n\n\n"
        "def policy(episode, p):\n"
        "    names = {str(k): k for k in range(p.n)}\n"
        "    for name in sorted(names, key=lambda n: -names[n]):\n"
        "        episode.read()\n"
        "    return episode.answer(0)  # first\n"
    )
    result = run("--traces", tree, "--controller", path, "--seeds", 2, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert "controller 'odd' is interpreted, which is slow" in result.stderr
    assert "100 % first" in result.stdout


def test_bootstrap_interval_is_that_of_the_mean_over_questions() -> None:
    assert bootstrap_interval(np.full(30, 40.0)) == (40.0, 40.0)
    coin = np.tile([0.0, 100.0], 50)
    low, high = bootstrap_interval(coin)
    # Normal theory: 50 ± 1.96 x 50 / sqrt(100).
    assert low == pytest.approx(40.2, abs=1.0)
    assert high == pytest.approx(59.8, abs=1.0)
    assert (low, high) == bootstrap_interval(coin)
