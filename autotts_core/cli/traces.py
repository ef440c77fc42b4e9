"""`autotts traces`: published traces into replay stores, and what is in a store."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotts_core.cli.options import options_of
from autotts_core.plugins import registry

if TYPE_CHECKING:
    from rich.progress import Progress

    from autotts_core.grader import Grader
    from autotts_core.grading import Unreadable
    from autotts_core.store import Problem, ReplayStore
    from autotts_core.traces import TraceSet

_STORES = click.argument(
    "paths", metavar="STORE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_UNREADABLE = click.option(
    "--unreadable",
    type=click.Choice(["vote", "apart"]),
    help="Whether an answer that the grader cannot read votes, or is no answer at all.",
)


@click.group()
def traces() -> None:
    """Import, inspect, check, grade and compare replay stores."""


@traces.command("import")
@click.argument("format_name", metavar="FORMAT")
@click.argument(
    "sources", metavar="SRC...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Directory in which the stores are made, as MODEL/BENCHMARK.",
)
@options_of("--option", "options", "format")
@click.option("--grader", default="exact", show_default=True, help="Says which answers are right.")
@_UNREADABLE
@_JSON
def import_traces(
    format_name: str,
    sources: tuple[Path, ...],
    out: Path,
    options: dict[str, str],
    grader: str,
    unreadable: Unreadable | None,
    as_json: bool,
) -> None:
    """Freeze published traces into replay stores.

    All that SRC holds is written, or nothing. FORMAT is a trace importer's name, SRC a file or
    a directory tree in that format.
    """
    from autotts_core.store import ReplayStore, write_stores

    importer = registry().get("trace importer", format_name).configure(options)
    chosen = grader_called(grader, {})
    with _progress() as progress, _warnings_for_people():
        stores = write_stores(
            out,
            _followed(importer.read(sources), progress),
            grader=chosen,
            unreadable=unreadable or "vote",
        )
    _print([_summary(ReplayStore.open(path)) for path in stores], as_json)


@traces.command()
@_STORES
@_JSON
def info(paths: tuple[Path, ...], as_json: bool) -> None:
    """Show what is in replay stores.

    STORE is a store, or a directory tree of stores.
    """
    from autotts_core.store import ReplayStore, find_stores

    stores = [ReplayStore.open(path) for path in find_stores(paths)]
    _print([_summary(store) | _answers(store) for store in stores], as_json)


@traces.command()
@_STORES
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="The model's directory: decode the stores' texts and parse answers again.",
)
@options_of("--benchmark-option", "benchmark_options", "benchmark")
@_JSON
@click.pass_context
def check(
    context: click.Context,
    paths: tuple[Path, ...],
    tokenizer: Path | None,
    benchmark_options: dict[str, str],
    as_json: bool,
) -> None:
    """Check the stores STORE, each a store or a directory tree of stores.

    Verifies checksums, and that the tables agree with each other. With --tokenizer, for stores
    that have texts: token ids are cut at the intervals' ends and decoded again, and each answer
    is parsed again from what the branch and its probe wrote, by the store's benchmark. Exits
    with 1 if anything is wrong.
    """
    from dataclasses import asdict

    from autotts_core.store import check_store, find_stores

    found = {path: check_store(path) for path in find_stores(paths)}
    if tokenizer is not None:
        for path, problems in found.items():
            # What is damaged is not looked into.
            problems += [] if problems else _text_problems(path, tokenizer, benchmark_options)
    if as_json:
        report = [
            {"path": str(path), "ok": not problems, "problems": [asdict(each) for each in problems]}
            for path, problems in found.items()
        ]
        click.echo(json.dumps(report, indent=2))
    else:
        for path, problems in found.items():
            for problem in problems:
                click.echo(f"{path}: {problem}")
            if not problems:
                click.echo(f"{path}: OK")
    if any(found.values()):
        context.exit(1)


@traces.command("grade")
@_STORES
@click.option("--grader", required=True, help="A grader's name; `autotts plugins` lists them.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Directory in which the new stores are made, as MODEL/BENCHMARK.",
)
@options_of("--option", "options", "grader")
@_UNREADABLE
@_JSON
def grade_traces(
    paths: tuple[Path, ...],
    grader: str,
    out: Path,
    options: dict[str, str],
    unreadable: Unreadable | None,
    as_json: bool,
) -> None:
    """Grade the stores STORE again, into new stores; nothing is sampled.

    Only answers' classes and marks differ from the old stores, which are left as they are:
    `autotts traces compare OLD NEW` shows what changed. All new stores are written, or none.
    """
    from autotts_core.store import ReplayStore, find_stores, grade_stores

    chosen = grader_called(grader, options)
    with _progress() as progress:
        progress.add_task(f"Grading by {grader}", total=None)
        stores = grade_stores(out, find_stores(paths), chosen, unreadable)
    rows = [ReplayStore.open(path) for path in stores]
    _print([_summary(store) | _answers(store) for store in rows], as_json)


@traces.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@_JSON
def compare(old: Path, new: Path, as_json: bool) -> None:
    """Show which questions' answers and branches two gradings mark differently, and why.

    OLD and NEW are stores of the same traces, or directory trees of them: stores of the same
    model and benchmark are compared.
    """
    from dataclasses import asdict

    from autotts_core.cli.comparison import print_comparison
    from autotts_core.store.compare import compare_trees

    found = compare_trees(old, new)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            print_comparison(each)


def _text_problems(path: Path, tokenizer: Path, options: dict[str, str]) -> list[Problem]:
    from autotts_core.model_tokenizer import ModelTokenizer
    from autotts_core.store import ReplayStore
    from autotts_core.store.text_check import check_texts

    name = ReplayStore.open(path).benchmark
    benchmark = registry().get("benchmark", name).configure(options)
    return check_texts(path, ModelTokenizer(tokenizer), benchmark)


def grader_called(name: str, options: dict[str, str]) -> Grader:
    """The grader `name`: `exact`, or one that a plugin offers."""
    from autotts_core.grader import ExactGrader

    if name == ExactGrader.name:
        return ExactGrader.configure(options)
    return registry().get("grader", name).configure(options)


@contextmanager
def _progress() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress


def _followed(imported: Iterable[TraceSet], progress: Progress) -> Iterator[TraceSet]:
    """`imported`, showing how far it has got; how many there are is not known before."""
    task = progress.add_task("Reading", total=None)
    branches = 0
    for count, each in enumerate(imported, start=1):
        branches += sum(len(question.branches) for question in each.questions)
        progress.update(
            task,
            description=f"Importing {each.model}/{each.benchmark}: "
            f"store {count}, {branches:,} branches so far",
        )
        yield each


@contextmanager
def _warnings_for_people() -> Iterator[None]:
    """Show what importers warn of without the line of code that warned."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        click.secho(f"Warning: {message}", err=True, fg="yellow")

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _summary(store: ReplayStore) -> dict[str, Any]:
    """What the manifest tells, as a row of a table."""
    from autotts_core.store.texts import TEXTS

    manifest = store.manifest
    return {
        "path": str(store.path),
        "model": store.model,
        "benchmark": store.benchmark,
        "questions": manifest.counts.questions,
        "branches": manifest.counts.branches,
        "probes": manifest.counts.probes,
        "interval_tokens": manifest.interval_tokens,
        "accounting": manifest.accounting,
        "texts": TEXTS in manifest.files,
        "bytes": sum(entry.bytes for entry in manifest.files.values()),
    }


