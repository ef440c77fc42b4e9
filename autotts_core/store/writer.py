"""Freezing traces into replay stores, all or nothing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from autotts_core import __version__
from autotts_core.errors import StoreError
from autotts_core.grader import ExactGrader, Grader
from autotts_core.grading import Unreadable, grade
from autotts_core.parquet import to_parquet
from autotts_core.store.check import check_store, sha256_of
from autotts_core.store.manifest import (
    ANSWERS,
    BRANCHES,
    MANIFEST,
    PROBES,
    QUESTIONS,
    Counts,
    FileEntry,
    Manifest,
    Scalar,
    Source,
    Versioned,
    check_name,
    explain,
)
from autotts_core.store.tables import COLUMNS, NO_ANSWER, OPTIONAL, arrow_schema
from autotts_core.store.texts import TEXTS, write_texts

if TYPE_CHECKING:
    from autotts_core.traces import BranchText, BranchTrace, TraceSet

EXACT = ExactGrader()


def write_stores(
    root: Path,
    imported: Iterable[TraceSet],
    *,
    grader: Grader = EXACT,
    unreadable: Unreadable = "vote",
) -> list[Path]:
    """Freeze each of `imported` into `root/<model>/<benchmark>`: all of them, or none.

    Returns the new stores' directories. Takes the next of `imported` only when the last one is
    staged, so one at a time is in memory. Raises `StoreError` as `write_store` does, and where
    two of `imported` are of the same model and benchmark.
    """
    origins: dict[Path, str] = {}
    with staging_directory(root) as staging:
        for traces in imported:
            name = _store_name(traces)
            if name in origins:
                raise StoreError(
                    f"{name}: both {origins[name]} and {traces.source} hold this model and "
                    "benchmark. Import them one at a time, each to its own directory."
                )
            refuse_existing(root / name)
            write_store(staging / name, traces, grader=grader, unreadable=unreadable)
            origins[name] = traces.source
        publish({staging / name: root / name for name in origins})
    return [root / name for name in origins]


def _store_name(traces: TraceSet) -> Path:
    for part in (traces.model, traces.benchmark):
        try:
            check_name(part)
        except ValueError as error:
            raise StoreError(f"{traces.source}: {part!r} {error}.") from None
    return Path(traces.model, traces.benchmark)


def write_store(
    out: Path,
    traces: TraceSet,
    *,
    grader: Grader = EXACT,
    unreadable: Unreadable = "vote",
    sampling: dict[str, Scalar | list[str]] | None = None,
    engine: Versioned | None = None,
    prompt: str | None = None,
    probe: str | None = None,
    texts: Iterable[Sequence[BranchText]] | None = None,
) -> None:
    """Freeze `traces` into a new store in the directory `out`, graded by `grader`.

    `sampling`, `engine`, `prompt` and `probe` say how the branches were made, where that is
    known. `texts`, if given, has what the branches of each question wrote, and is gone through
    once. An empty answer string is stored as no answer. The same traces give the same bytes.
    Either the whole store appears at `out` or nothing does. Raises `StoreError` where `out`
    exists or the traces contradict themselves.
    """
    # Before the work, for the sake of whoever waits; the rename at the end is what decides.
    refuse_existing(out)
    tables = _tables(traces, grader, unreadable)
    contents = {name: to_parquet(table) for name, table in tables.items()}
    files = {name: file_entry(content, tables[name].num_rows) for name, content in contents.items()}
    with staging_directory(out.parent) as staging:
        more = [] if texts is None else [staging / TEXTS]
        if texts is not None:
            rows = write_texts(staging / TEXTS, texts)
            files[TEXTS] = FileEntry(
                sha256=sha256_of(staging / TEXTS), bytes=(staging / TEXTS).stat().st_size, rows=rows
            )
        try:
            manifest = Manifest(
                model=traces.model,
                benchmark=traces.benchmark,
                interval_tokens=traces.interval_tokens,
                accounting=traces.accounting,  # type: ignore[arg-type]
                grader=Versioned(name=grader.name, version=grader.version),
                unreadable=unreadable,
                counts=Counts(
                    questions=tables[QUESTIONS].num_rows,
                    answers=tables[ANSWERS].num_rows,
                    branches=tables[BRANCHES].num_rows,
                    probes=tables[PROBES].num_rows,
                ),
                sampling=sampling,
                engine=engine,
                prompt=prompt,
                probe=probe,
                source=Source(origin=traces.source, sha256=traces.source_sha256),
                created_by=f"autotts-core {__version__}",
                files=files,
            )
        except ValidationError as error:
            raise StoreError(explain(error, traces.source)) from None
        freeze(out, manifest, contents, traces.source, more)


def file_entry(content: bytes, rows: int) -> FileEntry:
    """The manifest's entry for a file with `content`, a table of `rows` rows."""
    return FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), rows=rows)


def freeze(
    out: Path,
    manifest: Manifest,
    contents: dict[str, bytes],
    source: str,
    more: Sequence[Path] = (),
) -> None:
    """Make the store of `manifest` and the files `contents` in `out`, all of it or nothing.

    `more` are files that are too large for memory: they are moved from where they are, on the
    same file system. Raises `StoreError` that names `source` where files contradict each other.
    """
    with staging_directory(out.parent) as staging:
        store = staging / out.name
        store.mkdir()
        for name, content in contents.items():
            _write(store / name, content)
        for path in more:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.rename(store / path.name)
        _write(store / MANIFEST, manifest.to_json().encode())
        problems = check_store(store)
        if problems:
            raise StoreError("\n".join(f"{source}: {problem}" for problem in problems))
        publish({store: out})


