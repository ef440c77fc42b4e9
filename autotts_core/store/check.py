"""Checking that a store is what was frozen, and that its tables agree with each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autotts_core.errors import StoreError
from autotts_core.grading import APART
from autotts_core.parquet import from_parquet
from autotts_core.store.manifest import (
    ANSWERS,
    BRANCHES,
    MANIFEST,
    PROBES,
    QUESTIONS,
    TABLES,
    FileEntry,
    Manifest,
    read_manifest,
)
from autotts_core.store.tables import (
    COLUMNS,
    MOST_BRANCHES,
    MOST_STEPS,
    NO_ANSWER,
    NULLABLE,
    OPTIONAL,
    arrow_schema,
)
from autotts_core.store.texts import TEXTS, read_texts

if TYPE_CHECKING:
    Integers = npt.NDArray[np.integer[Any]]
    Mask = npt.NDArray[np.bool_]

SHOWN = 10
"""Rows named for each kind of problem; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in which file, and at which question and branch where one is to blame."""

    file: str
    message: str
    question: int | None = None
    branch: int | None = None

    def __str__(self) -> str:
        place = self.file
        if self.question is not None:
            place += f", question {self.question}"
        if self.branch is not None:
            place += f", branch {self.branch}"
        return f"{place}: {self.message}"


def check_store(path: Path) -> list[Problem]:
    """Everything that is wrong with the store in the directory `path`; empty for a good one.

    Verifies checksums, row counts, references between the tables and each value. What
    cannot be read is reported too, so it raises nothing.
    """
    try:
        manifest = read_manifest(path)
    except StoreError as error:
        return [Problem(MANIFEST, str(error))]
    problems: list[Problem] = []
    tables = {}
    for name in sorted({*TABLES, *manifest.files}):
        entry = manifest.files.get(name)
        if entry is None:
            problems.append(Problem(MANIFEST, f"'files' does not list {name}"))
        else:
            tables[name] = _read_file(path, name, entry, problems)
    if all(tables.get(name) is not None for name in TABLES):
        _check_counts(manifest, tables, problems)
        _check_tables(manifest, tables, problems)
        if TEXTS in manifest.files and not problems:
            problems += _check_texts(path, manifest, tables[BRANCHES])
    return problems


def sha256_of(path: Path) -> str:
    """SHA-256 of a file that may be larger than memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_file(path: Path, name: str, entry: FileEntry, problems: list[Problem]) -> Any:
    """The file's pyarrow table, or None where it cannot be checked any further."""
    import pyarrow as pa

    try:
        size, digest = (path / name).stat().st_size, sha256_of(path / name)
    except OSError as error:
        problems.append(Problem(name, f"cannot be read: {error.strerror}"))
        return None
    if digest != entry.sha256:
        problems.append(
            Problem(
                name,
                f"differs from its checksum in {MANIFEST} ({size} bytes now, "
                f"{entry.bytes} when frozen)",
            )
        )
    if name not in TABLES:  # read in parts, or a later version's, of which nothing else is known
        return None
    try:
        table = from_parquet((path / name).read_bytes())
    except (pa.ArrowException, OSError) as error:
        problems.append(Problem(name, f"not readable as Parquet: {error}"))
        return None
    if table.num_rows != entry.rows:
        problems.append(Problem(name, f"has {table.num_rows} rows; {MANIFEST} says {entry.rows}"))
    wrong = [
        Problem(name, f"must have the column {field.name!r} of type {field.type}")
        for field in arrow_schema(name, _has_optional(name, table))
        if field.name not in table.column_names or table[field.name].type != field.type
    ] or list(_nulls(name, table))
    problems += wrong
    return None if wrong else table


def _nulls(name: str, table: Any) -> list[Problem]:
    problems: list[Problem] = []
    for column in COLUMNS[name]:  # those that are optional may be null
        if column not in NULLABLE and table[column].null_count:
            rows = table.filter(table[column].is_null()).slice(0, SHOWN)
            problems += [
                Problem(name, f"{column!r} is missing", row.get("question"), row.get("branch"))
                for row in rows.to_pylist()
            ]
    return problems


def _has_optional(name: str, table: Any) -> bool:
    return not OPTIONAL.get(name, {}).keys().isdisjoint(table.column_names)


def _check_counts(manifest: Manifest, tables: dict[str, Any], problems: list[Problem]) -> None:
    for name in TABLES:
        kind = name.removesuffix(".parquet")
        count = getattr(manifest.counts, kind)
        if count != tables[name].num_rows:
            problems.append(
                Problem(
                    MANIFEST, f"'counts.{kind}' is {count}; {name} has {tables[name].num_rows} rows"
                )
            )


