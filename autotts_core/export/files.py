"""A run's selected controller as one source file, or as a plugin distribution."""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from autotts_core import __version__
from autotts_core.controller_file import load_controller_source
from autotts_core.errors import AutoTTSError
from autotts_core.export.sample import sample_branches, sample_outcomes
from autotts_core.files import write_atomically
from autotts_core.hookspecs import CONTRACT_VERSION
from autotts_core.recipe.reading import read_recipe
from autotts_core.report.comparison_table import comparison_table
from autotts_core.report.findings import GAINS, SETS, Findings, conditions

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def export_file(found: Findings, path: Path) -> None:
    """Write the selected controller to the new file `path`, under a comment on where it is from."""
    if path.suffix != ".py":
        raise AutoTTSError(f"{path}: a controller file ends in .py.")
    if path.exists():
        raise AutoTTSError(f"{path}: is there already. Choose another name, or remove it.")
    head = f"# Selected by AutoTTS {__version__} in the run {found.name}.\n"
    write_atomically(path, (head + found.source).encode())


def export_plugin(found: Findings, directory: Path, name: str) -> None:
    """Write a distribution that offers the selected controller as `name` to a new `directory`.

    Its README has what the run measured, its test replays the controller on branches of its
    own. Raises `AutoTTSError` for a name that a controller cannot have, and where something is
    in the way.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise AutoTTSError(
            f"{name!r} cannot be a controller's name: take lower-case letters, digits and "
            "hyphens, a letter first, as in 'short-first' (--name)."
        )
    if directory.exists():
        raise AutoTTSError(f"{directory}: is there already. Choose another place, or remove it.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}.", dir=directory.parent) as root:
        draft = Path(root) / "plugin"
        for path, text in _contents(found, name).items():
            target = draft / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        shutil.move(draft, directory)


def _contents(found: Findings, name: str) -> dict[str, str]:
    """The distribution's files: path below its directory, and text."""
    module = f"autotts_{name.replace('-', '_')}"
    controller = load_controller_source(found.source, name)()
    recipe = read_recipe(found.run.recipe).recipe
    betas = [recipe.betas[0], recipe.betas[-1]]
    values: dict[str, Any] = {
        "name": name,
        "module": module,
        "summary": controller.summary,
        "betas": ",".join(f"{beta:g}" for beta in recipe.betas),
        "found": found,
        "recipe": recipe,
        "version": __version__,
        "next_version": _next_minor(__version__),
        "contract": CONTRACT_VERSION,
        "gains": {GAINS[key]: gain for key, gain in found.results["gain"].items() if gain},
        "tables": {SETS[key]: _table(found, key, recipe.betas) for key in found.sets},
        "branches": sample_branches(),
        "outcomes": {beta: sample_outcomes(controller, beta) for beta in dict.fromkeys(betas)},
    }
    templates = Environment(
        loader=PackageLoader("autotts_core.export"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written = {
        "pyproject.toml": "pyproject.toml.jinja",
        "README.md": "README.md.jinja",
        f"{module}/__init__.py": "plugin.py.jinja",
        "tests/test_replay.py": "test_replay.py.jinja",
    }
    texts = {path: templates.get_template(each).render(values) for path, each in written.items()}
    return texts | {f"{module}/{name}.py": found.source, f"{module}/py.typed": ""}


def _table(found: Findings, key: str, betas: Sequence[float]) -> str:
    """The average over stores: each baseline at its widest, the controller at every β."""
    of_set = found.sets[key]
    measured = conditions(of_set, found.results["seeds"])
    caption = f"{', '.join(of_set['stores'])}: {measured}. Saved: of SC@64's tokens."
    marks: dict[float | None, str] = {b: found.operating_points.get(b, "") for b in betas}
    return comparison_table({**of_set, "stores": []}, marks, caption, every=False).markdown()


def _next_minor(version: str) -> str:
    major, minor = version.split(".")[:2]
    return f"{major}.{int(minor) + 1}"
