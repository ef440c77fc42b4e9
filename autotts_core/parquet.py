"""Tables as Parquet files, in bytes, read and written on the calling thread alone.

Arrow's pools start threads on first use and never join them: a process that ends while one of
them starts is aborted, though its work is done. On files of our size they save no time either,
and sandboxes may forbid them.

Columns become numpy arrays and back through their buffers, because Arrow's own conversions import
pandas where it is installed, which takes longer than all else that a small command does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


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


def column_names(content: bytes) -> list[str]:
    """The names of the columns of a Parquet file; raises as `from_parquet` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return list(pq.read_schema(pa.BufferReader(content)).names)


def to_numpy(table: pa.Table, column: str) -> NDArray[Any]:
    """[rows] a column of numbers or truth values; a missing one, if a float, is NaN."""
    values = table[column].combine_chunks()
    rows = slice(values.offset, values.offset + len(values))
    validity, data = values.buffers()
    kind = np.dtype(values.type.to_pandas_dtype())
    if kind == np.bool_:
        return _bits(data)[rows]
    found = np.frombuffer(data or b"", kind)[rows]
    return np.where(_bits(validity)[rows], found, kind.type(np.nan)) if values.null_count else found


def _bits(buffer: pa.Buffer | None) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(buffer or b"", np.uint8), bitorder="little").view(np.bool_)


def from_numpy(columns: Mapping[str, NDArray[Any]]) -> pa.Table:
    """The table with these columns, each an array of numbers or of texts."""
    import pyarrow as pa

    arrays = {}
    for name, values in columns.items():
        if values.dtype.kind == "U":
            texts = [text.encode() for text in values.tolist()]
            ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
            kind, buffers = pa.utf8(), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
        else:
            kind = pa.from_numpy_dtype(values.dtype)
            buffers = [None, pa.py_buffer(np.ascontiguousarray(values))]
        arrays[name] = pa.Array.from_buffers(kind, len(values), buffers, 0)
    return pa.Table.from_arrays(list(arrays.values()), list(arrays))
