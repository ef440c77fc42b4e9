"""Which episodes a report carries, and its table, without a browser."""

from __future__ import annotations

import numpy as np
import pytest

from autotts_core.report.comparison_table import comparison_table
from autotts_core.report.episodes import StoreQuestions, choose
from autotts_core.report.source import difference, highlighted
from autotts_core.visible_text import visible_lines


def questions(
    accuracy: list[float], reference: list[float], tokens: list[float], other: list[float]
) -> StoreQuestions:
    def array(values: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array(values, float)

    spent = array([100.0] * len(accuracy))
    return StoreQuestions(
        "search", None, 0, array(accuracy), array(tokens), array(reference), spent, [array(other)]
    )


def test_the_interesting_questions_come_first() -> None:
    chosen = choose(
        questions(
            accuracy=[100, 0, 100, 50, 50, 50, 50, 50, 50],
            reference=[100, 100, 0, 50, 50, 50, 50, 50, 50],
            tokens=[10, 10, 10, 90, 80, 70, 1, 2, 3],
            other=[100, 0, 100, 50, 50, 50, 100, 50, 50],
        )
    )
    assert list(chosen) == [
        (1, "lost"),
        (2, "saved"),
        (3, "wasteful"),
        (4, "wasteful"),
        (5, "wasteful"),
        (6, "different"),
        (0, None),
        (7, None),
        (8, None),
    ]


def test_small_differences_are_neither_lost_nor_saved() -> None:
    whys = [w for _, w in choose(questions([50, 60], [59, 51], [1, 1], [50, 60]))]
    assert "lost" not in whys
    assert "saved" not in whys


def row(label: str, beta: float | None, accuracy: float, tokens: float) -> dict[str, object]:
    store = {
        "controller": label.partition("(")[0],
        "accuracy": accuracy,
        "tokens": tokens,
        "sequential_tokens": tokens / 2,
        "saved": 100 - tokens / 10,
    }
    return {
        "kind": "selected" if label == "controller" else "baseline",
        "label": label,
        "beta": beta,
        "accuracy": {"mean": accuracy, "low": accuracy - 1, "high": accuracy + 1},
        **{key: store[key] for key in ("tokens", "sequential_tokens", "saved")},
        "stores": [store],
    }


@pytest.fixture
def of_set() -> dict[str, object]:
    return {
        "stores": ["a_b|c/<i>"],
        "rows": [
            row("sc(branches=1)", None, 50.0, 10.0),
            row("sc", None, 60.0, 1000.0),
            row("cmc", 0.0, 55.0, 100.0),
            row("cmc", 0.5, 58.0, 200.0),
            row("cmc", 1.0, 59.0, 400.0),
            row("controller", 0.0, 57.0, 50.0),
            row("controller", 1.0, 61.0, 90.0),
        ],
    }


def test_the_table_sums_up(of_set: dict[str, object]) -> None:
    table = comparison_table(of_set, {1.0: "best"}, "caption", every=False)
    assert [(line.label, line.beta) for line in table.lines] == [
        ("sc", None),
        ("cmc", 0.5),
        ("cmc", 1.0),
        ("selected (best)", 1.0),
    ]
    assert len(comparison_table(of_set, {}, "", every=True).lines) == 7


def test_formats_escape_what_would_be_read_as_markup(of_set: dict[str, object]) -> None:
    table = comparison_table(of_set, {1.0: "best"}, "caption", every=False)
    markdown = table.markdown().splitlines()
    assert r"a_b\|c/&lt;i>: tokens" in markdown[0]
    assert markdown[2].startswith("| sc |  | 60.00 | 1,000 | 500 | 0.0 |")
    assert "**61.00** | **90** | **45** | **91.0**" in markdown[5]
    latex = table.latex()
    assert r"\multicolumn{4}{c}{a\_b|c/<i>}" in latex
    assert r"\textbf{61.00} & \textbf{90}" in latex
    assert table.csv().splitlines()[1].startswith("sc,,59.0,61.0,60.0,1000.0")


def test_source_is_escaped_and_every_line_stands_alone() -> None:
    source = '"""<script>alert(1)</script>\n\u202eevil\x1b"""\nx = 1 < 2\n'
    shown = highlighted(source)
    assert "<script>" not in shown
    assert "‹202E›evil␛" in shown
    assert shown.count('class="line"') == source.count("\n") + 1
    assert all(line.count("<span") == line.count("</span>") for line in shown.split("\n"))


def test_a_difference_shows_what_was_added_and_removed() -> None:
    shown = difference("a = 1\nb = 2\n", "a = 1\nb = '<b>'\n")
    assert shown is not None
    assert '<span class="line removed">-b = 2</span>' in shown
    assert "+b = &#39;&lt;b&gt;&#39;" in shown
    assert difference("same", "same") is None


def test_long_text_is_cut_and_says_so() -> None:
    assert visible_lines("x" * 11, 10) == "x" * 10 + "… (11 characters in all)"
    assert visible_lines("a\tb\nc", 10) == "a\tb\nc"
