"""A store as an engine would have given it."""

from __future__ import annotations

import dataclasses

import pytest
from autotts_sim.simulator import simulate

from autotts_core.store import ReplayStore, write_store
from autotts_core.traces import BranchTrace, TraceSet


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    path = tmp_path_factory.mktemp("live") / "store"
    write_store(path, as_collected(simulate("medium", questions=6, branches=64)))
    return ReplayStore.open(path)


def as_collected(traces: TraceSet) -> TraceSet:
    """Each branch ends in its last interval, and costs what it holds."""

    def branch(given: BranchTrace) -> BranchTrace:
        last = 1 + given.tokens % (traces.interval_tokens - 1)
        tokens = len(given.probes) * traces.interval_tokens + last
        return dataclasses.replace(given, tokens=tokens)

    questions = [
        dataclasses.replace(question, branches=[branch(each) for each in question.branches])
        for question in traces.questions
    ]
    return dataclasses.replace(traces, accounting="exact", questions=questions)
