"""Tables as Parquet files, in bytes, read and written on the calling thread alone.

Arrow's pools start threads on first use and never join them: a process that ends while one of
them starts is aborted, though its work is done. On files of our size they save no time either,
and sandboxes may forbid them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def to_parquet(table: pa.Table) -> bytes:
    """The table as a Parquet file, the same bytes each time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def from_parquet(content: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in a Parquet file, or some columns of it.

    Raises `pyarrow.ArrowException` where the bytes are no such file, `KeyError` where a column
    is not in it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Not `read_table`, which scans on the input-output pool whatever `use_threads` says.
    file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)
    table = file.read(None if columns is None else list(columns), use_threads=False)
    return table if columns is None else table.select(list(columns))
