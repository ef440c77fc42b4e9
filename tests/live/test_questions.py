"""Files of questions, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotts_core.errors import BenchmarkError
from autotts_core.live.questions import LiveQuestion, read_questions


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(
        '{"id": "a", "question": "1 + 1?", "answer": 2}\n'
        "\n"
        '{"text": "line\u2028end?"}\n'
        '{"id": 7, "question": "?", "gold_answer": "x", "more": []}\n',
        encoding="utf-8",
    )
    assert read_questions(path) == [
        LiveQuestion("a", "1 + 1?", "2"),
        LiveQuestion("1", "line\u2028end?"),
        LiveQuestion("7", "?", "x"),
    ]


def test_text_lines(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_bytes(b'\xef\xbb\xbfWhat is 1 + 1?\r\n\r\n  {"a": 1}\n')
    assert read_questions(path) == [
        LiveQuestion("0", "What is 1 + 1?"),
        LiveQuestion("1", '{"a": 1}'),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"question": "?"}\n{"question": "?"', "line 2: not readable as JSON"),
        ('{"question": "?"}\n[1]', r"line 2: must be a JSON object, not '\[1\]'"),
        ('{"query": "?"}', "line 1: needs the key 'question' or 'text' with text; it has 'query'"),
        ('{"question": " "}', "line 1: needs the key 'question'"),
        ('{"question": ["?"]}', r"line 1: 'question' must be text or a number, not \['\?'\]"),
        ('{"id": 1, "text": "?"}\n{"id": "1", "text": "!"}', "line 2: the id '1' comes twice"),
        ("\n \n", "has no questions"),
    ],
)
def test_mistakes_are_named_with_file_and_line(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BenchmarkError, match=rf"questions\.jsonl(: |, ){told}"):
        read_questions(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"none\.txt: No such file"):
        read_questions(tmp_path / "none.txt")
    (tmp_path / "latin.txt").write_bytes(b"na\xefve?")
    with pytest.raises(BenchmarkError, match=r"latin\.txt: not UTF-8"):
        read_questions(tmp_path / "latin.txt")
