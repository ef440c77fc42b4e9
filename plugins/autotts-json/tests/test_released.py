"""The eight files released with the paper, where they are at hand."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autotts_json.importer import JsonImporter

from autotts_core.store import ReplayStore, check_store, write_stores

RELEASED = Path(__file__).resolve().parents[4] / "shared" / "data" / "traces"
FILES = sorted(RELEASED.glob("*/*.json"))

pytestmark = pytest.mark.skipif(not FILES, reason=f"the released traces are not in {RELEASED}")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("released") / "stores"
    write_stores(path, JsonImporter().read([RELEASED]))
    return path


def test_all_are_there(root: Path) -> None:
    stores = sorted(path.parent for path in root.rglob("manifest.json"))
    assert [f"{path.parent.name}/{path.name}.json" for path in stores] == [
        f"{path.parent.name}/{path.name}" for path in FILES
    ]
    assert len(FILES) == 8


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_store_agrees_with_the_file(root: Path, file: Path) -> None:
    path = root / file.parent.name / file.stem
    assert check_store(path) == []
    store = ReplayStore.open(path)
    arrays = store.load()
    questions: list[dict[str, Any]] = json.loads(file.read_text())
    assert store.gold_answers == [question["gold_answer"] for question in questions]
    assert store.question_texts == [question["question"] for question in questions]
    for q, question in enumerate(questions):
        classes = slice(arrays.class_start[q], arrays.class_start[q + 1])
        texts = arrays.class_text[classes]
        branches = slice(arrays.branch_start[q], arrays.branch_start[q + 1])
        assert arrays.branch_tokens[branches].tolist() == [
            tokens for _, tokens, _ in question["each_branch"]
        ]
        starts = arrays.step_start[branches.start : branches.stop + 1]
        steps = arrays.step_class[starts[0] : starts[-1]]
        assert [texts[c] for c in steps] == [
            answer for probes, _, final in question["each_branch"] for answer in (*probes, final)
        ]
        finals = arrays.step_class[starts[1:] - 1]
        # Classes are numbered in the order of first appearance, not of votes: compare counts.
        votes = np.bincount(finals, minlength=len(texts))
        counted = Counter(question["final_answers_trace"])
        assert {texts[c]: n for c, n in enumerate(votes.tolist()) if n} == counted
        most = max(counted.values())
        leaders = {answer for answer, n in counted.items() if n == most}
        right = arrays.class_correct[classes]
        for c in np.flatnonzero(votes == most):
            assert texts[c] in leaders
            assert right[c] == (texts[c] == question["gold_answer"])
