"""Opening a frozen replay store."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotts_core.errors import StoreError
from autotts_core.grading import APART
from autotts_core.parquet import column_names, from_parquet, to_numpy
from autotts_core.store.manifest import (
    ANSWERS,
    BRANCHES,
    PROBES,
    QUESTIONS,
    FileEntry,
    Manifest,
    read_manifest,
)
from autotts_core.store.tables import MOST_BRANCHES, MOST_STEPS, NO_ANSWER, NULLABLE, OPTIONAL

if TYPE_CHECKING:
    from autotts_core.store.arrays import TraceArrays

_loaded: dict[tuple[Path, str], TraceArrays] = {}


@dataclass(frozen=True)
class ReplayStore:
    """A frozen store of one (model, benchmark) pair. Opening it reads the manifest only."""

    path: Path
    manifest: Manifest = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> ReplayStore:
        """The store in the directory `path`.

        Raises `StoreError` where there is none, or one that this version does not read.
        """
        return cls(path, read_manifest(path))

    @property
    def model(self) -> str:
        """The model that the branches were sampled from."""
        return self.manifest.model

    @property
    def benchmark(self) -> str:
        """The benchmark that the questions come from."""
        return self.manifest.benchmark

    @property
    def name(self) -> str:
        """`model/benchmark`."""
        return f"{self.model}/{self.benchmark}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hexadecimal; two stores with the same digest replay the same."""
        return self.manifest.digest

    def load(self) -> TraceArrays:
        """The arrays that replay runs on, built once per process for each store.

        Raises `StoreError` where a file is missing or differs from its checksum.
        """
        return _load_arrays(self)

    @cached_property
    def question_ids(self) -> list[str]:
        """[Q] the questions' ids."""
        return self._question_column("id")

    @cached_property
    def question_texts(self) -> list[str]:
        """[Q] the questions' texts."""
        return self._question_column("text")

    @cached_property
    def gold_answers(self) -> list[str]:
        """[Q] the questions' gold answers."""
        return self._question_column("gold_answer")

    def _question_column(self, name: str) -> list[str]:
        table = read_table(self.path, QUESTIONS, self.manifest.files.get(QUESTIONS), [name])
        return list(table[name].to_pylist())


def read_file(store: Path, name: str, entry: FileEntry | None) -> bytes:
    """The store's file `name`, verified against its manifest `entry`.

    Raises `StoreError` where the file is missing, damaged, or not listed.
    """
    path = store / name
    if entry is None:
        raise StoreError(f"{store}: the manifest's 'files' does not list {name}.")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{path}: missing, though the manifest lists it.") from None
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise StoreError(
            f"{path}: differs from its checksum in the manifest. A frozen store never changes: "
            "import or collect it again."
        )
    return content


def read_table(
    store: Path, name: str, entry: FileEntry | None, columns: list[str] | None = None
) -> Any:
    """The pyarrow table in the store's file `name`; raises `StoreError` as `read_file` does."""
    return from_parquet(read_file(store, name, entry), columns)


def _load_arrays(store: ReplayStore) -> TraceArrays:
    # Keyed by content as well, so that a store replaced at the same path is read anew.
    key = (store.path.resolve(), store.digest)
    if key not in _loaded:
        try:
            _loaded[key] = _build_arrays(key[0], store.manifest)
        except (ValueError, IndexError, KeyError) as error:
            raise StoreError(
                f"{store.path}: the tables do not fit together ({error}). "
                f"`autotts traces check {store.path}` says where."
            ) from error
    return _loaded[key]


