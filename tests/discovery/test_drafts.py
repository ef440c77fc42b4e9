from pathlib import Path

import pytest

from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.files import draft_directory, remove_drafts, write_atomically


def test_what_a_kill_leaves_is_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    with run.new_folder(run.evaluation("key")) as folder:
        (folder / "fault.txt").write_text("kept")
    write_atomically(run.stores, b"[]")
    kept = sorted(run.path.rglob("*"))

    (draft_directory(run.round(1)) / "controller.py").write_text("half")
    # A kill runs no handler, so the draft of a file stays, too.
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _killed)
        patch.setattr(Path, "unlink", lambda self, missing_ok=False: None)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(run.stores, b"[1]")
    run.round(1).joinpath("x").touch()
    kept = sorted([*kept, run.path / "rounds", run.round(1), run.round(1) / "x"])
    assert sorted(run.path.rglob("*")) != kept

    remove_drafts(run.path)
    assert sorted(run.path.rglob("*")) == kept
    assert run.stores.read_bytes() == b"[]"


def _killed(self: Path, target: Path) -> None:
    raise KeyboardInterrupt
