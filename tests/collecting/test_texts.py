"""What branches and probes wrote, in stores that keep it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from autotts_sim.engine import SimulatedEngine
from click.testing import CliRunner

from autotts_core.cli import cli
from autotts_core.collecting.collecting import collect
from autotts_core.collecting.collection import Collection
from autotts_core.engine_branch import BranchSettings
from autotts_core.errors import OptionError
from autotts_core.grader import ExactGrader
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.store import ReplayStore, check_store, grade_store
from autotts_core.store.check import sha256_of
from autotts_core.store.text_check import check_texts
from autotts_core.store.texts import TEXTS, read_texts, write_texts
from autotts_core.traces import BranchText

OPTIONS = {"questions": 3, "form": "completion"}
BENCHMARK = registry().get("benchmark", "arithmetic").configure(OPTIONS)
TOKENIZER = ModelTokenizer(SimulatedEngine().tokenizer("toy"))


def collected(out: Path, texts: bool, **options: Any) -> Path:
    settings = BranchSettings(interval_tokens=100, max_tokens=1000)
    collection = Collection("toy", BENCHMARK, 4, settings, texts=texts)
    engine = SimulatedEngine.configure({"goes_on": True, **options})
    asyncio.run(collect(collection, engine, out, lambda tally: None))
    return out


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collected(tmp_path_factory.mktemp("told") / "store", True)


@pytest.fixture
def store(told: Path, tmp_path: Path) -> Path:
    """One to spoil."""
    path = tmp_path / "store"
    path.mkdir()
    for file in told.iterdir():
        (path / file.name).write_bytes(file.read_bytes())
    return path


def test_texts_are_one_file_more(told: Path, tmp_path: Path) -> None:
    plain = collected(tmp_path / "plain", False)
    assert check_store(told) == check_store(plain) == []
    names = {path.name for path in told.iterdir()}
    assert names - {path.name for path in plain.iterdir()} == {TEXTS}
    for name in names - {TEXTS, "manifest.json"}:
        assert (told / name).read_bytes() == (plain / name).read_bytes()
    manifest = ReplayStore.open(told).manifest
    files = {name: entry for name, entry in manifest.files.items() if name != TEXTS}
    assert manifest.model_copy(update={"files": files}) == ReplayStore.open(plain).manifest


def test_they_give_the_intervals_and_answers_again(told: Path) -> None:
    assert check_texts(told, TOKENIZER, BENCHMARK) == []
    rows = list(read_texts(told))
    assert [(row.question, row.branch) for row in rows] == [
        (q, b) for q in range(3) for b in range(4)
    ]
    texts = [row.written.text for row in rows]
    # Ended by the stop string, which stands in the ids alone; or cut off at 1000 tokens.
    assert {text[-1] == "\n" for text in texts if len(text) < 1000} == {True}
    assert any(row.written.final_probe for row in rows)
    assert any(row.written.final_probe is None for row in rows)


def test_failures_change_nothing(told: Path, tmp_path: Path) -> None:
    again = collected(tmp_path / "again", True, failures=0.3)
    assert (again / TEXTS).read_bytes() == (told / TEXTS).read_bytes()


def test_a_store_graded_again_has_them(told: Path, tmp_path: Path) -> None:
    grade_store(tmp_path / "graded", told, ExactGrader())
    assert (tmp_path / "graded" / TEXTS).read_bytes() == (told / TEXTS).read_bytes()
    assert check_texts(tmp_path / "graded", TOKENIZER, BENCHMARK) == []


Spoil = Callable[[BranchText], BranchText]


def spoiled(store: Path, spoil: Spoil) -> None:
    """Change the first branch's texts."""
    rows = [row.written for row in read_texts(store)]
    replaced(store, [spoil(rows[0]), *rows[1:]])


def replaced(store: Path, rows: Sequence[BranchText]) -> None:
    """Put other texts in, and let the manifest say that it should be so."""
    count = write_texts(store / TEXTS, [rows[k : k + 4] for k in range(0, len(rows), 4)])
    path = store / "manifest.json"
    manifest = json.loads(path.read_text())
    size = (store / TEXTS).stat().st_size
    manifest["files"][TEXTS] = {"sha256": sha256_of(store / TEXTS), "bytes": size, "rows": count}
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda row: replace(row, token_ids=row.token_ids[:-1]), "825 tokens and 8 probes, where"),
        (lambda row: replace(row, probes=[]), "and 0 probes, where branches.parquet has 826"),
    ],
)
def test_check_counts_tokens_and_probes(store: Path, spoil: Spoil, said: str) -> None:
    spoiled(store, spoil)
    [problem] = check_store(store)
    assert (problem.file, problem.question, problem.branch) == (TEXTS, 0, 0)
    assert said in problem.message


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda row: replace(row, token_ids=[65, *row.token_ids[1:]]), "do not decode to the text"),
        (lambda row: replace(row, text=row.text + "\nAnswer: 1"), "answers '1' by its text, and"),
        (lambda row: replace(row, probes=[" 12345", *row.probes[1:]]), "probe 1 answers '12345'"),
    ],
)
def test_texts_that_give_something_else_are_told(store: Path, spoil: Spoil, said: str) -> None:
    spoiled(store, spoil)
    assert check_store(store) == []
    problems = check_texts(store, TOKENIZER, BENCHMARK)
    assert {(problem.file, problem.question, problem.branch) for problem in problems} == {
        (TEXTS, 0, 0)
    }
    assert any(said in problem.message for problem in problems)


def test_a_row_too_few_and_a_file_that_is_none(store: Path) -> None:
    rows = [row.written for row in read_texts(store)]
    write_texts(store / TEXTS, [rows[:4]])
    assert (
        any("one row for each of 12 branches" in each.message for each in check_store(store))
        is False
    )
    (store / TEXTS).write_bytes(b"PAR1")
    assert [each.file for each in check_store(store)] == [TEXTS]


def test_the_command(told: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> tuple[int, str]:
        wanted = ["traces", "check", *map(str, arguments)]
        result = CliRunner().invoke(cli, wanted, catch_exceptions=True)
        return result.exit_code, f"{result.output}{result.exception or ''}"

    form = ["--benchmark-option", "form=completion"]
    assert run(told, "--tokenizer", TOKENIZER.directory, *form) == (0, f"{told}: OK\n")
    plain = collected(tmp_path / "plain", False)
    code, said = run(plain, "--tokenizer", TOKENIZER.directory, *form)
    assert (code, "made without texts" in said) == (1, True)
    code, said = run(told, "--tokenizer", TOKENIZER.directory)
    assert code != 0
    with pytest.raises(OptionError, match="asked and probed in another form"):
        check_texts(told, TOKENIZER, registry().get("benchmark", "arithmetic").configure({}))
