"""A small run: three simulated questions sets, an explorer that hands in what it is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from autotts_core.testing import install_distribution

SCRIPTED = '''\
"""An explorer for tests: hands in the sources in the files that its options name."""
import os
from pathlib import Path

from autotts_core.component import Options
from autotts_core.errors import AutoTTSError
from autotts_core.explorer import Explorer, Proposal
from autotts_core.hookspecs import hookimpl
from autotts_core.store import ReplayStore

AUTOTTS_CONTRACT = 1


class ScriptedOptions(Options):
    folder: Path
    """Where the sources are: ROUND-NUMBER.py."""
    peeks: Path | None = None
    """A store to read in the first round."""


class Scripted(Explorer):
    name = "scripted"
    summary = "Hands in prepared sources"
    Options = ScriptedOptions

    def propose(self, workbench):
        if self.options.peeks is not None:
            ReplayStore.open(self.options.peeks).load()
        for path in sorted(self.options.folder.glob(f"{workbench.round}-*.py")):
            def pay():
                with (self.options.folder / "paid").open("a") as file:
                    file.write(path.name + "\\n")
                return {"source": path.read_text()}
            reply = workbench.once(path.stem, pay)
            workbench.charge(path.stem, 0.25)
            workbench.progress(1, path.stem)
            yield Proposal(reply["source"], f"from {path.name}")


class Paid(Scripted):
    name = "paid"
    summary = "Costs money"
    paid = True


@hookimpl
def autotts_register_explorers():
    return [Scripted, Paid]


@hookimpl
def autotts_run_finished(run):
    with (run / "heard").open("a") as file:
        file.write("finished\\n")
'''

READS = '''\
"""Read branches."""

INCREASING = ("most",)


def schedule(beta):
    return {{"most": {low} + round({rise} * beta)}}


def policy(episode, p):
    votes = episode.tally()
    for _ in range(p.most):
        i = episode.read()
        if i < 0:
            break
        votes.add(episode.answer(i))
    return votes.leader()  # read enough
'''

RECIPE = """\
stores:
  - backend: simulated
    models: [sim-small, sim-large]
    benchmarks: [sim, other]
    branches: 16
    options: {{questions: 5}}
search: ["*/sim"]
held_out: ["*/other"]
explorer:
  name: scripted
  options: {{folder: {folder}}}
rounds: 2
betas: [0, 1]
seeds: 4
baselines: ["self-consistency:branches=1,16", "asc:max_branches=16"]
selection: {{folds: 2}}
"""

Autotts = Callable[..., "subprocess.CompletedProcess[str]"]


def reads(low: int, rise: int) -> str:
    """A controller that reads `low` branches at β = 0 and `rise` more at β = 1."""
    return READS.format(low=low, rise=rise)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    install_distribution(
        directory, "scripted", "1.0", {"scripted_explorer.py": SCRIPTED}, {"s": "scripted_explorer"}
    )
    return directory


def prepare(directory: Path) -> Path:
    """A recipe in `directory` with two rounds of proposals, one of which is at fault."""
    folder = directory / "sources"
    folder.mkdir()
    (folder / "1-1.py").write_text(reads(2, 2))
    (folder / "1-2.py").write_text(reads(4, -2))
    (folder / "2-1.py").write_text(reads(2, 14))
    path = directory / "small.yaml"
    path.write_text(RECIPE.format(folder=folder))
    return path


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return prepare(tmp_path)


@pytest.fixture(scope="session")
def environment(site: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(site)}


@pytest.fixture(scope="session")
def autotts(environment: dict[str, str]) -> Autotts:
    """Runs `autotts` in a directory, as a process of its own."""

    def run(directory: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "autotts_core", *map(str, arguments)],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@dataclass(frozen=True)
class Finished:
    """A run that is done: its recipe, its directory, and what the command printed."""

    recipe: Path
    run: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, autotts: Autotts) -> Finished:
    recipe = prepare(tmp_path_factory.mktemp("finished"))
    done = autotts(recipe.parent, "run", recipe, "--out", "run", "--json")
    assert done.returncode == 0, done.stderr
    return Finished(recipe, recipe.parent / "run", done)
