"""Cases small enough to be worked out by hand from the papers, compiled and interpreted."""

from pathlib import Path
from typing import Any

from autotts_core.plugins import registry
from autotts_core.replay.engine import replay
from autotts_core.replay.interpreted import replay_interpreted
from autotts_core.store import ReplayStore
from autotts_core.testing import assert_same_outcomes, toy_store
from autotts_core.traces import BranchTrace


def whole(final: str, tokens: int = 400) -> BranchTrace:
    return BranchTrace([], tokens, final)


def played(
    store: ReplayStore, name: str, beta: float = 0.0, budget: int | None = None, **options: Any
) -> tuple[str, int, int, int, str]:
    """(answer, tokens, sequential tokens, branches, reason), the same in both worlds."""
    controller = registry().get("controller", name).configure(options)
    o = replay(controller, store, beta, range(1), budget)
    assert_same_outcomes(o, replay_interpreted(controller, store, beta, range(1), budget))
    return (
        store.load().class_text[o.answer_class[0, 0]] if o.answer_class[0, 0] >= 0 else "",
        int(o.tokens[0, 0]),
        int(o.sequential_tokens[0, 0]),
        int(o.branches[0, 0]),
        o.stop_reasons[o.stop[0, 0]],
    )


def test_self_consistency_breaks_a_tie_by_the_first_vote(tmp_path: Path) -> None:
    store = toy_store(
        tmp_path, [whole("b", 100), whole("a", 200), whole("a", 300), whole("b", 400)]
    )
    assert played(store, "self-consistency", branches=4) == ("b", 1000, 400, 4, "all branches read")
    assert played(store, "self-consistency", branches=3)[0] == "a"


def test_a_pool_smaller_than_the_width_is_read_whole(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole("a", 100), whole("a", 200)])
    assert played(store, "self-consistency", branches=64)[1:4] == (300, 200, 2)


def test_asc_stops_when_the_beta_posterior_passes_the_threshold(tmp_path: Path) -> None:
    # Confidence after n equal answers is 1 - 2^-(n+1): 0.875, 0.9375, 0.96875.
    store = toy_store(tmp_path, [whole("a")] * 8)
    assert played(store, "asc", max_branches=8) == ("a", 1600, 1600, 4, "leader confident")
    # Five against one is 1 - 8/128 = 0.9375, six against one 1 - 9/256 = 0.9648.
    store = toy_store(tmp_path, [whole("b")] + [whole("a")] * 8)
    assert played(store, "asc", max_branches=9)[3] == 7
    assert played(store, "asc", max_branches=6) == ("a", 2400, 2400, 6, "all branches read")


def test_asc_threshold_is_strict(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole("a")] * 8)
    assert played(store, "asc", max_branches=8, threshold=0.9375)[3] == 4
    assert played(store, "asc", max_branches=8, threshold=0.9374)[3] == 3


def test_asc_tie_goes_to_the_first_voted(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole("a"), whole("b"), whole("b"), whole("a")])
    assert played(store, "asc", max_branches=4, threshold=0.99)[0] == "a"


def test_esc_stops_at_a_unanimous_window(tmp_path: Path) -> None:
    branches = [whole("a", 100), whole("b", 200), whole("b", 300), whole("b", 150), whole("a")]
    store = toy_store(tmp_path, branches)
    # Windows run one after the other, the branches of a window at once: 200 + 300.
    expected = ("b", 750, 500, 4, "window unanimous")
    assert played(store, "esc", max_branches=4, window=2) == expected
    assert played(store, "esc", max_branches=2, window=2)[0] == "a"
    # What does not fill a window is not read.
    assert played(store, "esc", max_branches=5, window=3)[3] == 3


def test_published_accounting_charges_a_whole_interval_for_each_probe(
    tmp_path: Path,
) -> None:
    one_more_than_fits = BranchTrace(["x", "a"], 700, "a")
    store = toy_store(tmp_path, [one_more_than_fits])
    steps = played(store, "parallel-probe", branches=1, stable_rounds=9, warm_up=0)
    assert steps == ("a", 1000, 1000, 1, "every branch finished")
    assert played(store, "self-consistency", branches=1)[1] == 700
    trailing_probes_dropped = BranchTrace(["x"], 1700, "a")
    store = toy_store(tmp_path, [trailing_probes_dropped])
    assert played(store, "parallel-probe", branches=1)[1] == 1700


def test_exact_accounting_charges_the_tokens_in_an_interval(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [BranchTrace(["x", "a"], 700, "a")], accounting="exact")
    assert played(store, "parallel-probe", branches=1)[1] == 700
    store = toy_store(tmp_path, [BranchTrace(["x"], 700, "a")], accounting="exact")
    assert played(store, "parallel-probe", branches=1)[1] == 700


def test_parallel_probe_stops_when_the_consensus_is_stable(tmp_path: Path) -> None:
    long = BranchTrace(["x", "a", "a", "a", "a", "a"], 3100, "a")
    store = toy_store(tmp_path, [long, long])
    # Round 0 votes a; rounds 1 and 2 repeat it: 4 intervals of each branch, opening included.
    assert played(store, "parallel-probe", branches=2, stable_rounds=2, warm_up=9) == (
        "a",
        4000,
        2000,
        2,
        "consensus stable",
    )


def test_parallel_probe_prunes_what_strays(tmp_path: Path) -> None:
    right = BranchTrace(["a"] * 6, 3100, "a")
    wrong = BranchTrace(["b"] * 6, 3100, "b")
    store = toy_store(tmp_path, [right, wrong, right])
    options = {"branches": 3, "stable_rounds": 9, "prune_patience": 2, "warm_up": 1}
    answer, tokens, sequential, _, reason = played(store, "parallel-probe", **options)
    # The stray runs its opening interval and rounds 0 to 2.
    assert (answer, tokens, sequential) == ("a", 2 * 3100 + 4 * 500, 3100)
    assert reason == "every branch finished"


def test_cmc_with_branches_that_finish_at_once(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole("a", 120), whole("a", 80), whole("b", 50)])
    assert played(store, "cmc", beta=0.0) == ("a", 200, 120, 2, "no branch left running")


def test_a_budget_ends_the_episode_with_the_majority_so_far(tmp_path: Path) -> None:
    branch = BranchTrace(["a"] * 6, 3100, "a")
    other = BranchTrace(["b"] * 6, 3100, "b")
    store = toy_store(tmp_path, [other, branch, branch])
    result = played(store, "parallel-probe", branches=3, budget=2400)
    assert result == ("a", 2500, 1000, 3, "budget exhausted")
    # Opening stops at the budget too.
    assert played(store, "self-consistency", branches=3, budget=3000)[1:4] == (3100, 3100, 1)


def test_unanswered_branches_do_not_vote(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole(""), whole(""), whole("a")])
    assert played(store, "self-consistency", branches=3)[0] == "a"
    store = toy_store(tmp_path, [whole(""), whole("")])
    assert played(store, "self-consistency", branches=2)[0] == ""
