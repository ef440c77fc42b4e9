"""A small store of our own making, with everything that can be ragged ragged."""

from pathlib import Path

import pytest

from autotts_core.store import write_store
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet


@pytest.fixture
def traces() -> TraceSet:
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
    return TraceSet(
        model="tiny",
        benchmark="toy",
        interval_tokens=500,
        accounting="published",
        source="tiny/toy.json",
        questions=[first, second],
        source_sha256="0" * 64,
    )


@pytest.fixture
def store(tmp_path: Path, traces: TraceSet) -> Path:
    path = tmp_path / "stores" / "tiny" / "toy"
    write_store(path, traces)
    return path
