"""Keys of the environment do not get into what a run writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.secrets import redacted, redacted_json

KEY = "sk-planted-0123456789"


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    monkeypatch.setenv("SHORT_TOKEN", "the")


def test_a_key_is_replaced_by_its_name_and_short_words_are_left() -> None:
    assert redacted(f"Bearer {KEY}: the key is wrong") == "Bearer [SOME_API_KEY]: the key is wrong"
    assert redacted_json({"error": [KEY, 1]}) == {"error": ["[SOME_API_KEY]", 1]}


def test_notes_and_transcripts_hold_no_key(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.note("failed", error=f"not allowed: {KEY}")
    run.transcribe(1, {"text": KEY})
    files = [path.read_text() for path in tmp_path.rglob("*.jsonl")]
    assert len(files) == 2
    assert KEY not in "".join(files)
    assert json.loads(files[0])["time"]
