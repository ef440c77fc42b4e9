"""Benchmarks still run: what they measure is of no account here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from autotts_sim.simulator import simulate

from autotts_core.store import write_store

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough episodes for a proposal to be compiled."""
    folder = tmp_path_factory.mktemp("stores")
    write_store(folder / "sim-small" / "sim", simulate("small", questions=6, branches=64))
    return folder


def printed(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_replay(stores: Path) -> None:
    found = json.loads(printed("replay.py", "--traces", stores, "--repeat", 1, "--json"))
    assert min(row["episodes_per_s"] for row in found["replay"]) > 0


@pytest.mark.slow
def test_parts(stores: Path) -> None:
    assert "ns per interval" in printed("parts.py", "--traces", stores, "--repeat", 1)


@pytest.mark.slow
def test_confinement(stores: Path) -> None:
    found = json.loads(printed("confinement.py", "--traces", stores, "--repeat", 1, "--json"))
    assert {episodes for episodes, _ in found["audit_seconds"].values()} == {3000}


@pytest.mark.slow
def test_soak() -> None:
    rows = json.loads(printed("serving.py", "--soak", 0.1, "--json"))
    last = rows[-1]
    assert last["answered"] > 0
    assert [last[key] for key in ("running", "waiting", "at the engine")] == [0, 0, 0]
