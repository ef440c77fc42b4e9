"""The trace files released with the AutoTTS paper (arXiv 2605.08083): to import, or to fetch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.trace_backend import TraceBackend
    from autotts_core.trace_importer import TraceImporter

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_trace_importers() -> list[type[TraceImporter]]:
    """The one importer of this plugin."""
    from autotts_json.importer import JsonImporter

    return [JsonImporter]


@hookimpl
def autotts_register_trace_backends() -> list[type[TraceBackend]]:
    """The data set that was released with the paper."""
    from autotts_json.released import ReleasedTraces

    return [ReleasedTraces]