def refuse_existing(out: Path) -> None:
    """Raise `StoreError` where there is something at `out`."""
    if os.path.lexists(out):
        raise StoreError(
            f"{out}: exists already. A frozen store never changes: remove it, or write elsewhere."
        )


@contextmanager
def staging_directory(parent: Path) -> Iterator[Path]:
    """A hidden directory in `parent`, so on its file system; gone when the work is over.

    A killed process leaves it behind; nothing takes it for a store.
    """
    made: list[Path] = []
    try:
        try:
            made += _make_directory(parent)
            temporary = tempfile.TemporaryDirectory(prefix=".staging-", dir=parent)
        except OSError as error:
            raise StoreError(f"{parent}: cannot write here: {error.strerror}.") from None
        with temporary as staging:
            yield Path(staging)
    finally:
        _remove_empty(made)


def publish(moves: dict[Path, Path]) -> None:
    """Rename each staged store to its target; on any failure undo what was renamed."""
    made: list[Path] = []
    try:
        for staged, target in moves.items():
            made = _make_directory(target.parent) + made
            refuse_existing(target)
            staged.rename(target)
    except BaseException as error:
        for source, renamed in moves.items():
            # An interrupt may come between a rename and any note of it: ask the file system.
            if not source.exists():
                renamed.rename(source)
        _remove_empty(made)
        if isinstance(error, OSError):
            raise StoreError(f"{target}: cannot be created: {error.strerror}.") from None
        raise


def _make_directory(path: Path) -> list[Path]:
    """Make `path` and what is missing above it; what was made, deepest first."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(directories: Sequence[Path]) -> None:
    for directory in directories:
        with suppress(OSError):  # something was put into it meanwhile
            directory.rmdir()


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            # Else a power cut after the rename could leave a whole store of empty files.
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}.") from None


def _tables(traces: TraceSet, grader: Grader, unreadable: Unreadable) -> dict[str, Any]:
    """The store's pyarrow tables by file name."""
    questions: list[tuple[str, list[str]]] = []
    rows: dict[str, dict[str, list[Any]]] = {
        name: {column: [] for column in columns} for name, columns in COLUMNS.items()
    }
    branches = (branch for question in traces.questions for branch in question.branches)
    if any(branch.confidences is not None for branch in branches):
        for name, optional in OPTIONAL.items():
            rows[name] |= {column: [] for column in optional}
    for number, question in enumerate(traces.questions):
        where = f"{traces.source}: question {number}"
        # Answers are numbered as they first appear; the empty one is no answer at all.
        index = {"": NO_ANSWER}
        for branch_number, branch in enumerate(question.branches):
            _add_branch(
                rows, number, branch_number, branch, index, f"{where}, branch {branch_number}"
            )
        del index[""]
        _add(rows[QUESTIONS], number, question.id, question.text, question.gold_answer)
        questions.append((question.gold_answer, list(index)))
        _refuse_surrogates([question.id, question.text, question.gold_answer, *index], where)
    gradings = grade(grader, questions, unreadable)
    for number, ((_, given), grading) in enumerate(zip(questions, gradings, strict=True)):
        graded = zip(given, grading.classes, grading.correct, strict=True)
        for answer, (text, label, correct) in enumerate(graded):
            _add(rows[ANSWERS], number, answer, text, label, correct)
    return {name: to_table(name, columns, traces.source) for name, columns in rows.items()}


def _add_branch(
    rows: dict[str, dict[str, list[Any]]],
    question: int,
    number: int,
    branch: BranchTrace,
    index: dict[str, int],
    where: str,
) -> None:
    count = len(branch.probes)
    signals = _of_intervals(branch.signals, "signals", count, where)
    confidences = [
        None if value is None or isnan(value) else value
        for value in _of_intervals(branch.confidences, "confidences", count, where)
    ]
    # The first entry of `index` is the empty answer's, -1: the next number is len - 1.
    answers = [index.setdefault(text, len(index) - 1) for text in (*branch.probes, branch.final)]
    probes = rows[PROBES]
    probes["question"] += [question] * count
    probes["branch"] += [number] * count
    probes["interval"] += range(1, count + 1)
    probes["answer"] += answers[:-1]
    probes["signal"] += signals[:-1]
    final = [answers[-1], signals[-1]]
    if "confidence" in probes:
        probes["confidence"] += confidences[:-1]
        final.append(confidences[-1])
    _add(rows[BRANCHES], question, number, branch.tokens, count, *final)


def _of_intervals(
    values: Sequence[float] | None, what: str, probes: int, where: str
) -> Sequence[float | None]:
    """`values`, one for each interval; none of them, where there are none."""
    if values is None:
        return [None] * (probes + 1)
    if len(values) != probes + 1:
        raise StoreError(
            f"{where}: {len(values)} {what} for {probes} probes. There must be one for "
            "each probe and one for the last, shorter interval."
        )
    return values


def _add(columns: dict[str, list[Any]], *values: Any) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(value)


def _refuse_surrogates(texts: Sequence[str], where: str) -> None:
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise StoreError(
                f"{where}: {text!r} holds half of a surrogate pair, which is not a character. "
                "Replace it in the source."
            ) from None


def to_table(name: str, columns: dict[str, list[Any]], source: str) -> Any:
    """The pyarrow table of the file `name`; `StoreError` where a value does not fit its column."""
    import pyarrow as pa

    optional = not OPTIONAL.get(name, {}).keys().isdisjoint(columns)
    schema = arrow_schema(name, optional)
    arrays = []
    for column, values in columns.items():
        try:
            arrays.append(pa.array(values, schema.field(column).type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise StoreError(f"{source}: {column!r} of {name}: {error}") from None
    return pa.table(arrays, schema=schema)
