"""The `autotts` command line. Each command imports what it needs when it runs."""

from __future__ import annotations

import io
import pkgutil
import sys
from functools import cached_property
from typing import Any

import click

from autotts_core import __version__
from autotts_core.errors import AutoTTSError, nearest
from autotts_core.plugins import registry

COMMANDS = {
    "run": ("autotts_core.cli.run:run", "Find a controller, from a recipe to held-out scores."),
    "runs": ("autotts_core.cli.show:runs", "List runs."),
    "show": ("autotts_core.cli.show:show", "Show what a run has found."),
    "report": ("autotts_core.cli.report:report", "Make a run's report, or compare several runs."),
    "export": ("autotts_core.cli.export:export", "Take a run's controller out as a plugin."),
    "recipe": ("autotts_core.cli.recipe:recipe", "Check recipes; print their JSON Schema."),
    "collect": ("autotts_core.cli.collect:collect", "Sample a model's branches into a store."),
    "solve": ("autotts_core.cli.solve:solve", "Answer questions live, under a controller."),
    "verify-live": ("autotts_core.cli.verify_live:verify_live", "Hold live runs against replay."),
    "traces": ("autotts_core.cli.traces:traces", "Import, check and grade replay stores."),
    "benchmarks": ("autotts_core.cli.benchmarks:benchmarks", "List benchmarks."),
    "benchmark": ("autotts_core.cli.benchmarks:benchmark", "Show a benchmark's questions."),
    "evaluate": ("autotts_core.cli.evaluate:evaluate", "Score controllers by replay."),
    "audit": ("autotts_core.cli.audit:audit", "Show that a controller cannot cheat."),
    "episode": ("autotts_core.cli.episode:episode", "Replay one episode and draw it."),
    "plugins": ("autotts_core.cli.plugins:plugins", "List what installed plugins offer."),
}
"""The core's commands: where each is found, and its line in `autotts --help`."""


class UserError(click.ClickException):
    """An `AutoTTSError` on its way out: the message alone, and exit code 2."""

    exit_code = 2


class LazyGroup(click.Group):
    """The root group: a command's module is imported when that command runs.

    Plugins are loaded only to list all commands or to look up one that is not the core's.
    """

    @cached_property
    def plugin_commands(self) -> dict[str, click.Command]:
        """The commands that plugins add."""
        return registry().commands(COMMANDS)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(self.plugin_commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            command: click.Command = pkgutil.resolve_name(COMMANDS[cmd_name][0])
            return command
        return self.plugin_commands.get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, line) for name, (_, line) in COMMANDS.items()]
        for name, command in sorted(self.plugin_commands.items()):
            if not command.hidden:
                rows.append((name, command.get_short_help_str(formatter.width)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        broken = sorted({problem.distribution for problem in registry().broken})
        if broken:
            formatter.write_paragraph()
            formatter.write_text(f"Broken: {', '.join(broken)}. `autotts plugins` says why.")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            broken = registry().broken_for("autotts_register_commands")
            hints = [nearest(name, self.list_commands(ctx)), *map(str, broken)]
            ctx.fail(f"There is no command {name!r}. " + "\n".join(hints))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A character that the output cannot encode is no reason to fail.
            sys.stdout.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except AutoTTSError as error:
            raise UserError(str(error)) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autotts")
def cli() -> None:
    """Find better test-time-scaling strategies by replaying reasoning traces."""


def main() -> None:
    """Entry point: errors that a user can mend are printed without a traceback."""
    cli(prog_name="autotts")