def _build_arrays(path: Path, manifest: Manifest) -> TraceArrays:
    from autotts_core.store.arrays import TraceArrays

    def columns(name: str, *wanted: str) -> list[Any]:
        content = read_file(path, name, manifest.files.get(name))
        optional = OPTIONAL.get(name, {}).keys() & set(column_names(content))
        table = from_parquet(content, [*wanted, *optional])
        for column in wanted:
            if column not in NULLABLE and table[column].null_count:
                raise ValueError(f"missing values in {column!r} of {name}")
        return [to_numpy(table, column) for column in (*wanted, *optional)]

    question, tokens, probe_count, final, final_signal, *final_confidence = columns(
        BRANCHES, "question", "tokens", "intervals", "final_answer", "final_signal"
    )
    probe, probe_signal, *probe_confidence = columns(PROBES, "answer", "signal")
    answer_question, answer_class, correct = columns(ANSWERS, "question", "answer_class", "correct")

    # Compiled code does not check bounds, so no number may point outside its own question.
    count = manifest.counts.questions
    for name, numbers in ((BRANCHES, question), (ANSWERS, answer_question)):
        if (np.diff(numbers, prepend=0) < 0).any() or (numbers >= count).any():
            raise ValueError(f"questions out of order in {name}")
    if (probe_count < 0).any() or probe_count.sum(dtype=np.int64) != len(probe):
        raise ValueError(f"intervals in {BRANCHES} differ from the rows of {PROBES}")
    if probe_count.max(initial=0) >= MOST_STEPS:
        raise ValueError(f"a branch with {MOST_STEPS:,} intervals or more in {BRANCHES}")
    if np.bincount(question).max(initial=0) > MOST_BRANCHES:
        raise ValueError(f"a question with more than {MOST_BRANCHES:,} branches in {BRANCHES}")
    graded = np.full(len(answer_class), True)
    if manifest.unreadable == "apart":
        graded = answer_class != APART
    if (answer_class[graded] < 0).any():
        raise ValueError(f"negative answer class in {ANSWERS}")

    questions = np.arange(count + 1)
    branch_start = np.searchsorted(question, questions).astype(np.int64)
    answer_start = np.searchsorted(answer_question, questions).astype(np.int64)

    step_start = np.zeros(len(question) + 1, np.int64)
    np.cumsum(probe_count + 1, out=step_start[1:])
    last_step = step_start[1:] - 1
    is_probe = np.ones(step_start[-1], bool)
    is_probe[last_step] = False
    step_answer = np.empty(len(is_probe), np.int64)
    step_answer[is_probe] = probe
    step_answer[last_step] = final

    answer_count = np.repeat(np.diff(answer_start)[question], probe_count + 1)
    if ((step_answer < NO_ANSWER) | (step_answer >= answer_count)).any():
        raise ValueError("an answer that its question does not have")

    # One class more at the end stands for "no answer": index -1 finds it.
    class_or_none = np.append(answer_class, -1).astype(np.int32)
    first_answer = np.repeat(answer_start[question], probe_count + 1)
    step_class = class_or_none[np.where(step_answer < 0, -1, first_answer + step_answer)]

    def by_step(of_probes: Any, at_end: Any) -> Any:
        """[S], or [0] where none is known."""
        if np.isnan(of_probes).all() and np.isnan(at_end).all():
            return np.empty(0, np.float32)
        values = np.empty(len(is_probe), np.float32)
        values[is_probe] = of_probes
        values[last_step] = at_end
        return values

    step_confidence = np.empty(0, np.float32)
    if probe_confidence and final_confidence:
        step_confidence = by_step(*probe_confidence, *final_confidence)
    if len(step_confidence):
        for first, end in pairwise(step_start.tolist()):
            own = step_confidence[first:end]
            np.fmin.accumulate(own, out=own)

    classes = np.zeros(count, np.int64)
    np.maximum.at(classes, answer_question, answer_class + 1)
    class_start = np.zeros(len(questions), np.int64)
    np.cumsum(classes, out=class_start[1:])
    class_of_answer = (class_start[answer_question] + answer_class)[graded]
    if len(np.unique(class_of_answer)) != class_start[-1]:
        raise ValueError(f"answer classes with gaps in {ANSWERS}")
    class_correct = np.zeros(class_start[-1], np.bool_)
    class_correct[class_of_answer] = correct[graded]

    return TraceArrays(
        branch_start=branch_start,
        step_start=step_start,
        step_class=step_class,
        step_signal=by_step(probe_signal, final_signal),
        branch_tokens=tokens.astype(np.int32),
        class_start=class_start,
        class_correct=class_correct,
        interval_tokens=manifest.interval_tokens,
        exact_accounting=manifest.accounting == "exact",
        read_class_text=partial(_read_class_text, path, manifest),
        step_confidence=step_confidence,
    )


def _read_class_text(path: Path, manifest: Manifest) -> list[str]:
    table = read_table(
        path, ANSWERS, manifest.files.get(ANSWERS), ["question", "text", "answer_class"]
    )
    graded = np.flatnonzero(to_numpy(table, "answer_class") != APART)
    # Sorted by question, then class: the order in which `class_start` numbers them.
    label = to_numpy(table, "question").astype(np.int64) << 32 | to_numpy(table, "answer_class")
    first = graded[np.unique(label[graded], return_index=True)[1]]
    texts = table["text"].to_pylist()
    return [texts[row] for row in first]
