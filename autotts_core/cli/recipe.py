"""`autotts recipe`: check recipes before they are run."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group()
def recipe() -> None:
    """Check recipes; print their JSON Schema."""


@recipe.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of the recipe, as `autotts run` does.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(context: click.Context, path: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check the recipe in FILE, without doing anything.

    Exits with 1 where it has a mistake. What this machine lacks to run it, a plugin or a store,
    is said, and is no mistake.
    """
    from autotts_core.errors import RecipeError
    from autotts_core.recipe.check import Problem, problems
    from autotts_core.recipe.reading import read_recipe

    try:
        found = problems(read_recipe(path, overrides))
    except RecipeError as error:
        found = [Problem(line) for line in str(error).splitlines()]
    mistakes = [problem.text for problem in found if not problem.missing]
    missing = [problem.text for problem in found if problem.missing]
    if as_json:
        report = {"ok": not mistakes, "mistakes": mistakes, "missing": missing}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        for mistake in mistakes:
            click.echo(mistake)
        if missing:
            click.echo("Missing on this machine:")
        for text in missing:
            click.echo(f"  {text}")
        if not mistakes:
            click.echo(f"{path}: OK" + (", but cannot be run here" if missing else ""))
    if mistakes:
        context.exit(1)


@recipe.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from autotts_core.recipe.schema import Recipe

    described = Recipe.model_json_schema()
    described["properties"]["extends"] = {
        "description": "A recipe, or a list of them, that this one starts from.",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    # What a recipe extends may give it any key.
    described.pop("required")
    click.echo(json.dumps(described, indent=2, ensure_ascii=False))