class _Rows:
    """The columns of one table, and the problems found in its rows."""

    def __init__(self, file: str, table: Any, problems: list[Problem]) -> None:
        self.file = file
        names = arrow_schema(file, _has_optional(file, table)).names
        self.columns = {column: table[column].to_numpy() for column in names}
        # In numpy a missing value is nan too, but a nan in the file is a mistake.
        self.null = {
            column: table[column].is_null().to_numpy() for column in NULLABLE if column in names
        }
        self.problems = problems

    def __getitem__(self, column: str) -> Any:
        return self.columns[column]

    def without(self, left_out: Mask) -> _Rows:
        """The other rows."""
        rest = copy(self)
        rest.columns = {name: column[~left_out] for name, column in self.columns.items()}
        return rest

    def report(self, wrong: Mask, message: Callable[[int], str]) -> bool:
        """Add a problem for each row in the mask `wrong`; whether there was none."""
        rows = wrong.nonzero()[0]
        branches = self.columns.get("branch")
        for row in rows[:SHOWN].tolist():
            branch = None if branches is None else int(branches[row])
            problem = Problem(self.file, message(row), int(self["question"][row]), branch)
            self.problems.append(problem)
        if len(rows) > SHOWN:
            self.problems.append(Problem(self.file, f"... and {len(rows) - SHOWN} rows more"))
        return not len(rows)


def _check_tables(manifest: Manifest, tables: dict[str, Any], problems: list[Problem]) -> None:
    questions, answers, branches, probes = (
        _Rows(name, tables[name], problems) for name in (QUESTIONS, ANSWERS, BRANCHES, PROBES)
    )
    count = len(questions["question"])
    if not count:
        problems.append(Problem(QUESTIONS, "has no questions"))
    _check_confidences(branches, probes, problems)
    in_order = questions.report(
        questions["question"] != np.arange(count),
        lambda row: f"row {row} must be question {row}",
    )
    for rows in (answers, branches, probes):
        in_order &= rows.report(
            (rows["question"] < 0) | (rows["question"] >= count),
            lambda row: f"no such question; there are {count}",
        )
    # What follows addresses rows by question, which needs the rows to be where they belong.
    if (
        in_order
        and _check_numbering(answers, answers["question"], "answer", 0)
        and _check_numbering(branches, branches["question"], "branch", 0)
    ):
        _check_questions(questions, branches)
        _check_answers(manifest, questions, answers)
        known = np.bincount(answers["question"], minlength=count)
        _check_branches(manifest, branches, known)
        _check_probes(branches, probes, known)


def _check_numbering(rows: _Rows, group: Integers, column: str, first: int) -> bool:
    """Whether rows are sorted by `group` and `column` counts up from `first` in each."""
    if not rows.report(
        np.append(False, group[1:] < group[:-1]), lambda row: f"row {row} is out of order"
    ):
        return False
    starts = np.searchsorted(group, group)
    expected = np.arange(len(group)) - starts + first
    return rows.report(
        rows[column] != expected,
        lambda row: f"{column} {rows[column][row]} where {expected[row]} must follow",
    )


def _check_questions(questions: _Rows, branches: _Rows) -> None:
    sampled = np.bincount(branches["question"], minlength=len(questions["question"]))
    questions.report(sampled == 0, lambda row: "has no branches")
    questions.report(
        sampled > MOST_BRANCHES,
        lambda row: f"{sampled[row]:,} branches; must be {MOST_BRANCHES:,} or fewer",
    )
    _report_repeated(questions, [(text,) for text in questions["id"]], "id")


def _report_repeated(rows: _Rows, keys: list[tuple[Any, ...]], what: str) -> None:
    first: dict[tuple[Any, ...], int] = {}
    repeated = [first.setdefault(key, row) != row for row, key in enumerate(keys)]
    rows.report(np.array(repeated, bool), lambda row: f"the {what} {keys[row][-1]!r} comes twice")


def _check_answers(manifest: Manifest, questions: _Rows, answers: _Rows) -> None:
    number, label = answers["question"], answers["answer_class"]
    correct, text = answers["correct"], answers["text"]
    _report_repeated(answers, list(zip(number.tolist(), text, strict=True)), "answer text")
    answers.report(text == "", lambda row: "an answer without text must be stored as -1")
    apart = label == APART
    if manifest.unreadable == "apart":
        answers.report(apart & correct, lambda row: f"answer {text[row]!r} is set apart, yet right")
        answers = answers.without(apart)
        number, label = answers["question"], answers["answer_class"]
        correct, text = answers["correct"], answers["text"]
    if not answers.report(label < 0, lambda row: f"answer class {label[row]} is negative"):
        return
    key = number.astype(np.int64) << 32 | label
    classes, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    same_class = first[inverse]
    sizes = np.zeros(len(questions["question"]), np.int64)
    np.maximum.at(sizes, number, label.astype(np.int64) + 1)
    used = np.bincount(classes >> 32, minlength=len(sizes))
    first_of_question = np.append(True, number[1:] != number[:-1])[: len(number)]
    answers.report(
        first_of_question & (used != sizes)[number],
        lambda row: (
            f"answer classes run to {sizes[number[row]] - 1} but only {used[number[row]]} are "
            "used; they must be numbered without gaps"
        ),
    )
    answers.report(
        correct != correct[same_class],
        lambda row: f"answer {text[row]!r} differs in 'correct' from others of its class",
    )
    # Other graders cannot be run again from here: their verdicts are taken as they are.
    if manifest.grader.name == "exact":
        gold = questions["gold_answer"][number]
        answers.report(
            correct != (text == gold),
            lambda row: (
                f"answer {text[row]!r} is marked {'right' if correct[row] else 'wrong'}, though "
                f"the gold answer is {gold[row]!r} and the grader is exact"
            ),
        )
        answers.report(
            same_class != np.arange(len(number)),
            lambda row: (
                f"answers {text[same_class[row]]!r} and {text[row]!r} share a class, though the "
                "grader is exact"
            ),
        )


