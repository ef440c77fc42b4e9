"""The width-depth picture of an episode on a terminal: branches down, intervals across."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autotts_core.replay.interpreted_episode import Action
from autotts_core.replay.picture import (
    EpisodePicture,
    Picture,
    PictureAnswer,
    PictureBranch,
    RecordedBranch,
    ranked_answers,
)
from autotts_core.visible_text import visible_character

PIPED_WIDTH = 100
NARROW = 64
"""Columns below which the stored numbers and lengths of branches are left out."""

LETTERS = "ABCDEFGH"
"""Each shown answer's letter: the picture reads without colour."""

RIGHT = "#ffffff on #00805d"
WRONG = (
    "#000000 on #e69f00",
    "#000000 on #56b4e9",
    "#000000 on #cc79a7",
    "#000000 on #f0e442",
    "#ffffff on #0072b2",
    "#ffffff on #d55e00",
    "#ffffff on #882255",
    "#000000 on #bbbbbb",
)
"""After Okabe and Ito's palette, made for all kinds of colour vision; its green means right."""

FAINT = "bright_black"
RARE, NO_ANSWER, PASSED = "·", "∅", "─"
FINISHED, PRUNED, RUNNING = "┃", "×", "▸"
ENDS = {
    FINISHED: ("finished", FAINT),
    PRUNED: ("pruned", "bold red"),
    RUNNING: ("running", "bold cyan"),
}
COUNTS: tuple[tuple[str, Callable[[PictureAnswer], int]], ...] = (
    ("votes", lambda answer: answer.latest_votes),
    ("finished", lambda answer: answer.final_votes),
    ("probes", lambda answer: answer.probes),
)
"""What the legend counts: votes of unpruned branches, of finished ones among them, cells."""
CELL_WIDTHS = (3, 2, 1)
TICK_STEPS = (1, 2, 4, 10)
"""Intervals between ticks, times a power of ten: with Δ = 500 these are round tokens."""


def console() -> Console:
    """Standard output; one that is not a terminal has a fixed width."""
    out = Console(highlight=False, emoji=False, markup=False)
    if not out.is_terminal:
        out.width = PIPED_WIDTH
    return out


def visible(text: str, width: int) -> str:
    """`text` on one line of at most `width` columns, with nothing in it that acts on a terminal.

    Control characters become their pictures (␛), other unprintable ones their code points.
    """
    # Each character takes at least one column, so that stacked accents come to an end too.
    shown = [visible_character(char) for char in text[: width + 1]]
    widths = [max(1, cell_len(char)) for char in shown]
    if sum(widths) <= width:
        return "".join(shown)
    while shown and sum(widths) > width - 1:
        shown.pop()
        widths.pop()
    return "".join(shown) + "…"


@dataclass(frozen=True)
class _Scale:
    """How intervals map to columns: `intervals` of them share a cell `width` columns wide."""

    intervals: int
    width: int
    cells: int

    @classmethod
    def fitting(cls, depth: int, room: int) -> _Scale:
        for width in CELL_WIDTHS:
            if depth * width <= room:
                return cls(1, width, depth)
        intervals = math.ceil(depth / room)
        return cls(intervals, 1, math.ceil(depth / intervals))

    @property
    def columns(self) -> int:
        return self.cells * self.width

    def column(self, interval: int) -> int:
        return interval * self.width // self.intervals


class _Glyphs:
    """How each answer looks in a cell: a letter and colours, or a dot for the rarer ones."""

    def __init__(self, picture: EpisodePicture, out: Console, answers: int = len(LETTERS)) -> None:
        self.shown = ranked_answers(picture, answers)
        shown_ids = {answer.id for answer in self.shown}
        self.rare = [answer for answer in picture.answers if answer.id not in shown_ids]
        self._coloured = out.color_system is not None and not out.no_color
        self._looks: dict[int | None, tuple[str, str]] = {
            None: (PASSED, FAINT),
            -1: (NO_ANSWER, FAINT),
        }
        right, wrong = iter((RIGHT,)), iter(WRONG)
        # While votes go up and down, an answer keeps its looks.
        lettered = self.shown if picture.stop else sorted(self.shown, key=lambda each: each.id)
        for letter, answer in zip(LETTERS, lettered, strict=False):
            style = next(right, None) if answer.correct else None
            self._looks[answer.id] = letter, style or next(wrong)

    def cell(self, answer: int | None, width: int, before: int | None = None) -> Text:
        """A cell `width` columns wide, after one that shows the answer `before`."""
        glyph, style = self._looks.get(answer, (RARE, FAINT))
        # Where colour joins equal answers into one bar, a letter at its start is enough.
        if self._coloured and answer == before and style is not FAINT:
            glyph = " "
        return Text.assemble((glyph.ljust(width, PASSED if answer is None else " "), style))


