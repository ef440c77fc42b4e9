"""Programs of the released implementation run unchanged, through the command line's spec."""

from pathlib import Path

import pytest

from autotts_core.controller_spec import load_controllers
from autotts_core.errors import ControllerError
from autotts_core.replay.engine import replay
from autotts_core.replay.interpreted import replay_interpreted
from autotts_core.schedule import check_schedule, depends_on_beta
from autotts_core.store import ReplayStore, write_store
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet

PROGRAMS = Path(__file__).with_name("released_style.py")


@pytest.fixture
def store(tmp_path: Path) -> ReplayStore:
    branches = [
        BranchTrace(["x", "a", "a"], 1600, "a"),
        BranchTrace(["b"], 400, "b"),
        BranchTrace([], 90, "a"),
        BranchTrace(["y", "z"], 2300, "ERR"),
        BranchTrace(["c", "a"], 1100, "a"),
        BranchTrace(["c", "b"], 1000, "b"),
        BranchTrace(["c"] * 5, 2700, "c"),
    ]
    questions = [
        QuestionTrace("0", "first", "a", branches),
        QuestionTrace("1", "second", "b", branches[:4]),
    ]
    traces = TraceSet("toy", "sums", 500, "published", "made by a test", questions)
    write_store(tmp_path / "store", traces)
    return ReplayStore.open(tmp_path / "store")


def spec(program: str) -> str:
    return f"legacy:{PROGRAMS}:{program}"


@pytest.mark.parametrize("program", ["Majority:samples=3", "Keywords:max_samples=3"])
def test_reading_is_self_consistency(store: ReplayStore, program: str) -> None:
    (released,) = load_controllers(spec(program))
    (ours,) = load_controllers("self-consistency:branches=3")
    a, b = (replay(c, store, 0.0, range(5)) for c in (released, ours))
    assert a.answer_class.tolist() == b.answer_class.tolist()
    assert a.tokens.tolist() == b.tokens.tolist()
    assert not depends_on_beta(ours)


def test_probing_round_by_round_is_parallel_probe_without_pruning(store: ReplayStore) -> None:
    (released,) = load_controllers(spec("Rounds"))
    check_schedule(released)
    assert depends_on_beta(released)
    options = "prune_patience=99,stable_rounds=99"
    for beta, branches in [(0.0, 1), (0.5, 3), (1.0, 6)]:
        (ours,) = load_controllers(f"parallel-probe:branches={branches},{options}")
        a = replay(released, store, beta, range(5))
        b = replay(ours, store, 0.0, range(5))
        assert a.answer_class.tolist() == b.answer_class.tolist()
        assert a.tokens.tolist() == b.tokens.tolist()
        assert a.stop_reasons[a.stop[0, 0]] == "answered"


def test_a_config_may_fix_beta(store: ReplayStore) -> None:
    (fixed,) = load_controllers(spec("Rounds:beta=0.5"))
    assert not depends_on_beta(fixed)
    (swept,) = load_controllers(spec("Rounds"))
    a, b = replay(fixed, store, 0.0, range(3)), replay(swept, store, 0.5, range(3))
    assert a.tokens.tolist() == b.tokens.tolist()


def test_other_processes_load_the_program_too(store: ReplayStore) -> None:
    (released,) = load_controllers(spec("Rounds"))
    a = replay_interpreted(released, store, 1.0, range(3))
    b = replay_interpreted(released, store, 1.0, range(3), workers=2)
    assert a.tokens.tolist() == b.tokens.tolist()


def test_no_answer_is_wrong_and_an_invented_one_an_error(store: ReplayStore) -> None:
    (silent,) = load_controllers(spec("Silent"))
    assert not replay(silent, store, 0.0, range(2)).correct.any()
    (invents,) = load_controllers(spec("Invents"))
    with pytest.raises(ControllerError, match="returned 'made up', which this episode never"):
        replay(invents, store, 0.0, range(2))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("OpensNothing", r"question 0, seed 0: ValueError: Index out of range.*line \d+"),
        ("Keywords:max_samples=9", r"IndexError: list index out of range.*line \d+"),
    ],
)
def test_a_program_that_raises_is_named(store: ReplayStore, program: str, message: str) -> None:
    (released,) = load_controllers(spec(program))
    with pytest.raises(ControllerError, match=message):
        replay(released, store, 0.0, range(2))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControllerError, match="no such file"):
        load_controllers(f"legacy:{tmp_path}/method.py:A")
    with pytest.raises(ControllerError, match=r"has no class 'Majorty'.*Did you mean 'Majority'"):
        load_controllers(spec("Majorty"))
    (tmp_path / "broken.py").write_text("import nowhere_at_all\n")
    with pytest.raises(ControllerError, match=r"broken\.py.*nowhere_at_all"):
        load_controllers(f"legacy:{tmp_path}/broken.py:A")


def test_a_config_of_its_own_class(store: ReplayStore) -> None:
    (controller,) = load_controllers(spec("Configured:samples=4"))
    (plain,) = load_controllers(spec("Majority:samples=2"))
    assert depends_on_beta(controller)
    outcomes = replay_interpreted(controller, store, 0.5, range(5))
    assert (
        outcomes.tokens.tolist() == replay_interpreted(plain, store, 0.5, range(5)).tokens.tolist()
    )
    (wrong,) = load_controllers(spec("Configured:sample=4"))
    with pytest.raises(ControllerError, match="sample"):
        replay_interpreted(wrong, store, 0.5, range(1))
