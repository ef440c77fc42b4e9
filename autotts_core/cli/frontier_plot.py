"""Frontiers in the terminal: accuracy over the logarithm of tokens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

_HEIGHT = 16
_COLOURS = ("bold green", "cyan", "yellow", "magenta", "blue", "red", "white")
_MARKS = "●abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Curve:
    """The (tokens, accuracy) points of one controller."""

    name: str
    points: Sequence[tuple[float, float]]


def draw_frontiers(curves: Sequence[Curve], console: Console) -> None:
    """Draw `curves` over each other; the first one is marked with dots and lies on top."""
    width = min(console.width, 100) - 8
    tokens = [x for curve in curves for x, _ in curve.points if x > 0]
    accuracies = [y for curve in curves for _, y in curve.points]
    if not tokens:
        return
    left, right = math.log10(min(tokens)), math.log10(max(tokens))
    low, high = min(accuracies), max(accuracies)
    across, up = right - left or 1.0, high - low or 1.0
    rows = [Text(" " * width) for _ in range(_HEIGHT)]
    for number in reversed(range(len(curves))):
        for x, y in curves[number].points:
            column = round((math.log10(max(x, 1.0)) - left) / across * (width - 1))
            row = _HEIGHT - 1 - round((y - low) / up * (_HEIGHT - 1))
            rows[row] = _marked(rows[row], max(0, column), number)
    for number, line in enumerate(rows):
        y = high - up * number / (_HEIGHT - 1)
        console.print(Text(f"{y:5.1f} │") + line, soft_wrap=True)
    console.print(Text("      └" + "─" * width), soft_wrap=True)
    ends = f"{10**left:,.0f}", f"{10**right:,.0f} tokens"
    gap = " " * max(1, width - len(ends[0]) - len(ends[1]))
    console.print(Text(" " * 7 + ends[0] + gap + ends[1]), soft_wrap=True)
    for number, curve in enumerate(curves):
        console.print(Text(f"       {_mark(number)} {curve.name}", style=_style(number)))


def _marked(row: Text, column: int, number: int) -> Text:
    return row[:column] + Text(_mark(number), style=_style(number)) + row[column + 1 :]


def _mark(number: int) -> str:
    return _MARKS[min(number, len(_MARKS) - 1)]


def _style(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]
