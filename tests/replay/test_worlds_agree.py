"""Compiled and interpreted replay are the same, whatever the store and the actions."""

import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotts_core.controller_spec import load_controllers
from autotts_core.replay.engine import replay
from autotts_core.replay.interpreted import replay_episode, replay_interpreted
from autotts_core.store import ReplayStore
from autotts_core.store.arrays import TraceArrays
from autotts_core.testing import assert_same_outcomes, toy_store
from autotts_core.traces import BranchTrace
from autotts_core.voting import Tally, beta_confidence, majority

SCRIPTED = Path(__file__).with_name("scripted.py")


class ArraysAsStore(ReplayStore):
    """A store that exists in memory alone."""

    def load(self) -> TraceArrays:
        return self.arrays  # type: ignore[attr-defined, no-any-return]

    name = "drawn/store"


@st.composite
def stores(draw: st.DrawFn) -> ReplayStore:
    """Ragged stores with any answers, signals and confidences or none, in either accounting."""
    exact = draw(st.booleans())
    interval = draw(st.integers(1, 600))
    branch_counts = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    classes, steps, tokens = [], [], []
    for branches in branch_counts:
        kinds = draw(st.integers(1, 6))
        for _ in range(branches):
            answers = draw(st.lists(st.integers(-1, kinds - 1), min_size=1, max_size=9))
            classes += answers
            steps.append(len(answers))
            least = max(0, (len(answers) - 2) * interval)
            tokens.append(least + draw(st.integers(0, 3 * interval)))
    signals, confidences = draw(st.booleans()), draw(st.booleans())
    store = object.__new__(ArraysAsStore)
    arrays = TraceArrays(
        branch_start=np.cumsum([0, *branch_counts]).astype(np.int64),
        step_start=np.cumsum([0, *steps]).astype(np.int64),
        step_class=np.array(classes, np.int32),
        step_signal=np.linspace(-1, 0, len(classes), dtype=np.float32)
        if signals
        else np.empty(0, np.float32),
        branch_tokens=np.array(tokens, np.int32),
        class_start=np.arange(len(branch_counts) + 1, dtype=np.int64) * 6,
        class_correct=np.tile(np.array([True, False] * 3), len(branch_counts)),
        interval_tokens=interval,
        exact_accounting=exact,
        read_class_text=lambda: [],
        step_confidence=np.linspace(9, 0, len(classes), dtype=np.float32)
        if confidences
        else np.empty(0, np.float32),
    )
    object.__setattr__(store, "arrays", arrays)
    return store


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(store=stores(), number=st.floats(0, 1), budget=st.none() | st.integers(1, 8000))
def test_any_actions_on_any_store(store: ReplayStore, number: float, budget: int | None) -> None:
    (controller,) = load_controllers(str(SCRIPTED))
    compiled_outcomes = replay(controller, store, number, range(3), budget)
    interpreted = replay_interpreted(controller, store, number, range(3), budget)
    assert_same_outcomes(compiled_outcomes, interpreted)


def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    branch = BranchTrace(["x", "a", "b"], 1900, "a")
    store = toy_store(
        tmp_path, *[[branch, BranchTrace(["y"] * (k % 4), 2200, "b")] for k in range(9)]
    )
    (controller,) = load_controllers(str(SCRIPTED))
    one = replay(controller, store, 0.3, range(7), workers=1)
    for workers in (2, 5):
        assert_same_outcomes(one, replay(controller, store, 0.3, range(7), workers=workers))
    assert_same_outcomes(one, replay_interpreted(controller, store, 0.3, range(7), workers=2))


def test_the_record_adds_up(tmp_path: Path) -> None:
    store = toy_store(
        tmp_path, [BranchTrace(["x", "a", "b"], 1900, "a"), BranchTrace(["y"], 900, "b")] * 3
    )
    (controller,) = load_controllers(str(SCRIPTED))
    for number in range(40):
        record = replay_episode(controller, store, 0, 0, number / 40).record
        actions = record.actions()
        last = {action.branch: action for action in actions}
        assert sum(a.tokens for a in last.values()) == record.spent
        assert sum(a.intervals for a in actions) == record.intervals
        assert sum(a.kind == "prune" for a in actions) == record.pruned_branches


