"""What a process can still see once held-out stores are hidden from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, os, subprocess, sys
from pathlib import Path
from autotts_core.discovery import guard

hidden, shown, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
if how == "hook":
    def unsupported(paths):
        raise OSError(95, "Operation not supported")
    guard._restrict = unsupported
elif how == "landlock":
    guard._refuse_opening = lambda paths: None
said = guard.hide([hidden])

def works(act):
    try:
        act()
    except PermissionError:
        return False
    return True

found = {
    "said": said,
    "shown": works(lambda: (shown / "manifest.json").read_bytes()),
    "hidden": works(lambda: (hidden / "manifest.json").read_bytes()),
    "listed": works(lambda: list(hidden.iterdir())),
    "linked": works(lambda: (shown / "link" / "manifest.json").read_bytes()),
    "written": works(lambda: (shown / "new").write_text("x") and (shown / "new").read_text()),
    "by a child": subprocess.run(
        ["cat", str(hidden / "manifest.json")], capture_output=True
    ).returncode == 0,
    "another python": subprocess.run(
        [sys.executable, "-c", "import module_here"], env={**os.environ, "PYTHONPATH": "."}
    ).returncode == 0,
}
print(json.dumps(found))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("held", "searched", "held-not"):
        (tmp_path / "stores" / name).mkdir(parents=True)
        (tmp_path / "stores" / name / "manifest.json").write_text("{}")
    (tmp_path / "stores/searched/link").symlink_to(tmp_path / "stores/held")
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path


def seen(tree: Path, how: str, shown: str = "searched") -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "script.py", "stores/held", f"stores/{shown}", how],
        cwd=tree,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_audit_hook_refuses_what_python_opens(tree: Path) -> None:
    found = seen(tree, "hook")
    assert "audit hook only (Landlock: Operation not supported)" in str(found["said"])
    assert (found["shown"], found["written"]) == (True, True)
    assert (found["hidden"], found["listed"], found["linked"]) == (False, False, False)


def test_landlock_hides_them_from_children_too(tree: Path) -> None:
    found = seen(tree, "landlock")
    if "Landlock:" in str(found["said"]):
        pytest.skip("this kernel has no Landlock")
    assert (found["shown"], found["written"]) == (True, True)
    assert (found["hidden"], found["linked"], found["by a child"]) == (False, False, False)


def test_modules_beside_what_is_hidden_can_be_imported(tree: Path) -> None:
    (tree / "module_here.py").write_text("")
    assert seen(tree, "both")["another python"] is True


def test_a_name_that_begins_alike_is_not_hidden(tree: Path) -> None:
    (tree / "stores/held-not/link").symlink_to(tree / "stores/held")
    assert seen(tree, "both", "held-not")["shown"] is True
