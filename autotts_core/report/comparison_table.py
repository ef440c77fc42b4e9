"""The table of a run's results in the form of the paper's Table 1, as text in three formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotts_core.report.findings import Row, curves_of

QUANTITIES = ("accuracy", "tokens", "sequential_tokens", "saved")
HEADINGS = {
    "accuracy": "accuracy %",
    "tokens": "tokens",
    "sequential_tokens": "sequential",
    "saved": "saved %",
}
FORMATS = (".2f", ",.0f", ",.0f", ".1f")
"""How the quantities are written, in their order."""
_LOWER_IS_BETTER = ("tokens", "sequential_tokens")


@dataclass(frozen=True)
class Cell:
    """A number, and whether it is the best of its column."""

    value: float
    best: bool


@dataclass(frozen=True)
class Line:
    """One controller at one β; `cells[g][k]` is quantity k of column group g."""

    selected: bool
    label: str
    beta: float | None
    interval: tuple[float, float]
    cells: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class ComparisonTable:
    """Column groups (the average, then each store) and lines; the selected controller's last."""

    caption: str
    groups: Sequence[str]
    lines: Sequence[Line]

    def markdown(self) -> str:
        """A table as GitHub reads it."""
        heading = ["controller", "β", *(f"{g}: {HEADINGS[q]}" for g, q in self._columns())]
        ruler = ["---", "---:", *("---:" for _ in self._columns())]
        rows = [[_piped(cell) for cell in row] for row in self._rows("**{}**")]
        lines = ["| " + " | ".join(row) + " |" for row in ([*map(_piped, heading)], ruler, *rows)]
        return "\n".join([*lines, "", self.caption, ""])

    def csv(self) -> str:
        """Numbers at full precision, with the interval of the average accuracy."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = [f"{group} {quantity}" for group, quantity in self._columns()]
        writer.writerow(["controller", "beta", "accuracy_low", "accuracy_high", *names])
        for line in self.lines:
            values = [cell.value for group in line.cells for cell in group]
            beta = "" if line.beta is None else line.beta
            writer.writerow([line.label, beta, *line.interval, *values])
        return out.getvalue()

    def latex(self) -> str:
        """A `tabular` for the booktabs package, with the caption as a comment."""
        width = len(QUANTITIES)
        spans = " & ".join(rf"\multicolumn{{{width}}}{{c}}{{{_tex(g)}}}" for g in self.groups)
        rules = " ".join(
            rf"\cmidrule(lr){{{3 + k * width}-{2 + (k + 1) * width}}}"
            for k in range(len(self.groups))
        )
        names = " & ".join(_tex(HEADINGS[quantity]) for _, quantity in self._columns())
        rows = []
        for row in self._rows(r"\textbf{{{}}}", escape=_tex):
            rows.append(" & ".join(row) + r" \\")
        return "\n".join(
            [
                f"% {' '.join(self.caption.split())}",
                rf"\begin{{tabular}}{{lr{'r' * (width * len(self.groups))}}}",
                r"\toprule",
                rf" & & {spans} \\",
                rules,
                rf"Controller & $\beta$ & {names} \\",
                r"\midrule",
                *rows,
                r"\bottomrule",
                r"\end{tabular}",
                "",
            ]
        )

    def _columns(self) -> list[tuple[str, str]]:
        return [(group, quantity) for group in self.groups for quantity in QUANTITIES]

    def _rows(self, bold: str, escape: Any = str) -> Iterable[list[str]]:
        for line in self.lines:
            cells = [each for group in line.cells for each in zip(group, FORMATS, strict=True)]
            written = ((cell.best, format(cell.value, form)) for cell, form in cells)
            texts = (bold.format(text) if best else text for best, text in written)
            beta = "" if line.beta is None else f"{line.beta:g}"
            yield [escape(line.label), beta, *texts]


def comparison_table(
    of_set: Mapping[str, Any], marks: Mapping[float | None, str], caption: str, every: bool
) -> ComparisonTable:
    """The rows of a set of `results.json`, all of them if `every`, else those that sum it up.

    Those are the widest setting of each baseline, the middle of one that depends on β as well,
    and the selected controller at its operating points, whose names `marks` gives.
    """
    rows = of_set["rows"] if every else list(_summarising(of_set["rows"], marks))
    groups = ["average", *of_set["stores"]]
    values = [[_values(row, group) for group in range(len(groups))] for row in rows]
    lines = []
    for row, mine in zip(rows, values, strict=True):
        cells = [
            [
                Cell(value, value == _best(q, values, group, k))
                for k, (q, value) in enumerate(zip(QUANTITIES, of_group, strict=True))
            ]
            for group, of_group in enumerate(mine)
        ]
        interval = row["accuracy"]["low"], row["accuracy"]["high"]
        lines.append(
            Line(row["kind"] == "selected", _label(row, marks), row["beta"], interval, cells)
        )
    return ComparisonTable(caption, groups, lines)


def _summarising(rows: Sequence[Row], marks: Mapping[float | None, str]) -> Iterable[Row]:
    selected, *baselines = curves_of(rows)
    for curve in baselines:
        widest = max(curve.rows, key=lambda row: float(row["tokens"]))
        yield from (row for row in curve.rows if row["beta"] == 0.5 and row is not widest)
        yield widest
    yield from (row for row in selected.rows if row["beta"] in marks)


def _label(row: Row, marks: Mapping[float | None, str]) -> str:
    if row["kind"] != "selected":
        return str(row["label"])
    mark = marks.get(row["beta"])
    return f"selected ({mark})" if mark else "selected"


def _values(row: Row, group: int) -> list[float]:
    if group:
        return [float(row["stores"][group - 1][quantity]) for quantity in QUANTITIES]
    return [
        float(row["accuracy"]["mean"] if quantity == "accuracy" else row[quantity])
        for quantity in QUANTITIES
    ]


def _best(quantity: str, values: Sequence[Sequence[Sequence[float]]], group: int, k: int) -> float:
    column = [row[group][k] for row in values]
    return min(column) if quantity in _LOWER_IS_BETTER else max(column)


def _piped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _tex(text: str) -> str:
    special = {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "β": r"$\beta$",
    }
    return "".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text)
