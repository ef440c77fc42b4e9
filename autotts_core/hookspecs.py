"""The plugin contract: every hook that AutoTTS calls.

A plugin is a distribution with an entry point in the group `autotts`:

    [project.entry-points.autotts]
    my-plugin = "my_plugin"

The module it names sets `AUTOTTS_CONTRACT` to the contract's version it was written for and
implements any of the hooks below with `@hookimpl`. Import what is heavy inside the hooks or,
better, where it is first used: the module itself is imported by every `autotts` command.

`autotts_register_*` hooks return classes. Each class carries its `name`, `summary` and
`Options` (`autotts_core.component.Component`); the interfaces do the work.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from autotts_core.benchmark import Benchmark
    from autotts_core.controller import Controller
    from autotts_core.executor import Executor
    from autotts_core.explorer import Explorer
    from autotts_core.grader import Grader
    from autotts_core.trace_backend import TraceBackend
    from autotts_core.trace_importer import TraceImporter
    from autotts_core.tuner import Tuner

CONTRACT_VERSION = 1

hookspec = pluggy.HookspecMarker("autotts")
hookimpl = pluggy.HookimplMarker("autotts")


@hookspec
def autotts_register_controllers() -> list[type[Controller]]:  # type: ignore[empty-body]
    """Controllers: programs that decide when to branch, deepen, prune, stop and vote.

    Called when a controller is first looked up by name. Names must be unique over all
    installed plugins.
    """


@hookspec
def autotts_register_trace_backends() -> list[type[TraceBackend]]:  # type: ignore[empty-body]
    """Trace backends: engines that continue a token prefix, for collection and for live runs."""


@hookspec
def autotts_register_trace_importers() -> list[type[TraceImporter]]:  # type: ignore[empty-body]
    """Trace importers: readers of published trace files, for `autotts traces import`."""


@hookspec
def autotts_register_explorers() -> list[type[Explorer]]:  # type: ignore[empty-body]
    """Explorers: what proposes controllers during discovery."""


@hookspec
def autotts_register_tuners() -> list[type[Tuner]]:  # type: ignore[empty-body]
    """Tuners: what fits the constants of proposed controllers, where a recipe asks for it."""


@hookspec
def autotts_register_benchmarks() -> list[type[Benchmark]]:  # type: ignore[empty-body]
    """Benchmarks: questions, their prompt and probe forms, and the grader for their answers."""


@hookspec
def autotts_register_graders() -> list[type[Grader]]:  # type: ignore[empty-body]
    """Graders: when two answers are the same, and when one is right.

    A grader has a version besides its name, and both stand beside every accuracy: raise the
    version whenever a verdict may change. `autotts traces grade STORE --grader NAME` uses it.
    """


@hookspec
def autotts_register_executors() -> list[type[Executor]]:  # type: ignore[empty-body]
    """Executors: where independent shards of work run (threads, processes, a cluster)."""


@hookspec
def autotts_register_commands(cli: click.Group) -> None:
    """Add commands to the `autotts` command line.

    `cli` collects what this plugin adds to the root group; add to it with `cli.add_command`
    or `@cli.command()`. Called for `autotts --help` too: import only what declaring commands
    needs. A command that is called like one of AutoTTS or of another plugin is refused.
    """


@hookspec
def autotts_run_started(run: Path) -> None:
    """A run has resolved its recipe and is about to work in the directory `run`."""


@hookspec
def autotts_round_finished(run: Path, round: int) -> None:
    """Round number `round` (from 0) of the run in the directory `run` is on disk, scored."""


@hookspec
def autotts_run_finished(run: Path) -> None:
    """The run in the directory `run` has made its selection and its held-out scores."""
