import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from autotts_core.parquet import from_numpy, from_parquet, to_numpy, to_parquet

COLUMNS = {
    "int32": pa.array([3, -1, 2**31 - 1] * 5, pa.int32()),
    "float": pa.array([0.5, None, -1.25] * 5, pa.float32()),
    "bool": pa.array([True, False, False] * 5),
    "none missing": pa.array([1.5] * 15),
    "all missing": pa.array([None] * 15, pa.float64()),
}


@pytest.mark.parametrize("rows", [slice(0, 15), slice(3, 14), slice(0, 0)])
def test_numbers_are_what_arrow_makes_of_them(rows: slice) -> None:
    table = pa.table(COLUMNS).slice(rows.start, rows.stop - rows.start)
    for each in (table, from_parquet(to_parquet(table)), pa.concat_tables([table, table])):
        for name in COLUMNS:
            expected = each[name].to_numpy()
            np.testing.assert_array_equal(to_numpy(each, name), expected)
            assert to_numpy(each, name).dtype == expected.dtype


def test_tables_are_what_arrow_makes_of_arrays() -> None:
    columns = {
        "count": np.arange(6)[::2],
        "mean": np.array([0.5, np.nan, -1], np.float32),
        "text": np.array(["a", "", "πβ"]),
    }
    made = from_numpy(columns)
    made.validate(full=True)
    assert made.schema == pa.table(columns).schema
    assert made.to_pydict()["text"] == ["a", "", "πβ"]
    assert to_parquet(made) == to_parquet(pa.table(columns))


def test_neither_imports_pandas() -> None:
    program = """
import sys
import numpy as np
from autotts_core.parquet import from_parquet, to_numpy, from_numpy, to_parquet
table = from_parquet(to_parquet(from_numpy({"a": np.array([1.0]), "t": np.array(["x"])})))
assert to_numpy(table, "a").tolist() == [1.0]
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
