"""Grading a frozen store again, into a new store: nothing is sampled, nothing is changed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from autotts_core.errors import StoreError
from autotts_core.grader import Grader
from autotts_core.grading import Unreadable, grade
from autotts_core.parquet import to_parquet
from autotts_core.store.manifest import (
    ANSWERS,
    QUESTIONS,
    TABLES,
    Versioned,
    read_manifest,
)
from autotts_core.store.replay_store import read_file, read_table
from autotts_core.store.tables import COLUMNS
from autotts_core.store.writer import (
    file_entry,
    freeze,
    publish,
    refuse_existing,
    staging_directory,
    to_table,
)


def grade_stores(
    root: Path, stores: Sequence[Path], grader: Grader, unreadable: Unreadable | None = None
) -> list[Path]:
    """Grade each of `stores` into `root/<model>/<benchmark>`: all of them, or none.

    `unreadable` is what each store says where it is None. Raises `StoreError` as `grade_store`
    does, and where two of `stores` are of the same model and benchmark.
    """
    origins: dict[Path, Path] = {}
    with staging_directory(root) as staging:
        for store in stores:
            manifest = read_manifest(store)
            name = Path(manifest.model, manifest.benchmark)
            if name in origins:
                raise StoreError(
                    f"{name}: both {origins[name]} and {store} are of this model and benchmark. "
                    "Grade them one at a time, each to its own directory."
                )
            refuse_existing(root / name)
            grade_store(staging / name, store, grader, unreadable)
            origins[name] = store
        publish({staging / name: root / name for name in origins})
    return [root / name for name in origins]


def grade_store(
    out: Path, store: Path, grader: Grader, unreadable: Unreadable | None = None
) -> None:
    """Freeze a new store in `out` that is `store` graded by `grader`.

    Only its answers' classes and marks differ: questions, branches, probes and texts are the same
    files, byte for byte. Raises `StoreError` where `store` is damaged or `out` exists.
    """
    refuse_existing(out)
    manifest = read_manifest(store)
    contents = {
        name: read_file(store, name, manifest.files.get(name)) for name in TABLES if name != ANSWERS
    }
    gold = read_table(store, QUESTIONS, manifest.files.get(QUESTIONS), ["gold_answer"])
    columns = read_table(store, ANSWERS, manifest.files.get(ANSWERS)).to_pydict()
    questions: list[tuple[str, list[str]]] = [
        (text, []) for text in gold["gold_answer"].to_pylist()
    ]
    for question, text in zip(columns["question"], columns["text"], strict=True):
        questions[question][1].append(text)
    unreadable = unreadable or manifest.unreadable
    gradings = grade(grader, questions, unreadable)
    columns["answer_class"] = [label for each in gradings for label in each.classes]
    columns["correct"] = [correct for each in gradings for correct in each.correct]
    ordered = {name: columns[name] for name in COLUMNS[ANSWERS]}
    contents[ANSWERS] = to_parquet(to_table(ANSWERS, ordered, str(store)))
    regraded = manifest.model_copy(
        update={
            "grader": Versioned(name=grader.name, version=grader.version),
            "unreadable": unreadable,
            "files": manifest.files
            | {ANSWERS: file_entry(contents[ANSWERS], manifest.counts.answers)},
        }
    )
    with staging_directory(out.parent) as staging:
        more = [_copied(store / name, staging) for name in sorted({*manifest.files} - {*TABLES})]
        freeze(out, regraded, contents, str(store), more)


def _copied(path: Path, directory: Path) -> Path:
    try:
        return Path(shutil.copyfile(path, directory / path.name))
    except OSError as error:
        raise StoreError(f"{path}: cannot be copied: {error.strerror}.") from None
