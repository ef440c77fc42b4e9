"""`autotts plugins`: what is installed, what is broken and why, what options there are."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from autotts_core.cli import cli
from autotts_core.plugins import KINDS, Broken, Registered, describe_clash, registry

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from rich.table import Table

_CONSTRAINTS = {
    "gt": "> {}",
    "ge": ">= {}",
    "lt": "< {}",
    "le": "<= {}",
    "multiple_of": "multiple of {}",
    "min_length": "length >= {}",
    "max_length": "length <= {}",
    "pattern": "matches {}",
}


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--traceback", "tracebacks", is_flag=True, help="Show where broken plugins failed.")
@click.pass_context
def plugins(ctx: click.Context, as_json: bool, tracebacks: bool) -> None:
    """List what installed plugins offer, and the ones that are broken."""
    if ctx.invoked_subcommand is not None:
        return
    found = registry()
    offers = [offer for kind in KINDS for offer in sorted(found.offered(kind).items())]
    # Asked for here too, so that a plugin whose commands fail is listed.
    commands = sorted(cli.plugin_commands)
    components = [several[0] for _, several in offers if len(several) == 1]
    clashes = [several for _, several in offers if len(several) > 1]
    if as_json:
        report = {
            "distributions": found.distributions(),
            "components": [_summary(component) for component in components],
            "commands": commands,
            "broken": [asdict(broken) for broken in found.broken],
            "clashes": [[_summary(offer) for offer in several] for several in clashes],
        }
        click.echo(json.dumps(report, indent=2))
    else:
        _print_overview(components, commands, found.broken, clashes, tracebacks)
    if found.strict and found.broken:
        ctx.exit(2)


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> None:
    """Show the component NAME and its options.

    KIND:NAME (as in trace-backend:sim) chooses between components of different kinds.
    """
    found = registry().find(name)
    if as_json:
        click.echo(json.dumps([_details(component) for component in found], indent=2))
        return
    from autotts_core.cli.tables import table_console

    console = table_console()
    for component in found:
        details = _details(component)
        console.print(f"{component.kind} {component.name}", style="bold")
        console.print(component.cls.summary, soft_wrap=True)
        console.print(f"from {component.distribution} {component.version}: {details['class']}\n")
        if details["doc"]:
            console.print(f"{details['doc']}\n", soft_wrap=True)
        if details["options"]:
            columns = ["option", "type", "default", "constraints", "description"]
            rows = [[option[column] or "" for column in columns] for option in details["options"]]
            console.print(_table(columns, rows))
        else:
            console.print("It has no options.")
        console.print()


def _print_overview(
    components: Sequence[Registered],
    commands: Sequence[str],
    broken: Sequence[Broken],
    clashes: Sequence[Sequence[Registered]],
    tracebacks: bool,
) -> None:
    from autotts_core.cli.tables import table_console

    console = table_console()
    columns = ["kind", "name", "summary", "distribution", "version"]
    rows = [[_summary(component)[column] for column in columns] for component in components]
    console.print(_table(columns, rows))
    if commands:
        console.print(f"Commands added: {', '.join(commands)}", soft_wrap=True)
    if broken:
        console.print("\nBroken", style="bold red")
    for problem in broken:
        owner = f"{problem.distribution} {problem.version} (entry point {problem.entry_point})"
        console.print(f"{owner}: {problem.reason}", soft_wrap=True)
        if tracebacks and problem.traceback:
            console.print(problem.traceback, soft_wrap=True)
    if clashes:
        console.print("\nClashes", style="bold red")
    for offers in clashes:
        console.print(describe_clash(offers), soft_wrap=True)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for column in columns:
        # Prose gives way on a narrow terminal; names can be copied whole.
        table.add_column(column, overflow="fold", no_wrap=column not in ("summary", "description"))
    for row in rows:
        table.add_row(*row)
    return table


def _summary(component: Registered) -> dict[str, str]:
    return {
        "kind": component.kind,
        "name": component.name,
        "summary": component.cls.summary,
        "distribution": component.distribution,
        "version": component.version,
    }


def _details(component: Registered) -> dict[str, Any]:
    cls = component.cls
    fields = cls.Options.model_fields
    return {
        **_summary(component),
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "doc": inspect.cleandoc(cls.__doc__ or ""),
        "options": [_option(name, field) for name, field in fields.items()],
    }


def _option(name: str, field: FieldInfo) -> dict[str, str | None]:
    kind = field.annotation
    plain = isinstance(kind, type) and not getattr(kind, "__args__", ())
    if field.is_required():
        default = None
    elif field.default_factory is not None:
        default = f"{field.default_factory.__name__}()"
    else:
        default = repr(field.default)
    constraints = [
        wording.format(value)
        for rule in field.metadata
        for attribute, wording in _CONSTRAINTS.items()
        if (value := getattr(rule, attribute, None)) is not None
    ]
    return {
        "option": name,
        "type": kind.__name__ if plain and kind else str(kind).replace("typing.", ""),
        "default": default,
        "constraints": ", ".join(constraints),
        "description": field.description or "",
    }
