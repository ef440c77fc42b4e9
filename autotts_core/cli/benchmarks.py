"""`autotts benchmarks` and `autotts benchmark show`: what there is to ask, as it will be sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotts_core.plugins import registry

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@_JSON
def benchmarks(as_json: bool) -> None:
    """List the benchmarks that installed plugins offer."""
    rows = [
        {
            "name": each.name,
            "summary": each.cls.summary,
            "grader": getattr(each.cls, "grader", ""),
            "plugin": each.distribution,
        }
        for each in registry().all("benchmark")
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("No benchmarks. The plugin autotts-benchmarks has the usual ones.")
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from autotts_core.cli.tables import table_console

    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for heading in rows[0]:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row.values()))
    table_console().print(table)


@click.group()
def benchmark() -> None:
    """Look into one benchmark."""


@benchmark.command()
@click.argument("name")
@click.option(
    "--option",
    "options",
    metavar="KEY=VALUE",
    multiple=True,
    help="An option of the benchmark; `autotts plugins show NAME` lists them.",
)
@click.option(
    "--question",
    "wanted",
    metavar="ID",
    multiple=True,
    help="Show only this question; may be given several times.",
)
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="A model's or tokenizer's directory, whose chat template prompts go through.",
)
@_JSON
def show(
    name: str,
    options: tuple[str, ...],
    wanted: tuple[str, ...],
    tokenizer: Path | None,
    as_json: bool,
) -> None:
    """Show questions, prompts and probes as they will be sent.

    Without --tokenizer, prompts for chat models are shown as the user's message.
    """
    from autotts_core.cli.options import key_value
    from autotts_core.errors import UnknownNameError, nearest

    chosen = registry().get("benchmark", name).configure(dict(map(key_value, options)))
    questions = chosen.questions()
    unknown = sorted(set(wanted) - {question.id for question in questions})
    if unknown:
        hint = nearest(unknown[0], [question.id for question in questions])
        raise UnknownNameError(f"Benchmark {name!r} has no question {unknown[0]!r}. {hint}")
    shown = {
        "benchmark": name,
        "origin": chosen.origin(),
        "questions_sha256": questions_sha256(chosen),
        "grader": chosen.grader,
        "chat": chosen.chat,
        "prompt": chosen.prompt_form(),
        "probe": chosen.probe_suffix(),
        "stop": list(chosen.stop),
        "probe_stop": list(chosen.probe_stop),
        "questions": [
            {
                "id": question.id,
                "gold_answer": question.gold_answer,
                "sent": _sent(chosen, chosen.prompt(question), tokenizer),
            }
            for question in questions
            if not wanted or question.id in wanted
        ],
    }
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        _print(shown)


def questions_sha256(benchmark: Benchmark) -> str:
    """SHA-256 over all questions: what was asked, whatever a revision is called."""
    import hashlib
    from dataclasses import astuple

    questions = [astuple(question) for question in benchmark.questions()]
    return hashlib.sha256(json.dumps(questions, ensure_ascii=False).encode()).hexdigest()


def _sent(benchmark: Benchmark, prompt: str, tokenizer: Path | None) -> str:
    if not benchmark.chat or tokenizer is None:
        return prompt
    from autotts_core.chat_template import load_chat_template, render_chat

    return render_chat(*load_chat_template(tokenizer), [{"role": "user", "content": prompt}])


def _print(shown: dict[str, Any]) -> None:
    kind = "a user's message" if shown["chat"] else "plain text"
    click.echo(f"{shown['benchmark']}: {shown['origin']}")
    click.echo(f"questions   {len(shown['questions'])}, SHA-256 {shown['questions_sha256']}")
    click.echo(f"grader      {shown['grader']}")
    click.echo(f"prompt      {kind}")
    click.echo(f"probe       {shown['probe']!r}")
    for key, what in (("stop", "branch ends"), ("probe_stop", "probe ends")):
        if shown[key]:
            click.echo(f"{what:<11} {' or '.join(map(repr, shown[key]))}")
    for question in shown["questions"]:
        click.echo(f"\n--- question {question['id']}, gold answer {question['gold_answer']!r}")
        click.echo(question["sent"])
