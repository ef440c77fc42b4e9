"""Small data sets in the format of the hub's, made by the tests."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MATH_ARENA = {
    "problem_idx": [1, 2],
    "problem": ["What is $6 \\cdot 7$?", "Simplify $\\sqrt{8}$."],
    "answer": ["42", "2\\sqrt{2}"],
    "problem_type": [["Algebra"], ["Algebra"]],
}
ROWS = {
    "aime24": {
        "id": [60, 61],
        "problem": ["What is $6 \\cdot 7$?", "What is $100+1$?"],
        "solution": ["$42$", "$101$"],
        "answer": ["042", "101"],
        "url": ["", ""],
        "year": ["2024", "2024"],
    },
    "aime25": MATH_ARENA | {"answer": [42, 101]},
    "aime26": MATH_ARENA | {"answer": [42, 101]},
    "hmmt-feb25": MATH_ARENA,
    "hmmt-nov25": MATH_ARENA,
    "hmmt-feb26": MATH_ARENA,
    "math-500": {
        "problem": ["What is $6 \\cdot 7$?"],
        "solution": ["$\\boxed{42}$"],
        "answer": ["42"],
        "subject": ["Prealgebra"],
        "level": [1],
        "unique_id": ["test/prealgebra/1.json"],
    },
    "gsm8k": {
        "question": ["Ann has 1,000 marbles and buys 234. How many has she?"],
        "answer": ["1000 + 234 = <<1000+234=1234>>1234\n#### 1,234"],
    },
    "gpqa-diamond": {
        "Record ID": ["recA", "recB"],
        "Question": ["Which is a noble gas?", "Which is a metal?"],
        "Correct Answer": ["neon", "iron"],
        "Incorrect Answer 1": ["iron", "neon"],
        "Incorrect Answer 2": ["oxygen\n", "argon"],
        "Incorrect Answer 3": ["chlorine", "oxygen"],
    },
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with every data set of the hub, put there by hand."""
    directory = tmp_path / "hub"
    directory.mkdir()
    for name, columns in ROWS.items():
        pq.write_table(pa.table(columns), directory / f"{name}.parquet")
    monkeypatch.setenv("AUTOTTS_BENCHMARKS_DIR", str(directory))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "hf-datasets"))
    return directory


@pytest.fixture
def own_questions(tmp_path: Path) -> Path:
    """A file of somebody's own."""
    path = tmp_path / "mine.jsonl"
    rows = [
        {"id": "a", "question": "6 x 7?", "answer": 42},
        {"id": "b", "question": "1/2?", "answer": "0.5"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
