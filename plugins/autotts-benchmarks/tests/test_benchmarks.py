"""The questions, how they are asked and probed, and what happens when they cannot be had."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from autotts_core.benchmark import Benchmark
from autotts_core.cli import cli
from autotts_core.errors import BenchmarkError
from autotts_core.plugins import registry

HUB = ["aime24", "aime25", "aime26", "hmmt-feb25", "hmmt-nov25", "hmmt-feb26", "math-500", "gsm8k",
       "gpqa-diamond"]  # fmt: skip
GOLDEN = Path(__file__).parent / "golden"


def benchmark(name: str, **options: Any) -> Benchmark:
    return registry().get("benchmark", name).configure(options)


def shown(name: str, form: str, own_questions: Path) -> str:
    options = [f"form={form}"]
    options += [f"path={own_questions}"] if name == "jsonl" else []
    options += ["questions=3"] if name == "arithmetic" else []
    arguments = [part for each in options for part in ("--option", each)]
    # ChatML, as Qwen has it. Set the variable to a model's directory to see that its own
    # template gives the same: the golden files were written with Qwen3's.
    tokenizer = os.environ.get("AUTOTTS_TEST_TOKENIZER", Path(__file__).parent / "tokenizer")
    result = CliRunner().invoke(
        cli, ["benchmark", "show", name, *arguments, "--tokenizer", str(tokenizer)]
    )
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("form", ["chat", "completion"])
@pytest.mark.parametrize("name", [*HUB, "jsonl", "arithmetic"])
def test_prompts_and_probes_are_as_in_the_golden_files(
    name: str, form: str, hub: Path, own_questions: Path
) -> None:
    output = shown(name, form, own_questions)
    assert output == (GOLDEN / f"{name}-{form}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HUB)
def test_ids_are_unique_and_graders_exist(name: str, hub: Path) -> None:
    chosen = benchmark(name)
    ids = [question.id for question in chosen.questions()]
    assert len(set(ids)) == len(ids) > 0
    keys = (
        registry()
        .get("grader", chosen.grader)()
        .keys([question.gold_answer for question in chosen.questions()])
    )
    assert None not in keys


def test_gsm8k_and_gpqa_give_the_answer_alone(hub: Path) -> None:
    assert [each.gold_answer for each in benchmark("gsm8k").questions()] == ["1234"]
    for seed in range(4):
        for question in benchmark("gpqa-diamond", seed=seed).questions():
            right = "neon" if question.id == "recA" else "iron"
            assert f"{question.gold_answer}) {right}" in question.text
    orders = {benchmark("gpqa-diamond", seed=seed).questions()[0].text for seed in range(8)}
    assert len(orders) > 1


@pytest.mark.parametrize("name", HUB)
def test_offline_the_error_says_which_file_to_put_where(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    def offline(*_: Any, **__: Any) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    monkeypatch.setenv("AUTOTTS_BENCHMARKS_DIR", str(tmp_path))
    with pytest.raises(BenchmarkError) as raised:
        benchmark(name).questions()
    assert str(tmp_path / f"{name}.parquet") in str(raised.value)
    assert "https://huggingface.co/datasets/" in str(raised.value)


def test_the_hub_is_asked_for_the_pinned_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked: list[Any] = []

    def load(*arguments: Any, **options: Any) -> list[dict[str, Any]]:
        asked.append((*arguments, options))
        return [{"problem_idx": 1, "problem": "6 x 7?", "answer": 42}]

    monkeypatch.delenv("AUTOTTS_BENCHMARKS_DIR", raising=False)
    monkeypatch.setattr(datasets, "load_dataset", load)
    benchmark("aime25").questions()
    benchmark("aime25", revision="main").questions()
    assert [each[0] for each in asked] == ["MathArena/aime_2025"] * 2
    assert len(asked[0][2]["revision"]) == 40
    assert asked[1][2]["revision"] == "main"


def test_a_missing_column_is_named(hub: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"problem": ["?"]}), hub / "aime24.parquet")
    with pytest.raises(BenchmarkError, match="no column 'answer'"):
        benchmark("aime24").questions()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not readable as JSON"),
        ("[1]", "line 2: must be a JSON object"),
        ('{"question": "?"}', "line 2: has no key 'answer'"),
        ('{"question": "?", "answer": []}', "line 2: 'answer' must be text"),
        ('{"id": "a", "question": "?", "answer": "1"}', "line 2: the id 'a' comes twice"),
    ],
)
def test_a_wrong_line_is_named(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": "a", "question": "?", "answer": "1"}\n' + line + "\n")
    with pytest.raises(BenchmarkError, match=message):
        benchmark("jsonl", path=path).questions()


def test_keys_within_keys_are_read(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"doc_id": 7, "doc": {"question": "6 x 7?"}, "target": "42"}\n')
    (question,) = benchmark(
        "jsonl", path=path, question="doc.question", answer="target", id="doc_id"
    ).questions()
    assert (question.id, question.text, question.gold_answer) == ("7", "6 x 7?", "42")


def test_arithmetic_has_right_answers_and_grows_without_changing() -> None:
    questions = benchmark("arithmetic", questions=60, steps=5, seed=3).questions()
    for question in questions:
        expression = question.text.removeprefix("What is ").removesuffix("?")
        assert set(expression) <= set("0123456789+-*() ")
        assert eval(expression) == int(question.gold_answer)
    assert list(benchmark("arithmetic", questions=20, steps=5, seed=3).questions()) == list(
        questions[:20]
    )


@pytest.mark.parametrize(
    ("form", "text", "answer"),
    [
        ("chat", "so \\boxed{41}, no: \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("chat", "it is \\boxed{\\{1,2\\}}", "\\{1,2\\}"),
        ("chat", "cut off \\boxed{\\frac{1}{", ""),
        ("chat", "no answer", ""),
        ("completion", " 6 * 7 = 42.\nAnswer: 42\n\nQuestion: next", "42"),
        ("completion", " 6 * 7", ""),
    ],
)
def test_the_answer_is_found_in_the_text(form: str, text: str, answer: str) -> None:
    assert benchmark("arithmetic", form=form).parse_answer(text) == answer


@pytest.mark.parametrize(("form", "end"), [("chat", "}."), ("completion", "\n\nQuestion:")])
def test_a_probe_opens_what_its_answer_is_read_from(form: str, end: str) -> None:
    chosen = benchmark("arithmetic", form=form)
    assert chosen.parse_answer("Let me think" + chosen.probe_suffix() + "17" + end) == "17"


def test_show_as_json_and_a_wrong_id() -> None:
    run = CliRunner().invoke
    result = run(cli, ["benchmark", "show", "arithmetic", "--question", "2", "--json"])
    found = json.loads(result.output)
    assert [question["id"] for question in found["questions"]] == ["2"]
    assert found["probe"].endswith("\\boxed{")
    result = run(cli, ["benchmark", "show", "arithmetic", "--question", "x"])
    assert isinstance(result.exception, SystemExit)
