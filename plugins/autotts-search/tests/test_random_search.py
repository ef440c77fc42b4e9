"""Random search: what it samples, writes and hands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autotts_search.grammar import PARTS
from autotts_search.random_search import RandomSearch
from autotts_search.space import KNOBS, Candidate, GrammarController, mutate, sample
from autotts_search.writing import write
from autotts_sim.simulator import simulate

from autotts_core.controller_file import load_controller_source
from autotts_core.controller_source import check_source
from autotts_core.discovery.history import Entry, History
from autotts_core.discovery.selection import Means, value, where_tokens_fall
from autotts_core.evaluation import score
from autotts_core.frontier import Frontier, Point, QuestionMeans
from autotts_core.recipe.schema import Selection
from autotts_core.replay.engine import replay
from autotts_core.schedule import check_schedule
from autotts_core.store import ReplayStore, write_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    path = tmp_path_factory.mktemp("stores") / "store"
    write_store(path, simulate("medium", questions=8, branches=64))
    return ReplayStore.open(path)


def candidates(count: int) -> list[Candidate]:
    """Drawn ones and their neighbours, every part among them."""
    rng = np.random.default_rng(0)
    drawn = [sample(rng) for _ in range(count)]
    return [each for parent in drawn for each in (parent, mutate(parent, rng))]


def test_what_is_written_keeps_to_the_contract() -> None:
    for candidate in candidates(40):
        source = write(candidate)
        check_source(source)
        check_schedule(load_controller_source(source, "written")())
        for part in PARTS:
            assert f"p.{part}" not in source
        assert all(f'"{knob}":' in source for knob in candidate.knobs)


def test_what_is_written_does_what_the_candidate_does(store: ReplayStore) -> None:
    drawn = candidates(40)
    every_part = [next(each for each in drawn if part in each.parts) for part in PARTS]
    bare = next(each for each in drawn if not each.parts)
    for candidate in (*every_part, bare):
        written = load_controller_source(write(candidate), "written")()
        for beta in (0.0, 0.35, 1.0):
            mine = replay(GrammarController(candidate), store, beta, range(3))
            own = replay(written, store, beta, range(3))
            assert {mine.stop_reasons[k] for k in np.unique(mine.stop)} == {
                own.stop_reasons[k] for k in np.unique(own.stop)
            }
            # Reasons are numbered by their place in the source, which differs.
            for name in ("answer_class", "tokens", "sequential_tokens", "pruned", "intervals"):
                np.testing.assert_array_equal(getattr(mine, name), getattr(own, name), name)


def test_knobs_stay_in_their_ranges_and_run_upwards() -> None:
    for candidate in candidates(200):
        for name, (low, high) in candidate.ends.items():
            assert KNOBS[name].low <= low <= high <= KNOBS[name].high
        assert Candidate.from_json(candidate.to_json()) == candidate


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

    @property
    def seed(self) -> tuple[int, int]:
        return 7, self.round

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        if (self.round, name) not in self.journal:
            self.journal[self.round, name] = compute()
            self.computed.append(name)
        return self.journal[self.round, name]

    def earlier(self, name: str) -> list[Any]:
        keys = [(number, name) for number in range(1, self.round)]
        return [self.journal[key] for key in keys if key in self.journal]

    def evaluate(self, source: str) -> Frontier:
        controller = load_controller_source(source, "controller")()
        points = []
        for beta in self.betas:
            outcomes = replay(controller, self.stores[0], beta, self.seeds)
            scored = score(outcomes, controller, self.stores[0], beta, self.seeds, None)
            points.append(Point((scored,), (QuestionMeans.of(outcomes),)))
        return Frontier(tuple(points))

    def value(self, means: Means) -> float:
        return value(means, Selection(folds=2), self.stores, self.seeds)

    def progress(self, candidates: int, note: str = "") -> None: ...


def search(**options: int) -> RandomSearch:
    return RandomSearch.configure({"candidates": 12, "finalists": 4, "screen_seeds": 3} | options)


def test_rounds_hand_in_new_controllers_whose_tokens_never_fall(store: ReplayStore) -> None:
    bench = Bench([store])
    sources: list[str] = []
    for number in (1, 2, 3):
        bench.round = number
        proposals = list(search(proposals=2).propose(bench))
        assert proposals
        for k, proposal in enumerate(proposals, start=1):
            frontier = bench.evaluate(proposal.source)
            assert where_tokens_fall(frontier) is None
            assert "Best of 12 policies tried" in proposal.rationale
            bench.history.entries.append(Entry(number, k, proposal, frontier, None, None))
            sources.append(proposal.source)
    assert len(set(sources)) == len(sources)


def test_workers_change_nothing_and_an_interruption_costs_nothing(store: ReplayStore) -> None:
    alone, both = Bench([store], workers=1), Bench([store], workers=2)
    assert list(search().propose(alone)) == list(search().propose(both))
    done = list(alone.computed)
    assert list(search().propose(alone)) == list(search().propose(both))
    assert alone.computed == done


def test_what_is_handed_in_scores_as_it_did_in_the_search(store: ReplayStore) -> None:
    bench = Bench([store])
    (proposal,) = search(part_price=0).propose(bench)
    best = bench.journal[1, "finals"][0][0]
    assert bench.value(Means.of(bench.evaluate(proposal.source))) == pytest.approx(best)


def test_rounds_differ_and_seeds_repeat(store: ReplayStore) -> None:
    first, again, second = Bench([store]), Bench([store]), Bench([store], round=2)
    for bench in (first, again, second):
        list(search().propose(bench))
    assert first.journal == again.journal
    assert [v for _, v in first.journal] != []
    assert first.journal[1, "tried-12"] != second.journal[2, "tried-12"]


def test_a_spent_budget_ends_the_tries_after_a_batch(store: ReplayStore) -> None:
    bench = Bench([store], seconds_left=0.0)
    assert list(search(candidates=60).propose(bench))
    assert [name for _, name in bench.journal] == ["tried-50", "screened", "finals"]


def test_the_search_is_offered_by_its_name(tmp_path: Path) -> None:
    from autotts_core.plugins import registry

    assert registry().get("explorer", "random-search") is RandomSearch
    assert not RandomSearch.paid
