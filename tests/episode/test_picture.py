"""The picture's numbers are the record's, and its text is safe and fits."""

import io
import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from autotts_core.cli.picture import draw, draw_actions, visible
from autotts_core.replay.interpreted import ReplayedEpisode
from autotts_core.replay.picture import Picture, ranked_answers
from autotts_core.store import ReplayStore

GOLDEN = Path(__file__).parent / "golden"
Replay = Callable[..., tuple[ReplayedEpisode, Picture]]
CONTROLLERS = ("cmc", "asc", "self-consistency:branches=128", "parallel-probe:branches=20")


def drawn(picture: Picture, width: int = 100, **options: Any) -> str:
    file = io.StringIO()
    draw(picture, Console(file=file, width=width, highlight=False, **options))
    return file.getvalue()


def golden(name: str, text: str) -> str:
    """What the drawing must be; WRITE_GOLDEN=1 in the environment renews it."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def test_rows_show_what_happened(replayed: Replay, mixed: Path) -> None:
    picture = replayed(mixed, 0, seed=38)[1]
    order = list(range(6))
    random.Random(38).shuffle(order)
    assert [row.recorded for row in picture.branches] == order[:5] == [1, 0, 2, 4, 3]
    text = {None: None, -1: ""} | {answer.id: answer.text for answer in picture.answers}
    assert [[text[cell] for cell in row.cells] for row in picture.branches] == [
        ["36", "36", "36", "", "42", "42", "42"],
        ["36", None, "42"],
        ["7"],
        ["13"],
        [None, "42"],
    ]
    assert [row.finished for row in picture.branches] == [True, False, False, False, True]
    assert [row.pruned for row in picture.branches] == [False, False, True, False, False]
    # The published convention: the seventh step of a branch with six probes costs its rest.
    assert [row.tokens for row in picture.branches] == [3100, 1500, 500, 500, 800]
    votes = {a.text: (a.latest_votes, a.final_votes, a.probes) for a in picture.answers}
    assert votes == {"36": (0, 0, 4), "7": (0, 0, 1), "13": (1, 0, 1), "42": (3, 2, 5)}
    assert (picture.tokens, picture.sequential_tokens) == (6400, 3900)
    assert picture.self_consistency.tokens == 10_011
    assert (picture.correct, picture.stop) == (True, "two finished branches agree")


@pytest.mark.parametrize("question", range(4))
@pytest.mark.parametrize("spec", CONTROLLERS)
@pytest.mark.parametrize("budget", [None, 5000])
def test_numbers_are_the_records(
    replayed: Replay, store: ReplayStore, spec: str, question: int, budget: int | None
) -> None:
    episode, picture = replayed(spec, question, seed=3, budget=budget)
    record = episode.record
    assert picture.tokens == record.spent == sum(row.tokens for row in picture.branches)
    assert picture.sequential_tokens == record.sequential_tokens
    assert picture.stop == episode.stop
    assert len(picture.branches) == record.branches
    for row in picture.branches:
        assert row.tokens == record.tokens(row.branch)
        assert len(row.cells) == record.depth(row.branch)
        assert row.cells[-1] == row.answer == record.answer(row.branch)
        assert row.finished == record.finished(row.branch)
        assert row.pruned == record.pruned(row.branch)

    arrays = store.load()
    classes = slice(*arrays.class_start[question : question + 2])
    assert [answer.text for answer in picture.answers] == [
        arrays.class_text[classes][c] for c in record.revealed
    ]
    assert [answer.id for answer in picture.answers] == list(range(len(record.revealed)))
    latest = Counter(row.answer for row in picture.branches if not row.pruned)
    for answer in picture.answers:
        assert answer.latest_votes == latest[answer.id]
        assert answer.correct == (answer.text == store.gold_answers[question])
    if picture.answer >= 0:
        assert record.revealed[picture.answer] == episode.answer_class
        assert picture.correct == picture.answers[picture.answer].correct
    else:
        assert not picture.correct


@pytest.mark.parametrize("question", range(4))
def test_self_consistency_is_what_its_controller_gives(replayed: Replay, question: int) -> None:
    picture = replayed("self-consistency", question, seed=7)[1]
    sc = picture.self_consistency
    assert sc.tokens == picture.tokens
    assert sc.correct == picture.correct
    assert sc.branches == min(64, picture.pool)
    assert sc.answer == (picture.answers[picture.answer].text if picture.answer >= 0 else None)
    # It does not depend on the controller.
    assert replayed("asc", question, seed=7)[1].self_consistency == sc


@pytest.mark.parametrize("question", range(4))
def test_the_picture_is_json(replayed: Replay, question: int) -> None:
    row = asdict(replayed("cmc", question)[1])
    assert json.loads(json.dumps(row, allow_nan=False)) == json.loads(json.dumps(row))


def test_ranked_answers_keep_the_given_and_the_right_one(replayed: Replay) -> None:
    picture = replayed("parallel-probe:branches=20", 3)[1]
    ranked = ranked_answers(picture, 5)
    assert len(ranked) == 5
    assert picture.answer in {answer.id for answer in ranked}
    assert any(answer.correct for answer in ranked)
    assert ranked == sorted(ranked, key=lambda a: -a.latest_votes)
    assert ranked_answers(picture, 1)[0].id == picture.answer


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mixed-100", {"width": 100}),
        ("mixed-50", {"width": 50}),
        ("mixed-colour", {"width": 80, "force_terminal": True, "color_system": "truecolor"}),
    ],
)
def test_golden(replayed: Replay, mixed: Path, name: str, options: dict[str, Any]) -> None:
    text = drawn(replayed(mixed, 0, seed=38)[1], **options)
    assert text == golden(name, text)


@pytest.mark.parametrize("name", ["hostile", "many", "one-branch", "no-branch"])
def test_golden_of_awkward_questions(replayed: Replay, idle: Path, name: str) -> None:
    question, spec = {
        "hostile": (1, "self-consistency"),
        "many": (3, "parallel-probe:branches=128,warm_up=3"),
        "one-branch": (2, "cmc"),
        "no-branch": (0, idle),
    }[name]
    text = drawn(replayed(spec, question)[1])
    assert text == golden(name, text)


@pytest.mark.parametrize("width", [30, 40, 63, 64, 80, 100, 250])
@pytest.mark.parametrize("question", range(4))
@pytest.mark.parametrize("spec", ["cmc", "self-consistency:branches=128"])
def test_fits_every_width(replayed: Replay, spec: str, question: int, width: int) -> None:
    for line in drawn(replayed(spec, question)[1], width).splitlines():
        assert cell_len(line) <= width
        assert line == line.rstrip()


def test_long_branches_are_compressed_and_it_says_so(replayed: Replay) -> None:
    text = drawn(replayed("cmc", 2)[1], 80)
    [columns] = re.findall(r"One column is (\d+) intervals", text)
    assert f"({int(columns) * 500:,} tokens)" in text
    assert "One column is" not in drawn(replayed("cmc", 2)[1], 300)


def test_a_row_for_each_of_128_branches(replayed: Replay) -> None:
    lines = drawn(replayed("self-consistency:branches=128", 3)[1]).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("branch"))
    rows = lines[first + 1 : first + 129]
    assert [int(row.split()[0]) for row in rows] == list(range(128))
    assert sorted(int(row.split()[1]) for row in rows) == list(range(128))
    assert "128 of 128 branches   ┃ 128 finished" in drawn(
        replayed("self-consistency:branches=128", 3)[1]
    )


def test_hostile_answers_act_on_nothing(replayed: Replay) -> None:
    episode, picture = replayed("self-consistency", 1)
    file = io.StringIO()
    out = Console(file=file, width=100, highlight=False)
    draw(picture, out)
    draw_actions(episode.record.actions(), picture, out)
    text = file.getvalue()
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "[bold]bold[/bold][/]" in text
    assert "␛[31mred␛]0;title␇" in text
    assert "two␊lines␍␉and more" in text
    assert "‹202E›right to left‹2069›‹200F›" in text
    assert "‹009B›2J␡" in text
    assert len(text) < 20_000


def test_no_color_leaves_letters(
    replayed: Replay, mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = replayed(mixed, 0, seed=38)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    text = drawn(picture, 100, force_terminal=True, color_system="truecolor")
    assert not re.search("\x1b\\[[0-9;]*[34]8;", text)
    assert re.sub("\x1b\\[[0-9;]*m", "", text) == drawn(picture, 100)


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 5, ""),
        ("12345", 5, "12345"),
        ("123456", 5, "1234…"),
        ("漢字漢", 5, "漢字…"),
        ("漢字", 4, "漢字"),
        ("\x1b\x1b\x1b", 3, "␛␛␛"),
        ("ab\u200f", 5, "ab…"),
        ("\\frac{1}{2} [b]", 99, "\\frac{1}{2} [b]"),
        ("abc", 1, "…"),
        ("\ud800", 9, "‹D800›"),
    ],
)
def test_visible(text: str, width: int, expected: str) -> None:
    assert visible(text, width) == expected
