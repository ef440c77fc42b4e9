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


def sure(final: str, *confidences: float, tokens: int = 400) -> BranchTrace:
    """A branch with that confidence at each interval, which answers `final` all along."""
    return BranchTrace([final] * (len(confidences) - 1), tokens, final, None, confidences)


def test_deepconf_offline_weighs_votes_by_confidence(tmp_path: Path) -> None:
    branches = [sure("a", 10), sure("a", 10), sure("b", 25), sure("c", 5)]
    store = toy_store(tmp_path, branches)
    assert played(store, "self-consistency", branches=4)[0] == "a"
    # 25 against 10 + 10.
    assert played(store, "deepconf-offline", branches=4, eta=100)[:4] == ("b", 1600, 400, 4)
    branches[2] = sure("b", 19)
    store = toy_store(tmp_path, branches)
    assert played(store, "deepconf-offline", branches=4, eta=100)[0] == "a"
    # The percentile 50 of 5, 10, 10, 19 is 10: c alone is left out. The percentile 90 is
    # 10 + 0.7 * (19 - 10) = 16.3: b alone votes.
    assert played(store, "deepconf-offline", branches=4, eta=50)[0] == "a"
    assert played(store, "deepconf-offline", branches=4, eta=10)[0] == "b"


def test_deepconf_without_confidences_is_self_consistency(tmp_path: Path) -> None:
    store = toy_store(tmp_path, [whole("b", 100), whole("a", 200), whole("a", 300)])
    assert played(store, "deepconf-offline", branches=3)[:4] == ("a", 600, 300, 3)
    online = played(store, "deepconf", warm_up=2, branches=3)
    assert online == ("a", 600, 500, 3, "all branches opened")


NONE = float("nan")


def test_deepconf_stops_branches_below_the_warm_ups_threshold(tmp_path: Path) -> None:
    warm_up = [sure("a", 12), sure("b", 10), sure("c", 8)]
    # The threshold is the percentile 50 of 8, 10, 12; so far a has 12 votes, b 10, c 8.
    unsure = sure("a", NONE, 9, 9, 9, tokens=1600)
    certain = sure("b", NONE, 11, 11, 11, tokens=1600)
    store = toy_store(tmp_path, [*warm_up, unsure, certain])
    options = {"warm_up": 3, "branches": 5, "wave": 2, "eta": 50}
    # The first of the wave is pruned after two intervals, the other runs to its end: b has 21.
    expected = ("b", 3 * 400 + 1000 + 1600, 400 + 1600, 5, "all branches opened")
    assert played(store, "deepconf", **options) == expected
    # With a lower threshold the unsure one goes on, too.
    assert played(store, "deepconf", **options | {"eta": 100})[1] == 3 * 400 + 2 * 1600
    # A leader with 12 of 30 votes is enough for this one.
    expected = ("a", 1200, 400, 3, "consensus")
    assert played(store, "deepconf", **options | {"tau": 0.39}) == expected
    assert played(store, "deepconf", **options | {"tau": 0.41})[3] == 5


def test_deepconf_ends_unsure_branches_without_a_vote(tmp_path: Path) -> None:
    # A branch that falls below the threshold in its last interval is finished, and does not vote.
    late = sure("b", NONE, 30, 9, tokens=1200)
    store = toy_store(tmp_path, [sure("a", 12), sure("c", 10), late])
    options = {"warm_up": 2, "branches": 3, "eta": 100, "tau": 1}
    assert played(store, "deepconf", **options) == ("a", 2000, 1600, 3, "all branches opened")


def test_deepconf_low_and_high() -> None:
    deepconf = registry().get("controller", "deepconf")
    assert [deepconf.configure({}).schedule(beta)["eta"] for beta in (0, 0.5, 1)] == [10, 50, 90]
    assert deepconf.configure({"eta": 25}).schedule(1)["eta"] == 25
