"""The table of texts that a store may have: what each branch wrote, read and written in parts."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.traces import BranchText

if TYPE_CHECKING:
    import pyarrow as pa

TEXTS = "texts.parquet"
_ROWS_AT_ONCE = 32
"""Rows read at a time: some MB, for the longest branches that there are."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """What branch `branch` of question `question` wrote."""

    question: int
    branch: int
    written: BranchText


def texts_schema() -> pa.Schema:
    """The table's columns; only `final_probe` may be null."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("question", pa.int32(), nullable=False),
            pa.field("branch", pa.int32(), nullable=False),
            pa.field("token_ids", pa.list_(pa.field("element", pa.int32())), nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("probes", pa.list_(pa.field("element", pa.string())), nullable=False),
            pa.field("final_probe", pa.string()),
        ]
    )


def write_texts(path: Path, questions: Iterable[Sequence[BranchText]]) -> int:
    """Write what the branches of each question wrote, in their order; the number of rows.

    One question at a time is in memory. The same texts give the same bytes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, rows = texts_schema(), 0
    with pq.ParquetWriter(str(path), schema, compression="zstd") as writer:
        for number, branches in enumerate(questions):
            columns = [
                pa.array([number] * len(branches), pa.int32()),
                pa.array(range(len(branches)), pa.int32()),
                _lists_of_ids([branch.token_ids for branch in branches]),
                pa.array([branch.text for branch in branches], pa.string()),
                pa.array([list(branch.probes) for branch in branches], schema.field("probes").type),
                pa.array([branch.final_probe for branch in branches], pa.string()),
            ]
            writer.write_table(pa.table(columns, schema=schema))
            rows += len(branches)
    return rows


def read_texts(store: Path) -> Iterator[TextRow]:
    """The rows of the texts of `store`, in order; raises `pyarrow.ArrowException` or `OSError`."""
    import pyarrow.parquet as pq

    # As `autotts_core.parquet` has it: on this thread alone.
    file = pq.ParquetFile(str(store / TEXTS), pre_buffer=False)
    for batch in file.iter_batches(_ROWS_AT_ONCE, use_threads=False):
        for row in batch.to_pylist():
            question, branch = row.pop("question"), row.pop("branch")
            yield TextRow(question, branch, BranchText(**row))


def _lists_of_ids(lists: Sequence[Sequence[int]]) -> Any:
    import pyarrow as pa

    flat, ends = array("i"), [0]
    for ids in lists:
        flat.extend(ids)
        ends.append(len(flat))
    values = pa.Array.from_buffers(pa.int32(), len(flat), [None, pa.py_buffer(flat)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values)
