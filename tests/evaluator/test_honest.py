"""Forty honest controllers pass: the shipped ones, and as different ones as the search draws."""

from pathlib import Path

import numpy as np
import pytest
from autotts_search.space import sample
from autotts_search.writing import write

from autotts_core.controller_source import check_source
from autotts_core.evaluator import Evaluator, audit, parent
from autotts_core.evaluator.parent import ControllerSource
from autotts_core.recipe.schema import Limits
from autotts_core.store import ReplayStore
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

pytestmark = [
    # Many of them are compiled.
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/status").exists(), reason="untrusted code is confined on Linux alone"
    ),
]

SHIPPED = [
    "self-consistency",
    "self-consistency:branches=8",
    "self-consistency:branches=1",
    "asc",
    "asc:max_branches=12,threshold=0.8",
    "esc",
    "esc:window=4,max_branches=16",
    "parallel-probe",
    "parallel-probe:branches=16,warm_up=2,prune_patience=2",
    "parallel-probe:branches=8,stable_rounds=3,warm_up=0",
    "deepconf:warm_up=4",
    "deepconf-offline:branches=16",
    "cmc",
]
DRAWN = 30
BETAS = (0.0, 0.4, 1.0)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[ReplayStore]:
    rng = np.random.default_rng(0)
    questions = []
    for _ in range(4):
        branches = []
        for _ in range(20):
            length = int(rng.integers(1, 14))
            probes = [str(answer) for answer in rng.choice(list("aaabbcdef"), length)]
            tokens = 500 * length + int(rng.integers(0, 400))
            confidences = rng.uniform(5, 15, length + 1).tolist()
            branches.append(BranchTrace(probes, tokens, probes[-1], None, confidences))
        questions.append(branches)
    folder = tmp_path_factory.mktemp("stores")
    return [
        toy_store(folder, *questions, accounting="published"),
        toy_store(folder, *questions[:2], accounting="exact"),
    ]


def audited(stores: list[ReplayStore], source: ControllerSource) -> audit.Audit:
    evaluator = Evaluator(stores, 5, Limits(seconds=600, memory_gib=4), 1)
    return audit.audit(evaluator, source, BETAS)


@pytest.mark.parametrize("spec", SHIPPED)
def test_shipped_controllers_pass(
    stores: list[ReplayStore], spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_WORTH_COMPILING", 1)
    found = audited(stores, ControllerSource(spec, None))
    assert found.difference is None
    assert found.episodes in (6 * 5, len(BETAS) * 6 * 5)


@pytest.mark.parametrize("number", range(DRAWN))
def test_drawn_controllers_pass(
    stores: list[ReplayStore], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Compiling takes longer than all the rest, and the search tests what it writes compiled.
    monkeypatch.setattr(parent, "_WORTH_COMPILING", 1 if number % 4 == 0 else 10**9)
    source = write(sample(np.random.default_rng(number)))
    check_source(source)
    assert audited(stores, ControllerSource("drawn", source)).difference is None


def test_they_are_forty_and_differ() -> None:
    sources = {write(sample(np.random.default_rng(number))) for number in range(DRAWN)}
    assert len(sources) + len(SHIPPED) >= 40
