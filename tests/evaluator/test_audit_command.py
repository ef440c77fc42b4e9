"""`autotts audit`: what it takes, and what it tells."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

SOURCE = """
def schedule(beta):
    return {"width": 2}


def policy(episode, p):
    i = episode.branch()
    return episode.answer(i)
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="untrusted code is confined on Linux alone"
)


def audit(tmp_path: Path, controller: str, *options: str) -> subprocess.CompletedProcess[str]:
    branches = [BranchTrace(["a", "b", "a"], 1520, "a") for _ in range(4)]
    store = toy_store(tmp_path, branches)
    command = [sys.executable, "-m", "autotts_core", "audit", controller]
    given = ["--traces", str(store.path), "--seeds", "2", *options]
    return subprocess.run([*command, *given], capture_output=True, text=True, timeout=300)


def test_an_honest_file_passes(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    done = audit(tmp_path, str(path))
    assert done.returncode == 0
    assert "2 episodes are identical" in done.stdout + done.stderr


def test_an_installed_controller_passes(tmp_path: Path) -> None:
    done = audit(tmp_path, "asc:max_branches=3", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["identical"]


def test_a_hostile_file_is_told_where_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"import os\n{SOURCE}")
    done = audit(tmp_path, str(path))
    assert done.returncode != 0
    assert "line 1: imports os" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("{file}:width=3", "cannot be audited"),
        ("legacy:{file}:Method", "cannot be audited"),
        ("{folder}/mine", "cannot be audited"),
        ("asc:max_branches=3,4", "stands for 2 controllers: audit one"),
        ("nothing", "nothing"),
    ],
)
def test_what_is_no_file_and_no_installed_controller_is_never_run(
    tmp_path: Path, form: str, message: str
) -> None:
    path, ran = tmp_path / "mine.py", tmp_path / "ran"
    path.write_text(f"open({str(ran)!r}, 'w')\n{SOURCE}")
    done = audit(tmp_path, form.format(file=path, folder=tmp_path))
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert not ran.exists()
