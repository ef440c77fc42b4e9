"""The trace backend `simulated`."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from autotts_sim.backend import SimulatedBackend
from autotts_sim.presets import PRESETS
from autotts_sim.simulator import simulate
from click.testing import CliRunner

from autotts_core.cli import cli
from autotts_core.errors import AutoTTSError, OptionError, UnknownNameError
from autotts_core.plugins import registry
from autotts_core.store import write_store
from autotts_core.trace_backend import StoreRequest

REQUEST = StoreRequest("sim-small", "sim", branches=8, interval_tokens=500, seed=3)


def backend(questions: int = 4) -> SimulatedBackend:
    return SimulatedBackend.configure({"questions": questions})


def test_plugin_offers_the_backend() -> None:
    assert registry().get("trace backend", "simulated") is SimulatedBackend


def test_simulates_what_is_asked_for() -> None:
    traces = backend().traces(REQUEST)
    assert traces == simulate("small", questions=4, branches=8, seed=3)
    assert backend().traces(REQUEST) == traces
    assert backend().traces(replace(REQUEST, seed=4)) != traces
    assert len(SimulatedBackend().traces(REQUEST).questions) == 30
    other = backend().traces(replace(REQUEST, benchmark="sim-heldout"))
    assert other.benchmark == "sim-heldout"
    assert {each.text for each in other.questions}.isdisjoint(
        each.text for each in traces.questions
    )


def test_stores_are_those_of_the_command(tmp_path: Path) -> None:
    few = ["--questions", "4", "--branches", "8", "--seed", "3", "--heldout"]
    done = CliRunner().invoke(cli, ["simulate", str(tmp_path / "command"), *few])
    assert done.exit_code == 0, done.output
    for model in PRESETS.values():
        for benchmark in ("sim", "sim-heldout"):
            request = replace(REQUEST, model=model.name, benchmark=benchmark)
            backend().check(request)
            store = tmp_path / "backend" / model.name / benchmark
            write_store(store, backend().traces(request))
            for path in store.iterdir():
                same = tmp_path / "command" / model.name / benchmark / path.name
                assert path.read_bytes() == same.read_bytes()


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (
            replace(REQUEST, model="sim-smal"),
            UnknownNameError,
            r"no simulated model 'sim-smal'\. Did you mean 'sim-small'\?",
        ),
        (
            replace(REQUEST, model="Qwen"),
            UnknownNameError,
            r"no simulated model 'Qwen'\. Known: sim-large, sim-medium, sim-small\.",
        ),
        (
            replace(REQUEST, interval_tokens=250),
            OptionError,
            "simulated model 'sim-small': interval_tokens must be 500, it is 250",
        ),
        (replace(REQUEST, branches=0), OptionError, "branches must be 1 or more, it is 0"),
        (replace(REQUEST, seed=-1), OptionError, "seed must be 0 or more, it is -1"),
    ],
)
def test_refuses_what_it_cannot_simulate(
    request_: StoreRequest, error: type[AutoTTSError], message: str
) -> None:
    for act in (backend().check, backend().traces):
        with pytest.raises(error, match=message):
            act(request_)


def test_impossible_options() -> None:
    with pytest.raises(OptionError, match=r"'simulated', option 'questions': .*got 0"):
        backend(0)
    with pytest.raises(OptionError, match=r"no option 'question'\. Did you mean 'questions'\?"):
        SimulatedBackend.configure({"question": 3})


def test_checking_imports_nothing_heavy() -> None:
    code = (
        "import sys, autotts_sim; from autotts_core.trace_backend import StoreRequest\n"
        "cls, _ = autotts_sim.autotts_register_trace_backends()\n"
        "cls().check(StoreRequest('sim-large', 'sim', 128, 500, 0))\n"
        "print({'numpy', 'pyarrow', 'numba'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
