"""Making a report of finished runs, and putting it where it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.files import write_atomically
from autotts_core.report import MOST_EPISODES
from autotts_core.report.findings import Findings
from autotts_core.report.page import render
from autotts_core.report.run_section import RunSection


def write_report(
    runs: Sequence[RunDirectory], path: Path, most_episodes: int = MOST_EPISODES
) -> Sequence[RunSection]:
    """Write the report of `runs`, which several are compared in, to `path`.

    It carries at most `most_episodes` episodes of each run. Raises `AutoTTSError` where a run
    has not finished, or selected nothing. What could not be shown is said on the page, and in
    `RunSection.missing`.
    """
    sections = [
        RunSection(Findings.of_selected(run), number, most_episodes)
        for number, run in enumerate(runs)
    ]
    write_atomically(path, render(sections).encode())
    return sections
