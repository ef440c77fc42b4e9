"""A small store of our own making, with everything that can be ragged ragged."""

from pathlib import Path

import pytest

from autotts_core.store import write_store
from autotts_core.trace_importer import ImportedTraces
from autotts_core.traces import BranchTrace, QuestionTrace


@pytest.fixture
def traces() -> ImportedTraces:
    first = QuestionTrace(
        id="a",
        text="What is 6 x 7?",
        gold_answer="42",
        branches=[
            BranchTrace(["ERR", "41", "42"], 1200, "42"),
            BranchTrace([], 300, "No"),
            BranchTrace(["41", "", "41"], 1001, "41"),
        ],
    )
    second = QuestionTrace(
        id="b",
        text="Compute $\\sqrt{2}$ — exactly.",
        gold_answer="\\sqrt{2}",
        branches=[BranchTrace(["\\sqrt 2"], 700, "\\sqrt{2}"), BranchTrace(["1.41"], 0, "")],
    )
    return ImportedTraces(
        model="tiny",
        benchmark="toy",
        interval_tokens=500,
        accounting="published",
        source="tiny/toy.json",
        questions=[first, second],
        source_sha256="0" * 64,
    )


@pytest.fixture
def store(tmp_path: Path, traces: ImportedTraces) -> Path:
    path = tmp_path / "stores" / "tiny" / "toy"
    write_store(path, traces)
    return path