def draw(picture: Picture, out: Console) -> None:
    """Print the picture, its legend and its summary, no wider than the console."""
    glyphs = _Glyphs(picture, out)
    for line in (
        *_heading(picture, out.width),
        Text(),
        *episode_lines(picture, out),
        Text(),
        *_summary(picture, glyphs, out.width),
    ):
        for row in fitted(line, out):
            out.print(row)


def episode_lines(
    picture: EpisodePicture, out: Console, most_lines: int | None = None
) -> Iterator[Text]:
    """The chart of an episode with its key and legend.

    Of more branches than fit into `most_lines`, those that run are shown, and the latest.
    """
    answers = len(LETTERS)
    if most_lines is not None:
        answers = min(answers, max(1, most_lines // 5))
    glyphs = _Glyphs(picture, out, answers)
    below = [
        Text(),
        *_key(picture, out.width),
        Text(),
        *_legend(picture, glyphs, out.width),
    ]
    # Two lines for the axis, and up to three of what may be said below the chart.
    most = None if most_lines is None else max(1, most_lines - len(below) - 5)
    yield from _chart(picture, glyphs, out.width, most)
    yield from below


def fitted(line: Text, out: Console) -> Iterator[Text]:
    """`line` in rows that are no wider than the console."""
    for row in line.wrap(out, out.width) or [line]:
        row.rstrip()
        yield row


def _heading(picture: Picture, width: int) -> Iterator[Text]:
    title = f"{picture.controller} on {picture.model}/{picture.benchmark}"
    yield Text(visible(title, width), "bold")
    question = f"question {picture.question}"
    if picture.question_id != str(picture.question):
        question += f" ({visible(picture.question_id, max(8, width // 3))})"
    budget = "" if picture.budget is None else f", budget {picture.budget:,} tokens"
    yield Text(f"{question}, seed {picture.seed}, β = {picture.beta:g}{budget}", FAINT)
    yield Text(visible(" ".join(picture.question_text.split()), width), FAINT)


def _chart(
    picture: EpisodePicture, glyphs: _Glyphs, width: int, most: int | None
) -> Iterator[Text]:
    if not picture.branches:
        yield Text("No branch was opened." if picture.stop else "No branch is open yet.")
        return
    branches = _shown(picture.branches, most)
    wide = width >= NARROW
    stored = [each for each in branches if isinstance(each, RecordedBranch)] if wide else []
    left = "branch  stored  " if stored else "branch  " if wide else " " * 5
    tokens = _column("tokens", (f"{branch.tokens:,}" for branch in branches))
    lengths = [""] * len(tokens)
    if stored:
        lengths = _column("length", (f"{branch.recorded_tokens:,}" for branch in stored))
    # The column beside the chart's last one is for the mark at a branch's end.
    room = width - len(left) - 1 - len(tokens[0]) - len(lengths[0])
    # Of a branch that has just begun there is nothing to see.
    depth = max(1, *(len(branch.cells) for branch in branches))
    scale = _Scale.fitting(depth, max(1, room))

    labels, ruler = _axis(scale, picture.interval_tokens)
    yield Text(" " * len(left) + labels, FAINT)
    yield Text(f"{left}{ruler} {tokens[0]}{lengths[0]}", FAINT)
    for branch, spent, length in zip(branches, tokens[1:], lengths[1:], strict=True):
        row = Text(f"{branch.branch:>6}" if wide else f"{branch.branch:>4} ")
        if wide:
            number = f"{branch.recorded:>8}" if isinstance(branch, RecordedBranch) else ""
            row.append(f"{number}  ", FAINT)
        row.append_text(_cells(branch, glyphs, scale))
        row.append(spent)
        row.append(length, FAINT)
        yield row
    if len(branches) < len(picture.branches):
        yield Text(f"{'…':>6}  and {len(picture.branches) - len(branches)} more", FAINT)
    if scale.intervals > 1:
        tokens_of_cell = scale.intervals * picture.interval_tokens
        yield Text(
            f"One column is {scale.intervals} intervals ({tokens_of_cell:,} tokens) "
            "and shows the last answer revealed in them.",
            FAINT,
        )


def _shown(branches: Sequence[PictureBranch], most: int | None) -> Sequence[PictureBranch]:
    if most is None or len(branches) <= most:
        return branches
    telling = sorted(branches, key=lambda branch: (_mark(branch) != RUNNING, -branch.branch))
    return sorted(telling[:most], key=lambda branch: branch.branch)


def _column(heading: str, entries: Iterable[str]) -> list[str]:
    """Heading and entries, adjusted to the right, two columns off what stands before them."""
    column = [heading, *entries]
    width = max(map(len, column)) + 2
    return [entry.rjust(width) for entry in column]


def _cells(branch: PictureBranch, glyphs: _Glyphs, scale: _Scale) -> Text:
    cells = Text()
    before: int | None = None
    for first in range(0, len(branch.cells), scale.intervals):
        revealed = [
            answer for answer in branch.cells[first : first + scale.intervals] if answer is not None
        ]
        answer = revealed[-1] if revealed else None
        cells.append_text(glyphs.cell(answer, scale.width, before))
        before = answer
    mark = _mark(branch)
    cells.append(mark, ENDS[mark][1])
    return cells.append(" " * (scale.columns + 1 - cells.cell_len))


def _mark(branch: PictureBranch) -> str:
    if branch.pruned:
        return PRUNED
    return FINISHED if branch.finished else RUNNING


def _axis(scale: _Scale, interval_tokens: int) -> tuple[str, str]:
    """Token labels, and the ruler with a tick under the first character of each."""
    steps = (step * 10**power for power in range(10) for step in TICK_STEPS)
    for step in steps:
        ticks = range(0, scale.cells * scale.intervals, step)
        labels = [_thousands(interval * interval_tokens) for interval in ticks]
        if scale.column(step) >= max(map(len, labels)) + 2:
            break
    line, ruler = "", ["─"] * scale.columns
    for interval, label in zip(ticks, labels, strict=True):
        ruler[scale.column(interval)] = "┬"
        line = line.ljust(scale.column(interval)) + label
    return line, "".join(ruler)


def _thousands(tokens: int) -> str:
    return f"{tokens / 1000:g}k" if tokens >= 1000 and tokens % 100 == 0 else f"{tokens:,}"


def _key(picture: EpisodePicture, width: int) -> Iterator[Text]:
    """What became of the branches, which is also what the marks in the chart mean."""
    ends = Counter(map(_mark, picture.branches))
    cells = {answer for branch in picture.branches for answer in branch.cells}
    stopped = " at the stop" if picture.stop else ""
    entries = [
        Text.assemble((mark, style), f" {ends[mark]} {end}{stopped if mark == RUNNING else ''}")
        for mark, (end, style) in ENDS.items()
        if ends[mark]
    ]
    if None in cells:
        entries.append(Text.assemble((PASSED, FAINT), " passed without probing"))
    if -1 in cells:
        entries.append(Text.assemble((NO_ANSWER, FAINT), " no answer"))
    line = Text(f"{len(picture.branches)} of {picture.pool} branches")
    for entry in entries:
        if line.cell_len + 3 + entry.cell_len > width:
            yield line
            line = entry
        else:
            line.append("   ").append_text(entry)
    yield line


def _legend(picture: EpisodePicture, glyphs: _Glyphs, width: int) -> Iterator[Text]:
    if not picture.answers:
        yield Text("No answer was revealed." if picture.stop else "No answer yet.")
        return
    wide = width >= NARROW
    counts = COUNTS if wide else COUNTS[:1]
    yield Text("  " + "".join(f"{heading:>9}" for heading, _ in counts) + "  answer", FAINT)
    for answer in glyphs.shown:
        line = _counted(glyphs.cell(answer.id, 2), counts, [answer])
        note = (("  ✓ right" if wide else " ✓") if answer.correct else "") + (
            ("  ◂ answered" if wide else " ◂") if answer.id == picture.answer else ""
        )
        line.append(visible(answer.text, max(1, width - line.cell_len - cell_len(note))))
        yield line.append(note, "bold")
    if glyphs.rare:
        line = _counted(glyphs.cell(glyphs.rare[0].id, 2), counts, glyphs.rare)
        rarer = "rarer answer" if len(glyphs.rare) == 1 else "rarer answers"
        yield line.append(f"{len(glyphs.rare)} {rarer}", FAINT)


def _counted(
    line: Text,
    counts: Iterable[tuple[str, Callable[[PictureAnswer], int]]],
    answers: Sequence[PictureAnswer],
) -> Text:
    for _, count in counts:
        line.append(f"{sum(map(count, answers)):>9}")
    return line.append("  ")


def _summary(picture: Picture, glyphs: _Glyphs, width: int) -> Iterator[Text]:
    short = max(8, width // 4)
    sc = picture.self_consistency

    answer = _field("answer")
    if picture.answer < 0:
        answer.append("none ", "bold")
    else:
        text = visible(picture.answers[picture.answer].text, short)
        answer.append_text(glyphs.cell(picture.answer, 1)).append(f" {text} ", "bold")
    answer.append(*(("✓ right", "bold green") if picture.correct else ("✗ wrong", "bold red")))
    gold, grader = visible(picture.gold_answer, short), visible(picture.grader, short)
    yield answer.append(f" (gold {gold}, grader {grader})", FAINT)

    tokens = _field("tokens").append(f"{picture.tokens:,}, {_saving(picture)}", "bold")
    tokens.append(f" the {sc.tokens:,} of SC@{sc.branches}")
    sc_answer = "none" if sc.answer is None else visible(sc.answer, short)
    yield tokens.append(f" (answer {sc_answer}, {'right' if sc.correct else 'wrong'})", FAINT)

    sequential = _field("sequential").append(f"{picture.sequential_tokens:,}", "bold")
    yield sequential.append(" tokens on the critical path")

    stopped = _field("stopped")
    yield stopped.append(visible(picture.stop, max(8, width - stopped.cell_len)))


def _saving(picture: Picture) -> str:
    spent, reference = picture.tokens, picture.self_consistency.tokens
    if spent == reference:
        return "equal to"
    if not reference:
        return "more than"
    saved = 1 - spent / reference
    return f"{abs(saved):.1%} {'fewer' if saved > 0 else 'more'} than"


def _field(name: str) -> Text:
    return Text.assemble((f"{name:<12}", FAINT))


def draw_actions(actions: Sequence[Action], picture: Picture, out: Console) -> None:
    """Print every action as a table; actions of one batch ran in parallel."""
    glyphs = _Glyphs(picture, out)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("batch", "action", "branch", "depth", "tokens", "answer"):
        table.add_column(
            name, justify="left" if name in ("action", "answer") else "right", no_wrap=True
        )
    batch = None
    for action in actions:
        answer = glyphs.cell(action.answer, 1)
        if action.answer >= 0:
            text = visible(picture.answers[action.answer].text, out.width)
            answer.append(f" {text}")
        table.add_row(
            "" if action.batch == batch else str(action.batch),
            _did(action),
            str(action.branch),
            str(action.depth),
            f"{action.tokens:,}",
            answer,
        )
        batch = action.batch
    out.print(table)


def _did(action: Action) -> str:
    if action.kind == "prune":
        return action.kind
    times = f" × {action.intervals}" if action.intervals > 1 else ""
    return f"{action.kind}{times}{', finished' if action.finished else ''}"
