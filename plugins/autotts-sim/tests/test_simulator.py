"""Simulated traces are reproducible, and have the form of real ones."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from autotts_sim.models import SimulatedModel
from autotts_sim.presets import PRESETS
from autotts_sim.simulator import simulate

from autotts_core.errors import OptionError, UnknownNameError
from autotts_core.store import check_store, write_store
from autotts_core.traces import TraceSet


@pytest.fixture(scope="module", params=sorted(PRESETS))
def traces(request: pytest.FixtureRequest) -> TraceSet:
    return simulate(request.param)


def as_values(traces: TraceSet) -> list[Any]:
    return [
        (question.id, question.text, question.gold_answer, list(question.branches))
        for question in traces.questions
    ]


def contents(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.iterdir()}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_store(tmp_path / name, simulate("small", questions=5, branches=20, seed=3))
    write_store(tmp_path / "other", simulate("small", questions=5, branches=20, seed=4))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_models_meet_the_same_questions_with_luck_of_their_own() -> None:
    small, large = simulate("small", questions=6), simulate("large", questions=6)
    asked = [[(each.text, each.gold_answer) for each in one.questions] for one in (small, large)]
    assert asked[0] == asked[1]
    assert as_values(small) != as_values(large)
    again = simulate(replace(PRESETS["small"], name="sim-other"), questions=6)
    assert [each.text for each in again.questions] == [each.text for each in small.questions]
    assert as_values(again) != as_values(small)


def test_another_benchmark_has_other_questions() -> None:
    here, there = simulate("small", 4), simulate("small", 4, benchmark="elsewhere")
    assert {each.text for each in here.questions}.isdisjoint(each.text for each in there.questions)
    assert there.benchmark == "elsewhere"


def test_what_a_store_needs_to_know(traces: TraceSet) -> None:
    assert traces.model in {"sim-small", "sim-medium", "sim-large"}
    assert (traces.benchmark, traces.accounting, traces.interval_tokens) == (
        "sim",
        "published",
        500,
    )
    assert "simulated" in traces.source
    assert len(traces.questions) == 30
    assert all("Simulated question" in question.text for question in traces.questions)
    assert len({question.text for question in traces.questions}) == 30
    assert {len(question.branches) for question in traces.questions} == {128}


def test_form_of_a_branch(traces: TraceSet) -> None:
    model = PRESETS[traces.model.removeprefix("sim-")]
    extra = 0
    for question in traces.questions:
        assert question.gold_answer.isdigit()
        for branch in question.branches:
            assert model.min_tokens <= branch.tokens <= model.max_tokens
            assert 1 <= len(branch.probes) <= branch.tokens // 500 + 1
            assert branch.probes[-1] == branch.final
            assert all(branch.probes)
            extra += len(branch.probes) == branch.tokens // 500 + 1
    # Now and then there is one more probe than fits, as in the released traces.
    assert extra > 0


def test_questions_range_from_easy_to_hopeless(traces: TraceSet) -> None:
    shares = [
        sum(branch.final == question.gold_answer for branch in question.branches) / 128
        for question in traces.questions
    ]
    assert max(shares) > 0.6
    assert min(shares) == 0


def test_self_consistency_gets_better_with_more_branches(traces: TraceSet) -> None:
    def accuracy(width: int) -> float:
        right = total = 0
        for question in traces.questions:
            finals = [branch.final for branch in question.branches]
            for start in range(0, 128, width):
                winner = Counter(finals[start : start + width]).most_common(1)[0][0]
                right += winner == question.gold_answer
                total += 1
        return right / total

    curve = [accuracy(width) for width in (1, 4, 16, 64)]
    # The end of the curve is flat, and of few votes.
    assert curve[0] < curve[1] <= curve[2] + 0.005
    assert curve[3] >= curve[2] - 0.02


def test_store_of_it_is_sound(traces: TraceSet, tmp_path: Path) -> None:
    write_store(tmp_path / "store", traces)
    assert check_store(tmp_path / "store") == []


@pytest.mark.parametrize(("questions", "branches"), [(1, 1), (1, 128), (7, 1), (3, 300)])
def test_any_size(questions: int, branches: int) -> None:
    traces = simulate("medium", questions, branches)
    assert [len(each.branches) for each in traces.questions] == [branches] * questions


def test_easy_questions_and_branches_that_never_change_their_mind() -> None:
    calm = replace(PRESETS["large"], endless=0.0, stay=1.0, right=(1.0,), no_share=1.0)
    for question in simulate(calm, 3, 50).questions:
        assert sum(branch.final == question.gold_answer for branch in question.branches) >= 45
        for branch in question.branches:
            # At most the first answer, one just before settling, and the final one.
            assert len({*branch.probes} - {"No"}) <= 3


def test_bad_arguments() -> None:
    with pytest.raises(UnknownNameError, match=r"no simulated model 'smal'\. Did you mean 'small'"):
        simulate("smal")
    with pytest.raises(OptionError, match="questions must be 1 or more, it is 0"):
        simulate("small", questions=0)
    with pytest.raises(OptionError, match="branches must be 1 or more, it is -1"):
        simulate("small", branches=-1)
    with pytest.raises(OptionError, match="seed must be 0 or more, it is -2"):
        simulate("small", seed=-2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stay": 1.5}, "'stay' must be from 0 to 1, it is 1.5"),
        ({"wrong_discount": 1.0}, "'wrong_discount' must be below 1"),
        ({"settled_length_effect": -2.0}, "'settled_length_effect' must be from -1 to 1"),
        ({"right": ()}, "'right' must be one or more shares"),
        ({"right": (0.2, 0.3)}, "'right' must be one or more shares from 0 to 1 that never rise"),
        ({"long_tail": -0.1}, "a tail must not be below 0"),
        ({"max_tokens": 900}, "tokens must be in this order"),
    ],
)
def test_impossible_models(change: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message) as error:
        replace(PRESETS["small"], **change)
    assert "simulated model 'sim-small'" in str(error.value)


def test_presets_are_called_after_their_names() -> None:
    assert {key: model.name for key, model in PRESETS.items()} == {
        key: f"sim-{key}" for key in PRESETS
    }
    assert all(isinstance(model, SimulatedModel) for model in PRESETS.values())


def test_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, click, autotts_sim; autotts_sim.autotts_register_commands(click.Group());"
        "print({'numpy', 'pydantic', 'pyarrow', 'numba'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
