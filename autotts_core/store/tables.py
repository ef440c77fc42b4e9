"""The columns of a store's Parquet files."""

from typing import Any

from autotts_core.store.manifest import ANSWERS, BRANCHES, PROBES, QUESTIONS

NO_ANSWER = -1
"""Stands in an answer column where a branch or probe gave no answer."""

MOST_BRANCHES = MOST_STEPS = 2**15 - 1
"""Of a question, and of a branch: what the ledgers of replay have room for."""

COLUMNS = {
    QUESTIONS: {
        "question": "int32",
        "id": "string",
        "text": "string",
        "gold_answer": "string",
    },
    ANSWERS: {
        "question": "int32",
        "answer": "int32",
        "text": "string",
        "answer_class": "int32",
        "correct": "bool",
    },
    BRANCHES: {
        "question": "int32",
        "branch": "int32",
        "tokens": "int32",
        "intervals": "int32",
        "final_answer": "int32",
        "final_signal": "float",
    },
    PROBES: {
        "question": "int32",
        "branch": "int32",
        "interval": "int32",
        "answer": "int32",
        "signal": "float",
    },
}
"""Arrow type of each column, by file. Rows are sorted by the leading number columns, which
count from 0 (`interval` from 1)."""

OPTIONAL = {BRANCHES: {"final_confidence": "float"}, PROBES: {"confidence": "float"}}
"""Columns that only some stores have, after the others; those that do have both."""

NULLABLE = ("final_signal", "signal", "final_confidence", "confidence")


def arrow_schema(name: str, optional: bool = False) -> Any:
    """The pyarrow schema of the file `name`, with its optional columns or without."""
    import pyarrow as pa

    columns = COLUMNS[name] | (OPTIONAL.get(name, {}) if optional else {})
    return pa.schema(
        pa.field(column, kind, nullable=column in NULLABLE) for column, kind in columns.items()
    )
