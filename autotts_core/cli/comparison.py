"""How a comparison of two stores is printed."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from autotts_core.cli.tables import table_console
from autotts_core.store.compare import Comparison

_LONGEST = 60


def print_comparison(comparison: Comparison) -> None:
    """Print what differs, then each answer that is seen differently."""
    console = table_console()
    console.print(f"{comparison.name}: {comparison.old_path} -> {comparison.new_path}")
    for what, (old, new) in comparison.facts.items():
        arrow = f"{_shown(old)} -> {_shown(new)}" if old != new else f"{_shown(old)} in both"
        console.print(f"  {what}: {arrow}")
    console.print(
        f"  {len(comparison.changes):,} answers of {comparison.questions_changed} questions are "
        f"seen differently; {comparison.branches_changed:,} branches end with one"
    )
    if not comparison.changes:
        return
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("question", "gold", "answer", "change", "branches", "probes", "why"):
        right = heading in ("branches", "probes")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for change in comparison.changes:
        moved = f"{change.old} -> {change.new}" if change.old != change.new else change.new
        row = (change.id, change.gold_answer, change.answer, moved, str(len(change.branches)),
               str(change.probes), change.why)  # fmt: skip
        table.add_row(*(Text(_short(cell)) for cell in row))
    console.print(table)


def _shown(value: Any) -> str:
    return f"{value:,.4f}" if isinstance(value, float) else str(value)


def _short(text: str) -> str:
    line = text.replace("\n", " ")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
