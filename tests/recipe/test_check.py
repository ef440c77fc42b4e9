"""What is wrong with a recipe before any work starts, and what is only missing here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from autotts_core.cli import cli
from autotts_core.explorer import Explorer, Proposal
from autotts_core.plugins import Registry, registry
from autotts_core.recipe.check import Problem, problems
from autotts_core.recipe.reading import read_recipe
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

if TYPE_CHECKING:
    from conftest import Write

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def only(path: Path, *overrides: str) -> Problem:
    """The one problem that there is."""
    (problem,) = problems(read_recipe(path, overrides))
    return problem


@pytest.mark.parametrize(
    ("more", "line", "message"),
    [
        ("betas: [0, 0.5, 0.5]\n", 9, "betas.2: 0.5 follows 0.5: let β rise."),
        ("selection: {span: [1.0, 0.5]}\n", 9, "selection.span: from 1 to 0.5 spans nothing"),
        (
            "selection: {sequential_span: [0.4, 0.4]}\n",
            9,
            "selection.sequential_span: from 0.4 to 0.4 spans nothing",
        ),
        ("budget: {seconds: 1}\n", 9, "budget.seconds: 1 seconds are less than scoring"),
        ("limits: {seconds: 1}\n", 9, "limits.seconds: 1 seconds are less than compiling"),
        ("baselines: [asc, asc]\n", 9, "baselines.1: 'asc' is there already, as baselines.0."),
        ("baselines: ['asc:width=3']\n", 9, "baselines.0: controller 'asc' has no option 'width'"),
    ],
)
def test_mistakes(write: Write, more: str, line: int, message: str) -> None:
    path = write(more)
    found = only(path)
    assert found.text.startswith(f"{path}:{line}: {message}")
    assert not found.missing


@pytest.mark.parametrize(
    ("override", "message", "missing"),
    [
        ("explorer.name=random-serch", "There is no explorer 'random-serch'. Did you mean", True),
        ("stores.0.backend=simulatd", "There is no trace backend 'simulatd'. Did you mean", True),
        ("baselines=[asd]", "There is no controller 'asd'. Did you mean 'asc'?", True),
        ("explorer.options.candidate=3", "has no option 'candidate'. Did you mean 'candid", False),
        (
            "stores.0.options.question=3",
            "has no option 'question'. Did you mean 'questions'",
            False,
        ),
        ("stores.0.models=[sim-smal]", "There is no simulated model 'sim-smal'. Did you", False),
        ("stores.0.interval_tokens=100", "interval_tokens must be 500, it is 100", False),
        ("stores.0.sampling={}", "hands over whole traces: it samples nothing", False),
        ("search=['*/nowhere']", "search.0: no store matches '*/nowhere'.", False),
        ("held_out=['sim-small/sim']", "held_out.0: the store sim-small/sim is search and", False),
    ],
)
def test_mistakes_in_names(write: Write, override: str, message: str, missing: bool) -> None:
    found = only(write(), override)
    assert message in found.text
    assert override.partition("=")[0].split(".")[0] in found.text
    assert found.missing is missing


def test_a_paid_explorer_needs_dollars(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dear(Explorer):
        name, summary, paid = "dear", "Costs money", True

        def propose(self, workbench: object) -> list[Proposal]:
            return []

    monkeypatch.setattr(Registry, "get", lambda self, kind, name: Dear)
    found = [each.text for each in problems(read_recipe(write("budget: {dollars: 0}\n")))]
    assert any("costs money, so that nothing can be proposed for $0" in text for text in found)
    found = [each.text for each in problems(read_recipe(write("budget: {dollars: 1}\n")))]
    assert not any("costs money" in text for text in found)


def test_stores_to_collect_from_an_engine(write: Write, minimal: str, tmp_path: Path) -> None:
    rest = "explorer" + minimal.partition("explorer")[2]
    stores = """stores:
  - backend: simulated-engine
    models: [toy]
    benchmarks: [arithmetic]
    benchmark_options: {form: completion}
