"""Reading recipes: what they may say, and where a mistake is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from autotts_core.errors import RecipeError
from autotts_core.recipe.reading import read_recipe, recipe_digest, resolved_yaml
from autotts_core.recipe.schema import CollectedStores

if TYPE_CHECKING:
    from conftest import Write

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def refused(path: Path, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        read_recipe(path, overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "line", "message"),
    [
        ("explorerr: x\n", 9, "unknown key 'explorerr'. Did you mean 'explorer'?"),
        ("budget: {dolars: 3}\n", 9, "unknown key 'budget.dolars'. Did you mean 'dollars'?"),
        ("selection:\n  rul: x\n", 10, "unknown key 'selection.rul'. Did you mean 'rule'?"),
        ("limits: {sec: 3}\n", 9, "unknown key 'limits.sec'. Did you mean 'seconds'?"),
        ("rounds: many\n", 9, "rounds: input should be a valid integer"),
        ("rounds: 0\n", 9, "rounds: input should be greater than 0 (got 0)"),
        ("betas:\n  - 0\n  - 1.2\n", 11, "betas.1: input should be less than or equal to 1"),
        ("betas: 0.5\n", 9, "betas: input should be a valid"),
        ("seed: -1\n", 9, "seed: input should be greater than or equal to 0 (got -1)"),
        ("selection: {rule: best}\n", 9, "selection.rule: input should be 'highest-accuracy',"),
        ("selection: {span: [0, 1]}\n", 9, "selection.span.0: input should be greater than 0"),
        ("name: a b\n", 9, "name: string should match pattern"),
        ("name: yes\n", 9, "name: should be a string: put it in quotes, for YAML reads yes"),
        ("budget: {dollars: -1}\n", 9, "budget.dollars: input should be greater than or equal"),
        ("baselines: cmc\n", 9, "baselines: input should be a valid tuple"),
    ],
)
def test_mistakes_carry_file_line_and_key(write: Write, more: str, line: int, message: str) -> None:
    path = write(more)
    assert refused(path).startswith(f"{path}:{line}: {message}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  - backend: simulated\n    models", "  - models", ":2: stores.0: give either 'path'"),
        ("simulated\n", "simulated\n    branchs: 3\n", ":3: unknown key 'stores.0.branchs'."),
        ("[sim-small]", "[]", ":3: stores.0.models: tuple should have at least 1 item"),
        ("    models: [sim-small]\n", "", ":2: the key 'stores.0.models' is missing."),
        ("  name: random-search", "  {}", ":7: the key 'explorer.name' is missing."),
        ("  name: random-search", "  - name", ":7: explorer: input should be a valid"),
        (
            "simulated\n",
            "simulated\n    sampling: {temp: 1}\n",
            ":3: unknown key 'stores.0.sampling.t",
        ),
    ],
)
def test_mistakes_in_sections(write: Write, minimal: str, old: str, new: str, message: str) -> None:
    path = write(text=minimal.replace(old, new))
    assert f"{path}{message}" in refused(path)


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    assert len(refused(write("rounds: 0\nseeds: 0\nexplorerr: 1\n")).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stores: [\n", ":2:1: not YAML: "),
        ("a: 1\na: 2\n", ":2: a: given twice, first at "),
        ("stores:\n  on: 1\n", ":2: the key 'on' is read as a bool: put it in quotes"),
        ("- a\n", ": a recipe is a mapping of keys"),
        ("", ": a recipe is a mapping of keys"),
    ],
)
def test_what_is_no_recipe(write: Write, text: str, message: str) -> None:
    path = write(text=text)
    assert refused(path).startswith(f"{path}{message}")


def test_a_missing_file_names_the_nearest(write: Write, tmp_path: Path) -> None:
    write(name="quick.yaml")
    assert "quik.yaml: there is no such file. Did you mean 'quick.yaml'?" in refused(
        tmp_path / "quik.yaml"
    )


def test_the_name_is_the_files_unless_it_is_given(write: Write) -> None:
    assert read_recipe(write(name="my run.yaml")).recipe.name == "my-run"
    assert read_recipe(write("name: other\n")).recipe.name == "other"


def test_extending_merges_mappings_and_replaces_the_rest(write: Write) -> None:
    write("budget: {dollars: 5, seconds: 60}\nbetas: [0, 0.5, 1]\n", name="base.yaml")
    write(text="extends: base.yaml\nbudget: {dollars: 7}\n", name="middle.yaml")
    path = write(
        text="extends: middle.yaml\nbetas: [0, 1]\nexplorer:\n  options: {candidates: 3}\n"
    )
    recipe = read_recipe(path).recipe
    assert (recipe.budget.dollars, recipe.budget.seconds) == (7, 60)
    assert recipe.betas == (0, 1)
    assert (recipe.explorer.name, recipe.explorer.options) == ("random-search", {"candidates": 3})


def test_of_several_bases_the_later_wins(write: Write) -> None:
    write("rounds: 2\nseed: 5\n", name="a.yaml")
    write(text="rounds: 3\n", name="b.yaml")
    recipe = read_recipe(write(text="extends: [a.yaml, b.yaml]\n")).recipe
    assert (recipe.rounds, recipe.seed) == (3, 5)


def test_mistakes_in_a_base_are_placed_there(write: Write, tmp_path: Path) -> None:
    write("rounds: 0\n", name="base.yaml")
    path = write(text="extends: base.yaml\nseeds: 0\n")
    told = refused(path)
    assert f"{tmp_path / 'base.yaml'}:9: rounds:" in told
    assert f"{path}:2: seeds:" in told


def test_extending_in_a_circle_or_nothing(write: Write) -> None:
    write(text="extends: b.yaml\n", name="a.yaml")
    path = write(text="extends: a.yaml\n", name="b.yaml")
    assert "goes round in a circle" in refused(path)
    lost = write(text="extends: nowhere.yaml\n", name="c.yaml")
    assert "nowhere.yaml: there is no such file." in refused(lost)
    assert f"It is extended by {lost}." in refused(lost)
    assert "extends: give a file, or a list of files" in refused(write(text="extends: 3\n"))


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("rounds=2", lambda recipe: recipe.rounds == 2),
        (
            "explorer.options.candidates=7",
            lambda recipe: recipe.explorer.options["candidates"] == 7,
        ),
        ("stores.0.models=[sim-large]", lambda recipe: recipe.stores[0].models == ("sim-large",)),
        ("stores.0.seed=3", lambda recipe: recipe.stores[0].seed == 3),
        ("betas=[0, 1e-1]", lambda recipe: recipe.betas == (0, 0.1)),
        ("budget={dollars: 2}", lambda recipe: recipe.budget.dollars == 2),
    ],
)
def test_overrides(write: Write, override: str, read: object) -> None:
    assert callable(read)
    assert read(read_recipe(write(), [override]).recipe)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rounds", "--set rounds: must have the form key=value"),
        ("rounds=0", "--set rounds=0: rounds: input should be greater than 0"),
        ("roundz=2", "--set roundz=2: unknown key 'roundz'. Did you mean 'rounds'?"),
        ("stores.4.seed=1", "stores is a list with 1 entries: 4 is none of them"),
        ("rounds.x=1", "--set rounds.x=1: rounds has no keys: it is 3"),
        ("betas=[", "--set betas=[:1:2: not YAML"),
    ],
)
def test_mistaken_overrides(write: Write, override: str, message: str) -> None:
    assert message in refused(write("rounds: 3\n"), override)


def test_environment_variables(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", "here")
    monkeypatch.delenv("NOWHERE", raising=False)
    recipe = read_recipe(write("description: in ${SOMEWHERE} or ${NOWHERE:-there}\n")).recipe
    assert recipe.description == "in here or there"
    path = write("description: ${NOWHERE}\n")
    assert refused(path) == (
        f"{path}:9: description: the environment variable NOWHERE is not set. Set it, or write "
        "${NOWHERE:-default}."
    )


def test_a_relative_path_is_taken_from_its_file(
    write: Write, minimal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "stores:\n  - path: ../there\n" + minimal.partition("sim, other]\n")[2]
    (tmp_path / "deep").mkdir()
    base = write(name="deep/base.yaml", text=text)
    monkeypatch.chdir("/")

    def path_of(path: Path, *overrides: str) -> Path:
        entry = read_recipe(path, overrides).recipe.stores[0]
        assert isinstance(entry, CollectedStores)
        return entry.path

    assert path_of(base) == tmp_path / "there"
    assert path_of(write(text="extends: deep/base.yaml\n")) == tmp_path / "there"
    assert path_of(base, "stores.0.path=here") == Path("/here")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.name)
def test_what_is_resolved_reads_back(path: Path, tmp_path: Path) -> None:
    recipe = read_recipe(path).recipe
    again = tmp_path / "again.yaml"
    again.write_text(resolved_yaml(recipe))
    assert read_recipe(again).recipe == recipe
    assert "extends" not in yaml.safe_load(again.read_text())


def test_the_digest_is_of_what_a_recipe_does(write: Write) -> None:
    plain = recipe_digest(read_recipe(write()).recipe)
    assert recipe_digest(read_recipe(write("description: x\n", name="b.yaml")).recipe) == plain
    assert recipe_digest(read_recipe(write("seed: 1\n")).recipe) != plain
