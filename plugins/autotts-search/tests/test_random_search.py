"""Random search: what it samples, writes and hands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from autotts_search.fitting import average, fit
from autotts_search.grammar import PARTS
from autotts_search.random_search import RandomSearch
from autotts_search.scoring import Scorer
from autotts_search.space import (
    ANCESTORS,
    KNOBS,
    Candidate,
    GrammarController,
    decode,
    encode,
    neighbour,
    sample,
    with_parts,
)
from autotts_search.writing import write
from autotts_sim.simulator import simulate

from autotts_core.controller_file import load_controller_source
from autotts_core.controller_source import check_source
from autotts_core.discovery.history import Entry, History
from autotts_core.discovery.selection import Means, Questions, value, where_tokens_fall
from autotts_core.evaluation import score
from autotts_core.explorer import Proposal
from autotts_core.frontier import Frontier, Point, QuestionMeans
from autotts_core.recipe.schema import Selection
from autotts_core.replay.engine import replay
from autotts_core.replay.interpreted import replay_interpreted
from autotts_core.schedule import check_schedule
from autotts_core.statistics import Interval
from autotts_core.store import ReplayStore, write_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    path = tmp_path_factory.mktemp("stores") / "store"
    write_store(path, simulate("medium", questions=8, branches=64))
    return ReplayStore.open(path)


def candidates(count: int) -> list[Candidate]:
    """Known ones, drawn ones and their neighbours, every part among them."""
    rng = np.random.default_rng(0)
    drawn = [*ANCESTORS.values(), *(sample(rng) for _ in range(count))]
    return [each for parent in drawn for each in (parent, neighbour(parent, rng))]


def test_what_is_written_keeps_to_the_contract() -> None:
    for candidate in candidates(40):
        source = write(candidate)
        check_source(source)
        check_schedule(load_controller_source(source, "written")())
        for part in PARTS:
            assert f"p.{part}" not in source
        assert all(f'"{knob}":' in source for knob in candidate.ends)


@pytest.mark.slow
def test_what_is_written_does_what_the_candidate_does(store: ReplayStore) -> None:
    drawn = candidates(20)
    every_part = [next(each for each in drawn if part in each.parts) for part in PARTS]
    bare = next(each for each in drawn if not each.parts)
    for candidate in (*every_part, bare):
        written = load_controller_source(write(candidate), "written")()
        for beta in (0.0, 0.7):
            mine = replay(GrammarController(candidate), store, beta, range(1))
            # Interpreted, for compiling each of them would take seconds.
            own = replay_interpreted(written, store, beta, range(1))
            assert {mine.stop_reasons[k] for k in np.unique(mine.stop)} == {
                own.stop_reasons[k] for k in np.unique(own.stop)
            }
            # Reasons are numbered by their place in the source, which differs.
            for name in ("answer_class", "tokens", "sequential_tokens", "pruned", "intervals"):
                np.testing.assert_array_equal(getattr(mine, name), getattr(own, name), name)


def test_every_part_changes_what_a_policy_does(store: ReplayStore) -> None:
    plain = Candidate((), {"width": (12, 12), "enough": (3, 3), "sure": (2.0, 2.0)})
    without = replay(GrammarController(plain), store, 0.0, range(8))
    ends = {
        "hold": (2, 2), "voice": (1.0, 1.0), "calm": (4, 4), "swing": (0.2, 0.2),
        "quorum": (3, 3), "hope": (1.0, 1.0), "patience": (3, 3), "stretch": (1.1, 1.1),
    }  # fmt: skip
    for part in PARTS:
        candidate = with_parts(plain, [part])
        own = {knob: ends.get(knob, value) for knob, value in candidate.ends.items()}
        outcomes = replay(GrammarController(Candidate((part,), own)), store, 0.0, range(8))
        changed = [
            (getattr(outcomes, name) != getattr(without, name)).any()
            for name in ("answer_class", "tokens", "stop")
        ]
        assert any(changed), part


def test_knobs_stay_in_their_ranges_and_run_upwards() -> None:
    for candidate in candidates(200):
        for name, (low, high) in candidate.ends.items():
            knob = KNOBS[name]
            assert knob.low <= low <= high <= knob.high
            assert knob.rises or low == high
            assert candidate.at(name, 0) == low
            assert candidate.at(name, 1) == pytest.approx(high, abs=0.005)
        assert Candidate.from_json(candidate.to_json()) == candidate
        assert decode(candidate.parts, encode(candidate)) == candidate


@dataclass
class Bench:
    """A workbench that keeps its journal in memory and evaluates what it trusts."""

    stores: list[ReplayStore]
    round: int = 1
    workers: int = 1
    betas: tuple[float, ...] = (0.0, 0.5, 1.0)
    seeds: range = range(6)
    seconds_left: float = float("inf")
    history: History = field(default_factory=History)
    journal: dict[tuple[int, str], Any] = field(default_factory=dict)
    computed: list[str] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    run_seed: int = 7

    @property
    def seed(self) -> tuple[int, int]:
        return self.run_seed, self.round

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        if (self.round, name) not in self.journal:
            self.journal[self.round, name] = compute()
            self.computed.append(name)
        return self.journal[self.round, name]

    def earlier(self, name: str) -> list[Any]:
        keys = [(number, name) for number in range(1, self.round)]
        return [self.journal[key] for key in keys if key in self.journal]

    def earlier_of(self, name: str) -> list[Any]:
        return [value for (_, each), value in self.journal.items() if each == name]

    def evaluate(self, source: str) -> Frontier:
        controller = load_controller_source(source, "controller")()
        points = []
        for beta in self.betas:
            outcomes = replay_interpreted(controller, self.stores[0], beta, self.seeds)
            scored = score(outcomes, controller, self.stores[0], beta, self.seeds, None)
            points.append(Point((scored,), (QuestionMeans.of(outcomes),)))
        return Frontier(tuple(points))

    @property
    def selection(self) -> Selection:
        return Selection(folds=2, sequential_span=(0.05, 0.4))

    def value(
        self,
        means: Means,
        questions: Questions | None = None,
        selection: Selection | None = None,
    ) -> float:
        return value(means, selection or self.selection, self.stores, self.seeds, questions)

    def progress(self, candidates: int, note: str = "") -> None:
        self.told.append(candidates)


def search(**options: Any) -> RandomSearch:
    small = {
        "candidates": 12, "structures": 2, "evaluations": 24, "folds": 2, "fit_seeds": 3,
        "race_seeds": 1,
    }  # fmt: skip
    return RandomSearch.configure(small | options)


def run(bench: Bench, rounds: int, **options: Any) -> list[list[Proposal]]:
    """What the search hands in, round by round."""
    handed_in = []
    for bench.round in range(1, rounds + 1):
        proposals = list(search(**options).propose(bench))
        handed_in.append(proposals)
        for number, proposal in enumerate(proposals, start=1):
            frontier = bench.evaluate(proposal.source)
            bench.history.entries.append(Entry(bench.round, number, proposal, frontier, None, None))
    return handed_in


def test_rounds_hand_in_what_carries_over_better_or_nothing(store: ReplayStore) -> None:
    bench = Bench([store])
    handed_in = run(bench, 4)
    assert len(handed_in[0]) == 1
    sources = [proposal.source for proposals in handed_in for proposal in proposals]
    assert len(set(sources)) == len(sources)
    for proposal in handed_in[0]:
        assert where_tokens_fall(bench.evaluate(proposal.source)) is None
        assert "On questions that its knobs were not fitted on" in proposal.rationale
    best = [
        max(each["gain"]["mean"] - 0.1 * len(each["parts"]) for each in fitted)
        for fitted in bench.earlier_of("latency-0-fitted")
    ]
    for number, proposals in enumerate(handed_in[1 : len(best)], start=1):
        assert bool(proposals) <= (best[number] > max(best[:number]))


def test_a_search_ends_once_a_round_brings_nothing(store: ReplayStore) -> None:
    # No policy is worth so much that it pays for a part.
    bench = Bench([store])
    handed_in = run(bench, 4, part_price=1000.0)
    assert [len(each) for each in handed_in] == [1, 0, 0, 0]
    assert len(bench.earlier_of("latency-0-fitted")) == 2


def test_knobs_are_not_fitted_on_the_questions_that_they_are_scored_on(
    store: ReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[int]] = []

    def fit(scorer: object, start: Candidate, questions: Any, *rest: object) -> list[float]:
        seen.append(set(questions[0].tolist()))
        return encode(start).tolist()

    monkeypatch.setattr("autotts_search.structure_search.fit", fit)
    bench = Bench([store])
    list(search().propose(bench))
    every = set(range(8))
    assert {frozenset(every - each) for each in seen} == {
        frozenset({0, 2, 4, 6}),
        frozenset({1, 3, 5, 7}),
    }


def test_a_fit_improves_on_its_start(store: ReplayStore) -> None:
    bench = Bench([store])
    scorer = Scorer(bench, bench.selection, (0.0, 1.0), range(4))  # type: ignore[arg-type]
    start = with_parts(ANCESTORS["self-consistency"], ())
    questions = [np.arange(8)]
    found = average((), [fit(scorer, start, questions, 96, 1)])
    before, after = scorer.values([start, found])
    assert after > before


def test_a_search_for_each_latency_gives_the_surface_from_frugal_to_fast(
    store: ReplayStore,
) -> None:
    bench = Bench([store])
    (proposals,) = run(bench, 1, latencies=[0, 1])
    frugal, fast = (Means.of(bench.evaluate(each.source)) for each in proposals)
    assert "Sequential tokens weigh 1" in proposals[1].rationale
    for latency, better, worse in ((0.0, frugal, fast), (1.0, fast, frugal)):
        rule = bench.selection.model_copy(update={"latency": latency})
        assert bench.value(better, None, rule) > bench.value(worse, None, rule)
    # Policies are counted over both.
    assert bench.told == sorted(bench.told)
    assert bench.told[-1] == 2 * (12 + 3 * 2 * 24)


def test_what_is_expected_is_what_was_gained_on_questions_left_out(store: ReplayStore) -> None:
    bench = Bench([store])
    ((proposal,),) = run(bench, 1)
    fitted = bench.journal[1, "latency-0-fitted"]
    assert proposal.expected in [Interval(**each["gain"]) for each in fitted]


def test_workers_change_nothing_and_an_interruption_costs_nothing(store: ReplayStore) -> None:
    alone, both = Bench([store], workers=1), Bench([store], workers=2)
    assert list(search().propose(alone)) == list(search().propose(both))
    done = list(alone.computed)
    assert list(search().propose(alone)) == list(search().propose(both))
    assert alone.computed == done


def test_seeds_repeat_and_differ(store: ReplayStore) -> None:
    first, again, other = Bench([store]), Bench([store]), Bench([store], run_seed=8)
    for bench in (first, again, other):
        list(search().propose(bench))
    assert first.journal == again.journal
    assert first.journal != other.journal


def test_a_spent_budget_ends_race_and_fits_early(store: ReplayStore) -> None:
    bench = Bench([store], seconds_left=0.0)
    assert list(search(candidates=60).propose(bench))
    raced = [name for _, name in bench.journal if "raced" in name]
    assert raced == ["latency-0-raced-50"]
    assert len(bench.journal[1, "latency-0-fitted"]) == 1


def test_the_search_is_offered_by_its_name() -> None:
    from autotts_core.plugins import registry

    assert registry().get("explorer", "random-search") is RandomSearch
    assert not RandomSearch.paid