def _answers(store: ReplayStore) -> dict[str, Any]:
    """What only the arrays tell."""
    arrays = store.load()
    grader = store.manifest.grader
    return {
        "mean_tokens": float(arrays.branch_tokens.mean()),
        "distinct_answers": store.manifest.counts.answers,
        "right_final_answers": arrays.right_final_share(),
        "grader": f"{grader.name} {grader.version}",
        "digest": store.digest,
    }


_COLUMNS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "model": ("model", str),
    "benchmark": ("benchmark", str),
    "questions": ("questions", "{:,}".format),
    "branches": ("branches", "{:,}".format),
    "probes": ("probes", "{:,}".format),
    "mean_tokens": ("mean tokens", "{:,.0f}".format),
    "distinct_answers": ("answers", "{:,}".format),
    "right_final_answers": ("right finals", "{:.1%}".format),
    "grader": ("grader", str),
    "accounting": ("accounting", str),
    "bytes": ("kB", lambda size: f"{size / 1000:,.0f}"),
}
"""What tables show of a row: the heading, and how the value is written."""


def _print(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from autotts_core.cli.tables import table_console

    console = table_console()
    shown = [key for key in _COLUMNS if key in rows[0]]
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for key in shown:
        numeric = isinstance(rows[0][key], int | float)
        table.add_column(_COLUMNS[key][0], justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        # Text, because a model's name may read like markup.
        table.add_row(*(Text(_COLUMNS[key][1](row[key])) for key in shown))
    console.print(table)