def _check_texts(path: Path, manifest: Manifest, branches: Any) -> list[Problem]:
    """That there is one row for each branch, with its tokens and what each probe wrote."""
    import pyarrow as pa

    numbers = ("question", "branch", "tokens", "intervals")
    wanted = zip(*(branches[name].to_pylist() for name in numbers), strict=True)
    problems: list[Problem] = []
    try:
        for row, (question, branch, *counts) in zip(read_texts(path), wanted, strict=True):
            found = [len(row.written.token_ids), len(row.written.probes)]
            if (row.question, row.branch) != (question, branch):
                message = f"must follow, not question {row.question}, branch {row.branch}"
            elif found != counts:
                there, expected = (
                    "{} tokens and {} probes".format(*each) for each in (found, counts)
                )
                message = f"{there}, where {BRANCHES} has {expected}"
            else:
                continue
            problems.append(Problem(TEXTS, message, question, branch))
    except (pa.ArrowException, OSError, TypeError, KeyError) as error:
        problems.append(Problem(TEXTS, f"not readable: {error}"))
    except ValueError:
        rows = manifest.counts.branches
        problems.append(Problem(TEXTS, f"must have one row for each of {rows} branches"))
    return problems[:SHOWN]


def _check_branches(manifest: Manifest, branches: _Rows, known: Integers) -> None:
    tokens, intervals = branches["tokens"], branches["intervals"]
    branches.report(tokens < 0, lambda row: f"{tokens[row]} tokens; must be 0 or more")
    branches.report(intervals < 0, lambda row: f"{intervals[row]} intervals; must be 0 or more")
    branches.report(
        intervals >= MOST_STEPS,
        lambda row: f"{intervals[row]:,} intervals; must be fewer than {MOST_STEPS:,}",
    )
    # One more than fits: a branch may be probed at its very end, and released ones are.
    fit = tokens // manifest.interval_tokens + 1
    branches.report(
        (tokens >= 0) & (intervals > fit),
        lambda row: (
            f"{intervals[row]} probes, but {tokens[row]} tokens at {manifest.interval_tokens} "
            f"an interval allow at most {fit[row]}"
        ),
    )
    _check_revealed(branches, "final_answer", "final_signal", known)


def _check_probes(branches: _Rows, probes: _Rows, known: Integers) -> None:
    _check_revealed(probes, "answer", "signal", known)
    # Branches are sorted and dense by now, so one number stands for (question, branch).
    wanted = branches["question"].astype(np.int64) << 32 | branches["branch"]
    found = probes["question"].astype(np.int64) << 32 | probes["branch"]
    if not probes.report(~np.isin(found, wanted), lambda row: "no such branch"):
        return
    counts = np.zeros(len(wanted), np.int64)
    np.add.at(counts, np.searchsorted(wanted, found), 1)
    branches.report(
        counts != branches["intervals"],
        lambda row: f"{branches['intervals'][row]} intervals, but {counts[row]} probes in {PROBES}",
    )
    _check_numbering(probes, found, "interval", 1)


def _check_confidences(branches: _Rows, probes: _Rows, problems: list[Problem]) -> None:
    places = ((branches, "final_confidence"), (probes, "confidence"))
    found = [(rows, column) for rows, column in places if column in rows.columns]
    if len(found) == 1:
        [(rows, column)] = found
        problems.append(Problem(rows.file, f"has the column {column!r}, and the other table none"))
    for rows, column in found:
        _check_confidence(rows, column)


def _check_confidence(rows: _Rows, column: str) -> None:
    values = rows[column]
    rows.report(
        ~((values >= 0) & np.isfinite(values)) & ~rows.null[column],
        lambda row: f"{column} {values[row]}; a confidence is 0 or more, or null",
    )


def _check_revealed(rows: _Rows, answer: str, signal: str, known: Integers) -> None:
    """Check what a step reveals: an answer of its question, and a log-probability."""
    answers, signals = rows[answer], rows[signal]
    not_a_number = np.isnan(signals) & ~rows.null[signal]
    most = known[rows["question"]]
    rows.report(
        (answers < NO_ANSWER) | (answers >= most),
        lambda row: f"{answer} {answers[row]}; the question's answers are 0 to {most[row] - 1}",
    )
    rows.report(
        (signals > 0) | not_a_number,
        lambda row: f"{signal} {signals[row]}; a mean log-probability is 0 or less, or null",
    )
