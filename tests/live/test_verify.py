"""`autotts verify-live`: no gap where there is none, and the gap where there is one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner, Result

from autotts_core.cli import cli
from autotts_core.controller_spec import load_controllers
from autotts_core.engine_branch import EngineQuestion
from autotts_core.grader import ExactGrader
from autotts_core.live.answer_row import AnswerRow, peak_branches
from autotts_core.live.answering import Answering, Job, Limits
from autotts_core.live.questions import LiveQuestion
from autotts_core.live.recorded import RecordedEngine
from autotts_core.live.solving import Solver
from autotts_core.live.store_session import store_questions
from autotts_core.live.verifying import (
    Episodes,
    LiveEpisodes,
    Replayed,
    live_episodes,
    replayed_episodes,
    verification,
)
from autotts_core.replay.interpreted_episode import Action
from autotts_core.store import ReplayStore, write_store
from autotts_core.trace_backend import Continuation, Sampling

QUANTITIES = ("accuracy", "tokens", "sequential_tokens", "peak_branches")


def recorded_answers(store: ReplayStore, spec: str, seed: int) -> list[AnswerRow]:
    """The store's questions, answered on engines that replay it in the order of `seed`."""
    (controller,) = load_controllers(spec)
    questions = store_questions(store, list(range(len(store.question_ids))))
    rows: list[AnswerRow] = []

    def job(number: int, threads: ThreadPoolExecutor) -> Job:
        engine = RecordedEngine(store, number, seed)
        solver = Solver(
            controller,
            0.5,
            engine.settings(),
            engine.branches,
            engine,
            ExactGrader(),
            store.manifest.unreadable,
            threads,
        )

        def asked(question: LiveQuestion) -> EngineQuestion:
            return engine.question()

        # From 0 on, seeds number the branches of a recorded engine.
        return Job(questions[number], 0, solver, asked)

    with ThreadPoolExecutor(8) as threads:
        jobs = [job(number, threads) for number in range(len(questions))]
        failures: list[Any] = []
        answering = Answering(8, Limits(), rows.append, lambda *failed: failures.append(failed))
        asyncio.run(answering.answer(jobs))
    assert failures == []
    return [replace(row, seed=seed) for row in rows]


@pytest.mark.parametrize("spec", ["brevity", pytest.param("cmc", marks=pytest.mark.slow)])
def test_on_a_recorded_engine_there_is_no_gap_at_all(store: ReplayStore, spec: str) -> None:
    seeds = range(2)
    answered = [row for seed in seeds for row in recorded_answers(store, spec, seed)]
    rows = {(row.id, row.seed): row for row in answered}
    live = live_episodes(rows, store.question_ids, seeds)
    (controller,) = load_controllers(spec)
    numbers = list(range(len(store.question_ids)))
    replayed = replayed_episodes(controller, store, numbers, seeds, 0.5)
    found = verification(replayed, live)
    for name in QUANTITIES:
        np.testing.assert_array_equal(getattr(replayed.episodes, name), getattr(live, name), name)
        quantity = getattr(found, name)
        assert (quantity.difference.mean, quantity.difference.low) == (0.0, 0.0)
        assert quantity.expected
        assert quantity.agrees
    assert found.gap.branches == 0.0
    assert found.gap.whole == found.gap.probes + (found.gap.computed_again or 0)


class Counting(RecordedEngine):
    """Its cache holds all but the prompt's one token and the probe's."""

    name: ClassVar[str] = "counting"
    requests = 0

    async def generate(
        self, prefix: Sequence[int], max_tokens: int, sampling: Sampling
    ) -> Continuation:
        self.requests += 1
        return await super().generate(prefix, max_tokens, sampling)


def test_what_has_to_be_computed_once_is_not_computed_again(store: ReplayStore) -> None:
    engine = Counting(store, 0, 0)
    (controller,) = load_controllers("parallel-probe:branches=4")

    async def run() -> AnswerRow:
        with ThreadPoolExecutor(1) as threads:
            grader = ExactGrader()
            solver = Solver(
                controller, 0.5, engine.settings(), engine.branches, engine, grader, "vote", threads
            )
            found = await solver.solve(engine.question())
            question = LiveQuestion("0", "?")
            return AnswerRow.of(question, 0, found, engine.question(), grader, "vote")

    row = asyncio.run(run())
    assert row.prompt_tokens > row.cached_tokens > 0
    # The prompt, in every request but the first.
    assert row.computed_again == engine.requests - 1


def action(kind: str, branch: int, batch: int, finished: bool = False) -> Action:
    return Action(kind, branch, 1, 1, 0, 500, finished, batch)


