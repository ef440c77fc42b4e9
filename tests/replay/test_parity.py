"""The released implementation's answers and tokens, question by question and seed by seed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotts_core.plugins import registry
from autotts_core.replay.engine import replay, replay_interpreted
from autotts_core.replay.outcomes import Outcomes
from autotts_core.store import ReplayStore, write_stores

NOT_OPTIONS = {"controller", "beta", "accuracy", "mean_tokens", "answers", "tokens"}
PAIRS = [(m, b) for m in ("0.6B", "1.7B", "4B", "8B") for b in ("aime24", "aime25")]


@pytest.fixture(scope="module")
def stores(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("stores")
    importer = registry().get("trace importer", "autotts-json").configure({})
    write_stores(root, importer.read([shared_data / "traces"]))
    return root


@pytest.mark.parametrize(("model", "benchmark"), PAIRS)
def test_every_setting_question_and_seed(
    stores: Path, shared_data: Path, model: str, benchmark: str
) -> None:
    expected = json.loads((shared_data / f"parity/Qwen3-{model}-{benchmark}.json").read_text())
    store = ReplayStore.open(stores / f"Qwen3-{model}" / benchmark)
    assert len(expected["settings"]) == 16
    for setting in expected["settings"]:
        check_setting(store, setting, range(expected["seeds"]))


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
    assert_equal(compiled, interpreted)


def answers(store: ReplayStore, outcomes: Outcomes) -> list[list[str]]:
    arrays = store.load()
    starts = arrays.class_start[:-1, None]
    return np.array(arrays.class_text, object)[starts + outcomes.answer_class].T.tolist()


def assert_equal(a: Outcomes, b: Outcomes) -> None:
    assert a.stop_reasons == b.stop_reasons
    for name in (
        "answer_class",
        "correct",
        "tokens",
        "sequential_tokens",
        "branches",
        "pruned",
        "intervals",
        "stop",
    ):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)
