"""Presets against the traces they are fitted to, where these are at hand.

Simulated values are means over ten stores. The tolerances were set after seeing how close the
presets come, wide enough for them to pass: they guard against getting worse, and are no test of
whether the simulation is true. The README says where it is known not to be.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

RELEASED = Path(__file__).resolve().parents[4] / "shared" / "data" / "traces"
REAL = {"small": "Qwen3-0.6B", "medium": "Qwen3-1.7B", "large": "Qwen3-8B"}

pytestmark = pytest.mark.skipif(
    not all((RELEASED / model / "aime24.json").exists() for model in REAL.values()),
    reason=f"the released traces are not in {RELEASED}",
)

# How far a simulated value may be from the real one, by the start of a statistic's name: as it
# is, or, for numbers that are no shares, relative to the real one.
ABSOLUTE = {
    "accuracy of SC@": 0.04,
    "truncated branches": 0.01,
    "accuracy of the": 0.03,
    "probes less tokens // 500": 0.2,
    "settling interval / probes": 0.07,
    "probes after settling": 1.0,
    "changes from probe": 0.03,
    "different probes": 1.0,
    "unreadable probes": 0.04,
    "questions": 0.07,
    "top answer of unsettled branches": 0.13,
    "accuracy of all probes' majority": 0.15,
}
RELATIVE = {
    "branch tokens, quantile 0.05": 0.25,
    "branch tokens": 0.2,
    "settling interval": 0.2,
    "different final answers": 0.15,
}


@pytest.fixture(scope="module")
def fit() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "fit.py"
    spec = importlib.util.spec_from_file_location("autotts_sim_fit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def tolerance(name: str, real: float) -> float:
    for start, allowed in ABSOLUTE.items():
        if name.startswith(start):
            return allowed
    for start, allowed in RELATIVE.items():
        if name.startswith(start):
            return allowed * real
    raise AssertionError(f"no tolerance for {name!r}")


@pytest.mark.parametrize("preset", sorted(REAL))
def test_statistics_are_like_the_real_ones(fit: ModuleType, preset: str) -> None:
    traces = fit.read([RELEASED / REAL[preset] / "aime24.json"])
    rows = fit.compared(traces, preset)
    far = []
    for name, real, simulated, _ in rows:
        allowed = tolerance(name, real)
        line = f"{name:54} real {real:10.3f} simulated {simulated:10.3f} allowed ±{allowed:.3f}"
        print(line)
        if abs(simulated - real) > allowed:
            far.append(line)
    assert not far, "\n".join(far)
