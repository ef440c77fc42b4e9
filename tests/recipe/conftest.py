"""Recipes written for one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

MINIMAL = """\
stores:
  - backend: simulated
    models: [sim-small]
    benchmarks: [sim, other]
search: ["*/sim"]
held_out: ["*/other"]
explorer:
  name: random-search
"""

Write = Callable[..., Path]


@pytest.fixture
def minimal() -> str:
    return MINIMAL


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a recipe: MINIMAL, then `more`; or `text` alone."""

    def written(more: str = "", name: str = "r.yaml", text: str = MINIMAL) -> Path:
        path = tmp_path / name
        path.write_text(text + more)
        return path

    return written
