"""The released implementation's answers and tokens, question by question and seed by seed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotts_core.controller_spec import load_controllers
from autotts_core.evaluation import evaluate
from autotts_core.plugins import registry
from autotts_core.replay.engine import replay
from autotts_core.replay.interpreted import replay_interpreted
from autotts_core.replay.outcomes import Outcomes
from autotts_core.store import ReplayStore, write_stores
from autotts_core.testing import assert_same_outcomes

NOT_OPTIONS = {"controller", "beta", "accuracy", "mean_tokens", "answers", "tokens"}
SEEDS = range(100)
PAIRS = [(m, b) for m in ("0.6B", "1.7B", "4B", "8B") for b in ("aime24", "aime25")]


@pytest.fixture(scope="module")
def stores(shared_traces: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("stores")
    importer = registry().get("trace importer", "autotts-json").configure({})
    write_stores(root, importer.read([shared_traces / "traces"]))
    return root


@pytest.mark.parametrize(("model", "benchmark"), PAIRS)
def test_every_setting_question_and_seed(
    stores: Path, shared_traces: Path, model: str, benchmark: str
) -> None:
    expected = json.loads((shared_traces / f"parity/Qwen3-{model}-{benchmark}.json").read_text())
    store = ReplayStore.open(stores / f"Qwen3-{model}" / benchmark)
    assert len(expected["settings"]) == 16
    for setting in expected["settings"]:
        check_setting(store, setting, range(expected["seeds"]))


@pytest.mark.parametrize("benchmark", ["aime24", "aime25"])
def test_the_reference_table_of_100_seeds(
    stores: Path, shared_traces: Path, benchmark: str
) -> None:
    """Accuracy in per cent to two places, and mean tokens rounded, as `reference.md` has them."""
    lines = (shared_traces / "reference.md").read_text().partition(f"## {benchmark}")[2]
    rows = [line.strip("| ").split(" | ") for line in lines.partition("\n## ")[0].splitlines()]
    models = next(row for row in rows if row[0] == "controller")[1:]
    for prefix, spec, beta in [
        ("ASC", "asc", 0.0),
        ("ESC", "esc", 0.0),
        ("Parallel-Probe", "parallel-probe", 0.0),
        ("CMC, β = 0.5", "cmc", 0.5),
        ("CMC, β = 1", "cmc", 1.0),
    ]:
        (expected,) = (row[1:] for row in rows if row[0].startswith(prefix))
        (controller,) = load_controllers(spec)
        for model, cell in zip(models, expected, strict=True):
            score = evaluate(controller, ReplayStore.open(stores / model / benchmark), beta, SEEDS)
            assert f"{score.accuracy:.2f} / {score.tokens:,.0f}" == cell


def check_setting(store: ReplayStore, setting: dict[str, Any], seeds: range) -> None:
    options = {key: value for key, value in setting.items() if key not in NOT_OPTIONS}
    controller = registry().get("controller", setting["controller"]).configure(options)
    beta = setting.get("beta", 0.0)
    compiled = replay(controller, store, beta, seeds)
    interpreted = replay_interpreted(controller, store, beta, seeds)
    for outcomes in (compiled, interpreted):
        assert answers(store, outcomes) == setting["answers"]
        assert outcomes.tokens.T.tolist() == setting["tokens"]
        assert 100 * outcomes.correct.mean() == pytest.approx(setting["accuracy"], abs=1e-4)
        assert outcomes.tokens.mean() == pytest.approx(setting["mean_tokens"])
    assert_same_outcomes(compiled, interpreted)


def answers(store: ReplayStore, outcomes: Outcomes) -> list[list[str]]:
    arrays = store.load()
    starts = arrays.class_start[:-1, None]
    return np.array(arrays.class_text, object)[starts + outcomes.answer_class].T.tolist()
