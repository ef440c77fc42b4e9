"""Hostile and broken controllers: none gets a score, each is told why, nothing is left behind."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from autotts_core import confinement
from autotts_core.confinement import LAYERS
from autotts_core.controller_source import check_source
from autotts_core.errors import ControllerError
from autotts_core.evaluator import Evaluator, audit, parent, workers
from autotts_core.evaluator.parent import ControllerSource
from autotts_core.recipe.schema import Limits
from autotts_core.store import ReplayStore
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

CORPUS = sorted((Path(__file__).parent / "hostile").glob("*.py"))

HONEST = """
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
"""

pytestmark = [
    # Each is compiled in a process of its own.
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/status").exists(), reason="untrusted code is confined on Linux alone"
    ),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    branches = [BranchTrace(["a", "b", "a"], 1520, "a") for _ in range(8)]
    return toy_store(tmp_path_factory.mktemp("stores"), branches, branches)


def evaluator(
    store: ReplayStore, layers: tuple[str, ...] = LAYERS, seconds: float = 60
) -> Evaluator:
    return Evaluator([store], 3, Limits(seconds=seconds, memory_gib=4), 1, layers)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "check_source", lambda source: None)


def hostile(name: str) -> str:
    return (Path(__file__).parent / "hostile" / f"{name}.py").read_text()


def children() -> set[str]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() or int(fields[2]) in {
            each._process.popen.pid for each in workers._templates.values()
        }:
            found.add(stat.parent.name)
    return found


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
@pytest.mark.parametrize("worth_compiling", [1, 10**6], ids=["compiled", "interpreted"])
def test_none_gets_a_score(
    store: ReplayStore, path: Path, worth_compiling: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_WORTH_COMPILING", worth_compiling)
    # As it is, line ends too.
    source = path.read_bytes().decode()
    found = re.search("^# Reason: (.*)$", source, re.MULTILINE)
    assert found is not None
    seconds = 5 if "did not finish" in found.group(1) else 60
    with pytest.raises(ControllerError, match=found.group(1)):
        evaluator(store, seconds=seconds).evaluate(source, "hostile", (0.0, 0.333, 1.0))


def test_there_are_forty() -> None:
    assert len(CORPUS) >= 40


def test_the_machine_goes_on_and_nothing_is_left_behind(store: ReplayStore) -> None:
    evaluator(store).evaluate(HONEST, "honest", (0.5,))
    before = children()
    endless = HONEST.replace("i = ", "while p.width > 0:\n        episode.branch()\n    i = ")
    with pytest.raises(ControllerError, match=r"did not finish within 5 seconds|CPU time"):
        evaluator(store, seconds=5).evaluate(endless, "endless", (0.5,))
    assert evaluator(store).evaluate(HONEST, "honest", (0.5,)).points[0].tokens == 500
    assert children() == before


STOPPED_BY = {
    "opens_socket": "seccomp",
    "forks": "seccomp",
    "opens_file": "landlock",
    "takes_memory": "limits",
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", STOPPED_BY)
def test_each_layer_of_the_kernel_is_needed(store: ReplayStore, name: str) -> None:
    source = hostile(name)
    layer = STOPPED_BY[name]
    for layers in ((layer,), LAYERS):
        with pytest.raises(ControllerError, match="Error"):
            evaluator(store, layers).evaluate(source, "hostile", (0.5,))
    others = tuple(each for each in LAYERS if each != layer)
    assert evaluator(store, others).evaluate(source, "hostile", (0.5,)).points


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("where", ["/dev/shm", "tmp"])
@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_keeps_files_and_shared_memory_from_being_left(
    store: ReplayStore, layer: str, where: str, tmp_path: Path
) -> None:
    new = Path(where) / f"autotts-{os.getpid()}" if where[0] == "/" else tmp_path / "new"
    source = f"from pathlib import Path\nPath({str(new)!r}).write_text('poison')\n{HONEST}"
    with pytest.raises(ControllerError, match="Error"):
        evaluator(store, (layer,)).evaluate(source, "hostile", (0.5,))
    # Where growing files is all that is forbidden, an empty one is there.
    assert not new.exists() or (layer == "limits" and new.read_text() == "")
    new.unlink(missing_ok=True)
    assert evaluator(store, ()).evaluate(source, "hostile", (0.5,)).points
    assert new.read_text() == "poison"
    new.unlink()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", ["default_memory", "reads_environment", "walks_frames"])
def test_the_check_of_the_source_is_needed(store: ReplayStore, name: str) -> None:
    source = hostile(name)
    assert evaluator(store).evaluate(source, "hostile", (0.5,)).points
    with pytest.raises(ControllerError):
        check_source(source)


PEEKS = HONEST.replace(
    "return episode.answer(i)",
    "ahead = episode.question.steps[episode.order[i]][-1]\n    return ahead * 0",
)
FORGES = f"""
import numpy as np
from autotts_core.replay import ledger

ledger.rows_of = lambda *given: np.zeros((0, 2), np.int16)
{HONEST}"""


@pytest.mark.usefixtures("unchecked")
def test_a_forged_ledger_is_no_bargain(store: ReplayStore) -> None:
    with pytest.raises(ControllerError, match="tampered with its results: an impossible ledger"):
        evaluator(store).evaluate(FORGES, "hostile", (0.5,))


@pytest.mark.usefixtures("unchecked")
def test_an_audit_finds_who_reads_ahead(store: ReplayStore) -> None:
    assert evaluator(store).evaluate(PEEKS, "hostile", (0.5,)).points
    with pytest.raises(ControllerError, match="audited episode"):
        audit.audit(evaluator(store), ControllerSource("hostile", PEEKS), (0.5,))


@pytest.mark.usefixtures("unchecked")
def test_an_audit_shows_the_first_action_that_differs(store: ReplayStore) -> None:
    source = HONEST.replace(
        "i = ", "if len(episode.question.steps) > 0:\n        episode.branch()\n    i = "
    )
    found = audit.audit(evaluator(store), ControllerSource("hostile", source), (0.5,))
    assert found.difference is not None
    assert "action 2 is branch of branch 1 to depth 1 where the traces are at hand" in (
        found.difference
    )


def test_an_audit_of_an_honest_controller_finds_nothing(store: ReplayStore) -> None:
    found = audit.audit(evaluator(store), ControllerSource("honest", HONEST), (0.5,))
    assert found == audit.Audit(6, None)


def test_untrusted_code_is_refused_where_a_layer_does_not_hold(
    store: ReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm = workers.template([store], LAYERS, False)
    monkeypatch.setitem(warm.held, "landlock", "Function not implemented")
    with pytest.raises(workers.ConfinementError, match=r"landlock: Function not.*--unconfined"):
        evaluator(store).evaluate(HONEST, "honest", (0.5,))
    assert evaluator(store, confinement.LIMITS_ONLY).evaluate(HONEST, "honest", (0.5,)).points


def test_results_in_two_orders_are_the_same(store: ReplayStore) -> None:
    one = evaluator(store).evaluate(HONEST, "honest", (0.0, 1.0))
    other = evaluator(store).evaluate(HONEST, "honest", (1.0, 0.0))
    np.testing.assert_equal(one.points[0].tokens, other.points[-1].tokens)
