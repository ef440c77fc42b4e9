"""Simulated reasoning traces for AutoTTS: no GPU, no download.

from autotts_sim.simulator import simulate

traces = simulate("small", questions=30, branches=128, seed=0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from autotts_core.trace_backend import TraceBackend

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_commands(cli: click.Group) -> None:
    """`autotts simulate`."""
    from autotts_sim.command import simulate

    cli.add_command(simulate)


@hookimpl
def autotts_register_trace_backends() -> list[type[TraceBackend]]:
    """`simulated`, and `simulated-engine`."""
    from autotts_sim.backend import SimulatedBackend
    from autotts_sim.engine import SimulatedEngine

    return [SimulatedBackend, SimulatedEngine]
