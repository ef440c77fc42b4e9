"""A round of exploring without a run around it, and models that a script stands for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autotts_core.agent.explorer import AgentExplorer
from autotts_core.agent.scripted_server import ScriptedServer, serving
from autotts_core.collection import collect_store
from autotts_core.confinement import LAYERS
from autotts_core.discovery.baselines import baseline_frontier
from autotts_core.discovery.history import History
from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.discovery.workbench import Clock, Session, Workbench
from autotts_core.explorer import Proposal
from autotts_core.plugins import registry
from autotts_core.recipe.schema import Recipe
from autotts_core.store import ReplayStore
from autotts_core.trace_backend import StoreRequest

GOOD = '''\
"""Read branches."""

INCREASING = ("most",)


def schedule(beta):
    return {"most": 2 + round(14 * beta)}


def policy(episode, p):
    votes = episode.tally()
    for _ in range(p.most):
        i = episode.read()
        if i < 0:
            break
        votes.add(episode.answer(i))
    return votes.leader()  # read enough
'''
NARROW = GOOD.replace("2 + round(14 * beta)", "1 + round(3 * beta)")
BROKEN = "import os\n" + GOOD

KEY = "sk-planted-0123456789abcdef"

WIRES = ("claude", "openai", "chat")
"""The explorers under test, by the protocol that they speak."""

PRICES = {
    "claude": {"input": 4.0, "cache_read": 0.2, "cache_write": 5.0, "output": 20.0},
    "openai": {"input": 2.0, "cache_read": 0.1, "cache_write": 2.0, "output": 10.0},
}


def explorer(wire: str, url: str, **options: Any) -> AgentExplorer:
    """The explorer that speaks `wire` to a server at `url`."""
    if wire == "claude":
        name, given = "claude", {"base_url": url}
    else:
        name, given = "openai", {"base_url": f"{url}/v1"}
    if wire == "chat":
        given["api"] = "chat"
    found = registry().get("explorer", name).configure({**given, **options})
    assert isinstance(found, AgentExplorer)
    return found


def submits(source: str, rationale: str = "Reads more as β grows.") -> dict[str, Any]:
    """A scripted turn that hands in `source`."""
    arguments = {"source": source, "rationale": rationale}
    return {"calls": [{"name": "submit", "arguments": arguments}]}


def prices(wire: str) -> Mapping[str, float]:
    """Dollars for a million tokens of the model that `wire` talks to."""
    return PRICES["claude" if wire == "claude" else "openai"]


@dataclass
class Bench:
    """A run's directory, and rounds on it."""

    run: RunDirectory
    stores: Sequence[ReplayStore]
    recipe: Recipe
    said: list[str] = field(default_factory=list)

    def round(self, number: int = 1, **budget: float) -> Workbench:
        """The workbench of a round, as a process that has just started sees it."""
        recipe = self.recipe.model_copy(
            update={"budget": self.recipe.budget.model_copy(update=budget)}
        )
        session = Session(recipe, self.run, 1, Clock(self.run), self._report, LAYERS)
        history = History([entry for k in range(1, number) for entry in self.run.kept(k)])
        baseline = baseline_frontier(
            "self-consistency:branches=4", self.stores, (0, 1), range(2), 1
        )
        return Workbench(self.stores, history, [baseline], number, session)

    def propose(self, explorer: AgentExplorer, **budget: float) -> list[Proposal]:
        """What `explorer` hands in, in a first round."""
        return list(explorer.propose(self.round(**budget)))

    def transcript(self) -> str:
        """All that was written down of the first round."""
        path = self.run.round(1) / "transcript.jsonl"
        return path.read_text() if path.exists() else ""

    def _report(self, event: Mapping[str, Any]) -> None:
        if event["kind"] == "explorer":
            self.said.append(event["text"])


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A run in which `GOOD`, `NARROW` and `BROKEN` were evaluated already."""
    directory = tmp_path_factory.mktemp("agent")
    backend = registry().get("trace backend", "simulated").configure({"questions": 4})
    request = StoreRequest("sim-small", "sim", branches=16, interval_tokens=500, seed=0)
    store = ReplayStore.open(collect_store(backend, request, directory / "stores"))
    recipe = Recipe.model_validate(
        {
            "name": "small",
            "stores": [{"path": str(store.path)}],
            "search": ["*"],
            "explorer": {"name": "claude"},
            "rounds": 2,
            "betas": [0, 1],
            "seeds": 2,
            "selection": {"folds": 2},
        }
    )
    bench = Bench(RunDirectory(directory / "run"), [store], recipe)
    for source in (GOOD, NARROW):
        bench.round().evaluate(source)
    return bench


@pytest.fixture
def bench(evaluated: Bench, tmp_path: Path) -> Bench:
    """A new run on the same store, that knows what was evaluated."""
    shutil.copytree(evaluated.run.path / "evaluations", tmp_path / "run" / "evaluations")
    return Bench(RunDirectory(tmp_path / "run"), evaluated.stores, evaluated.recipe)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    # Waits are the server's word; where it has none, tests do not sit them out.
    monkeypatch.setattr("autotts_core.agent.conversation._FIRST_WAIT", 0.01)


Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve() -> Serve:
    """Starts a server whose first conversation has the given turns."""
    from contextlib import ExitStack

    with ExitStack() as running:

        def start(*turns: Mapping[str, Any]) -> ScriptedServer:
            return running.enter_context(serving(ScriptedServer({"conversations": [list(turns)]})))

        yield start