@given(st.lists(st.integers(-1, 7)))
def test_tally_knows_what_counting_again_would_find(votes: list[int]) -> None:
    tally = Tally(range(8))
    for answer in votes:
        tally.add(answer)
    counts = Counter(answer for answer in votes if answer >= 0)
    assert tally.votes() == sum(counts.values())
    ranked = sorted(counts, key=lambda a: (-counts[a], votes.index(a)))
    assert tally.leader() == (ranked[0] if ranked else -1) == majority(votes)
    first, second = [*(counts[a] for a in ranked), 0, 0][:2]
    assert tally.confidence() == beta_confidence(first, second)
    assert tally.count(tally.runner_up()) == second


def exact_confidence(first: int, second: int) -> float:
    n = first + second + 1
    return sum(math.comb(n, k) for k in range(first + 1)) / 2**n


def test_beta_confidence_is_the_posterior_within_and_beyond_its_table() -> None:
    assert beta_confidence(1, 0) == 0.75
    assert beta_confidence(0, 0) == beta_confidence(0, 5) == 0.0
    for counts in [(3, 1), (1, 3), (128, 100), (90, 128), (128, 128), (128, 0)]:
        assert beta_confidence(*counts) == exact_confidence(*counts)
    for counts in [(300, 280), (129, 0), (129, 128), (1000, 990), (280, 300)]:
        assert beta_confidence(*counts) == pytest.approx(exact_confidence(*counts), abs=1e-9)


COUNT_COMPILES = """
from numba.core import event
from pathlib import Path
from autotts_core.controller_spec import load_controllers
from autotts_core.replay.compiled import kernel_of
import sys
compiles = 0
class Count(event.Listener):
    def on_start(self, event):
        global compiles
        compiles += 1
    def on_end(self, event):
        pass
with event.install_listener("numba:compile", Count()):
    kernel_of(load_controllers(sys.argv[1])[0])
print(compiles)
"""


def compiles_of(path: Path, cache: Path) -> int:
    environment = {**os.environ, "AUTOTTS_CACHE_DIR": str(cache)}
    run = [sys.executable, "-c", COUNT_COMPILES, str(path)]
    shown = subprocess.run(run, env=environment, check=True, capture_output=True, text=True)
    return int(shown.stdout)


def test_the_second_start_of_a_controller_uses_the_cache(tmp_path: Path) -> None:
    path, cache = tmp_path / "mine.py", tmp_path / "cache"
    path.write_text(SCRIPTED.read_text())
    first = compiles_of(path, cache)
    assert compiles_of(path, cache) < first
    # A copy has functions of its own, so that machine code of the first is none of its.
    copy = tmp_path / "copy" / "mine.py"
    copy.parent.mkdir()
    copy.write_text(path.read_text())
    assert compiles_of(copy, cache) == first


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    assert compiles_of(SCRIPTED, blocked) > 0


LOUD = """
def schedule(beta):
    return {"width": 3}

def open_one(episode, most):
    i = episode.branch()
    if i >= most:
        raise ValueError("too many", i, most)
    print("opened", i, 0.5)

def policy(episode, p):
    for _ in range(p.width):
        open_one(episode, 1)
    return episode.answer(0)
"""


def test_what_a_policy_calls_may_print_and_raise_with_values(tmp_path: Path) -> None:
    # Both need objects of the interpreter's, which Numba hands to each function by itself.
    cache = tmp_path / "cache"
    path = tmp_path / "loud.py"
    path.write_text(LOUD)
    for _ in ("compiled", "from the cache"):
        environment = {**os.environ, "AUTOTTS_CACHE_DIR": str(cache)}
        run = [sys.executable, "-c", REPLAY_COMPILED, str(path), str(tmp_path / "store")]
        done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=300)
        assert "opened 0 0.5" in done.stdout
        assert "('too many', 1, 1)" in done.stderr
        assert done.returncode == 1


REPLAY_COMPILED = """
import sys
from pathlib import Path
from autotts_core.controller_spec import load_controllers
from autotts_core.replay.compiled import replay_compiled
from autotts_core.store import ReplayStore, write_store
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet
store = Path(sys.argv[2])
if not store.exists():
    branches = [BranchTrace(["a"], 700, "a")] * 4
    question = QuestionTrace("0", "which?", "a", branches)
    write_store(store, TraceSet("toy", "sums", 500, "published", "a test", [question]))
replay_compiled(load_controllers(sys.argv[1])[0], ReplayStore.open(store), 0.0, range(2))
"""