def test_branches_count_as_long_as_they_live() -> None:
    actions = [
        action("branch", 0, 0),
        action("branch", 1, 0, finished=True),
        action("prune", 0, 1),
        action("branch", 2, 1),
        action("branch", 3, 2),
    ]
    assert [peak_branches(actions[:n]) for n in range(6)] == [0, 1, 2, 2, 2, 2]
    assert peak_branches(actions[2:]) == 2
    assert peak_branches(actions[:2] + [action("read", k, 1, True) for k in range(2, 6)]) == 5


def test_an_engine_that_does_not_count_its_cache_is_not_blamed(store: ReplayStore) -> None:
    ones = np.ones((2, 3))
    live = LiveEpisodes(ones, ones, ones, ones, ones, np.full((2, 3), np.nan), ones)
    same = Episodes(ones, ones, ones, ones)
    found = verification(Replayed(same, Episodes(*[np.ones((2, 2, 2))] * 4)), live)
    assert (found.gap.computed_again, found.gap.whole) == (None, 1.0)


@pytest.mark.parametrize(("within", "between"), [(100.0, 0.0), (50.0, 20.0)])
def test_what_is_expected_live_allows_for_both_samplings(within: float, between: float) -> None:
    """Branches are sampled for the store and live; the means of both vary."""
    rng = np.random.default_rng(0)
    shape = (400, 25, 4)
    pools = between * rng.standard_normal((400, 25, 1))
    resampled = 1000 + pools + within * rng.standard_normal(shape)
    replayed = 1000 + within * rng.standard_normal((400, 100))
    live = 1000 + within * rng.standard_normal((400, 2))
    found = verification(
        Replayed(Episodes(*[replayed] * 4), Episodes(*[resampled] * 4)),
        LiveEpisodes(*[live] * 7),
    ).tokens
    room = (found.expected_high - found.expected_low) / 2
    error = np.sqrt((within**2 / 2 + within**2 / 100 + between**2) / 400)
    assert room == pytest.approx(2.576 * error, rel=0.05)
    assert found.expected


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("stores")
    done = CliRunner().invoke(
        cli,
        [
            "collect", "toy", "arithmetic", "--backend", "simulated-engine", "--out", str(out),
            "--benchmark-option", "form=completion", "--benchmark-option", "questions=12",
            "--branches", "24", "--seed", "1", "--interval", "100", "--max-tokens", "4000",
            "--probe-tokens", "16",
        ],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return out


def verify(stores: Path, *more: str) -> Result:
    return CliRunner().invoke(
        cli,
        [
            "verify-live", "--traces", str(stores), "--backend", "simulated-engine",
            "--benchmark-option", "form=completion", "--controller", "parallel-probe:branches=8",
            "--beta", "0.5", *more,
        ],
    )  # fmt: skip


def test_the_engine_that_a_store_was_collected_on_agrees_with_it(stores: Path) -> None:
    done = verify(stores, "--seeds", "2", "--json")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert (found["questions"], found["live_seeds"], found["replay_seeds"]) == (12, 2, 100)
    assert found["agrees"]
    assert (found["temperature"], found["max_tokens"], found["interval_tokens"]) == (0.7, 4000, 100)
    for name in QUANTITIES:
        quantity = found[name]
        assert quantity["replay"]["mean"] > 0
        assert quantity["expected"], name
    assert found["differences"] == []
    gap = found["gap"]
    assert gap["probes"] > 0
    # What a block of the cache does not hold, in every request.
    assert 0 < gap["computed_again"] < 16 * found["tokens"]["live"]["mean"] / 25
    assert gap["whole"] == pytest.approx(gap["branches"] + gap["probes"] + gap["computed_again"])


def test_another_engine_shows_as_a_gap(stores: Path) -> None:
    done = verify(stores, "--option", "right=0.2", "--replay-seeds", "20", "--json")
    found = json.loads(done.stdout)
    assert not found["agrees"]
    accuracy = found["accuracy"]
    assert accuracy["difference"]["high"] < -10
    assert not accuracy["expected"]
    done = verify(stores, "--option", "mean_tokens=900", "--replay-seeds", "20", "--json")
    longer = json.loads(done.stdout)
    assert longer["tokens"]["difference"]["low"] > 0
    assert not longer["tokens"]["expected"]


def test_for_people_and_to_a_file(stores: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    arguments = ["--questions", "4", "--question-seed", "1", "--replay-seeds", "20"]
    done = verify(stores, *arguments, "--out", str(out))
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    assert "4 questions, 1 live and 20 replayed episodes each, grader numeric 1" in done.stdout
    assert ["accuracy", "%"] in [words[:2] for words in lines]
    assert "generated for probes" in done.stdout
    found = json.loads(out.read_text())
    assert found["questions"] == 4
    again = json.loads(verify(stores, *arguments, "--json").stdout)
    passing = ("seconds", "gap")
    assert {k: found[k] for k in found if k not in passing} == {
        k: again[k] for k in again if k not in passing
    }


def test_answers_are_kept_and_gone_on_with(stores: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    kept = ["--answers", str(answers), "--replay-seeds", "5", "--json"]
    assert verify(stores, "--questions", "3", *kept).exit_code == 0
    before = answers.read_bytes()
    assert before.count(b"\n") == 3
    whole = json.loads(verify(stores, "--questions", "5", "--seeds", "2", *kept).stdout)
    assert answers.read_bytes().startswith(before)
    assert answers.read_bytes().count(b"\n") == 10
    assert whole["questions"] == 5
    other = verify(stores, "--questions", "5", *kept, "--option", "right=0.2")
    assert (other.exit_code, "was answered with other settings" in other.output) == (2, True)


def test_what_fails_is_left_out_and_told(stores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autotts_core.retrying_engine._FIRST_WAIT", 0.0)
    done = verify(stores, "--questions", "3", "--option", "failures=0.999", "--at-once", "1")
    assert done.exit_code == 1
    assert "3 of 3 questions have not all their answers" in done.output


def resaved(stores: Path, path: Path, **changes: Any) -> Path:
    """The store of `stores` with other facts in its manifest."""
    from shutil import copytree

    copytree(stores / "toy" / "arithmetic", path)
    manifest = path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))
    return path


def test_what_the_store_does_not_say_is_asked_for(stores: Path, tmp_path: Path) -> None:
    path = resaved(stores, tmp_path / "store", sampling={"temperature": 0.7}, engine=None)
    done = verify(path)
    assert done.exit_code == 2
    assert "give --max-tokens, --top-p, --top-k." in done.output
    given = ["--max-tokens", "4000", "--top-p", "1", "--top-k", "-1"]
    done = verify(path, *given, "--questions", "2", "--replay-seeds", "2")
    assert done.exit_code == 0, done.output
    assert "Warning: the store does not say what engine it was collected on." in done.stderr


@pytest.mark.parametrize(
    ("changes", "options", "exit_code", "told"),
    [
        ({}, ["--model", "other"], 0, "the store is of the model 'toy', live it is 'other'"),
        ({"model": "other"}, ["--model", "toy"], 0, "the store is of the model 'other'"),
        ({}, ["--temperature", "1"], 0, "temperature was 0.7, live it is 1.0"),
        ({"engine": {"name": "vllm", "version": "0.32"}}, [], 0, "was collected on vllm 0.32"),
        ({"prompt": None}, [], 0, "does not say in what form"),
        ({"grader": {"name": "numeric", "version": 9}}, [], 2, "was graded by numeric 9, and"),
        ({"grader": {"name": "gone", "version": 1}}, [], 2, "no grader 'gone'"),
        ({"benchmark": "gone"}, [], 2, "is of the benchmark 'gone'"),
        ({"benchmark": "gone"}, ["--benchmark", "arithmetic"], 0, "of the benchmark 'gone', asked"),
        ({}, ["--benchmark-option", "form=chat"], 2, "was asked with"),
        ({"probe": "So:"}, [], 2, "was probed with 'So:'"),
        ({}, ["--questions", "17"], 2, "has 12 questions, not 17"),
        (
            {},
            ["--controller", "asc:max_branches=1,2"],
            2,
            "is 2 controllers (asc(max_branches=1), asc(max_branches=2)): name one",
        ),
    ],
)
def test_what_does_not_fit_is_told(
    stores: Path,
    tmp_path: Path,
    changes: dict[str, Any],
    options: list[str],
    exit_code: int,
    told: str,
) -> None:
    path = resaved(stores, tmp_path / "store", **changes)
    done = verify(path, "--questions", "1", "--replay-seeds", "1", *options)
    assert (done.exit_code, told in done.output) == (exit_code, True), done.output


def test_a_store_with_published_accounting_is_replayed_exactly(tmp_path: Path) -> None:
    from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet

    # Two probes and a length of 1,100: published accounting charges the same, exact never more.
    branches = [BranchTrace(["1", "1"], 600, "1")] * 4
    questions = [QuestionTrace("0", "What is 3 + 4?", "7", branches)]
    for accounting in ("published", "exact"):
        path = tmp_path / accounting
        write_store(path, TraceSet("toy", "sums", 500, accounting, "a test", questions))
        (controller,) = load_controllers("parallel-probe:branches=2")
        store = ReplayStore.open(path)
        found = replayed_episodes(controller, store, [0], range(2), 0.5)
        assert found.episodes.tokens.max() <= 2 * 600