search: [toy/*]
"""
    assert problems(read_recipe(write(text=stores + rest))) == []
    for executor, message in (
        ("{name: proceses}", "There is no executor 'proceses'. Did you mean 'processes'?"),
        ("{name: processes, options: {device: 0}}", "no option 'device'. Did you mean 'devices'?"),
    ):
        spread = f"    sampling: {{executor: {executor}}}\nsearch"
        found = only(write(text=stores.replace("search", spread) + rest))
        assert ":6: stores.0.sampling.executor: " in found.text
        assert message in found.text
    elsewhere = stores.replace("simulated-engine", "openai-compatible").replace(
        "    models", "    options: {base_url: 'http://127.0.0.1:1/v1'}\n    models"
    )
    found = only(write(text=elsewhere + rest))
    assert "no tokenizer is known for 'toy'" in found.text
    assert found.missing
    (tmp_path / "empty").mkdir()
    empty = elsewhere.replace("base_url", f"tokenizer: {tmp_path / 'empty'}, base_url")
    assert "tokenizer.json: there is no such file" in only(write(text=empty + rest)).text


def test_stores_that_are_there(write: Write, minimal: str, tmp_path: Path) -> None:
    rest = "explorer" + minimal.partition("explorer")[2]
    (tmp_path / "stores").mkdir()
    toy_store(tmp_path / "stores", [BranchTrace(["a"], 500, "a")])
    text = f"stores:\n  - path: stores\nsearch: [toy/*]\n{rest}"
    assert problems(read_recipe(write(text=text))) == []
    path = write(text=text.replace("path: stores", "path: nowhere"))
    lacking = only(path)
    assert lacking.missing
    assert lacking.text.startswith(f"{path}:2: stores.0.path: {tmp_path / 'nowhere'}: no such dir")
    twice = write(text=text.replace("- path: stores", "- path: stores\n  - path: stores"))
    assert f"{twice}:3: stores.1: the store toy/sums comes from stores.0, too" in only(twice).text


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_recipes_have_no_mistakes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AUTOTTS_RELEASED_TRACES", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = problems(read_recipe(path))
    assert [problem.text for problem in found if not problem.missing] == []
    missing = "".join(problem.text for problem in found)
    assert ("ANTHROPIC_API_KEY is not set" in missing) is (
        path.stem in ("aime24_qwen3", "aime24_qwen3_released")
    )


def test_the_command_tells_mistakes_from_what_is_missing(write: Write) -> None:
    fine = CliRunner().invoke(cli, ["recipe", "check", str(write())])
    assert (fine.exit_code, fine.stdout.splitlines()[-1]) == (0, f"{write()}: OK")
    lacking = CliRunner().invoke(
        cli, ["recipe", "check", str(write()), "--set", "explorer.name=claude"]
    )
    assert lacking.exit_code == 0
    assert (
        "Missing on this machine:\n  --set explorer.name=claude: explorer.name:" in lacking.stdout
    )
    assert "OK, but cannot be run here" in lacking.stdout
    wrong = CliRunner().invoke(cli, ["recipe", "check", str(write("rounds: 0\n")), "--json"])
    assert wrong.exit_code == 1
    report = json.loads(wrong.stdout)
    assert (report["ok"], len(report["mistakes"]), report["missing"]) == (False, 1, [])


def test_the_schema_describes_every_key() -> None:
    schema = json.loads(CliRunner().invoke(cli, ["recipe", "schema"]).stdout)
    assert {"stores", "search", "explorer", "extends"} <= schema["properties"].keys()
    assert schema["properties"]["betas"]["description"].startswith("The β grid")
    assert schema["additionalProperties"] is False
    assert "required" not in schema


def test_what_an_explorer_lacks_is_missing_and_no_mistake(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = registry().get("explorer", "random-search")
    monkeypatch.setattr(explorer, "lacks", lambda self, budget: "SOME_KEY is not set")
    [problem] = problems(read_recipe(write()))
    assert problem.missing
    assert problem.text.endswith("explorer.name: SOME_KEY is not set")
