"""The trace backend `sglang`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.trace_backend import TraceBackend

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_trace_backends() -> list[type[TraceBackend]]:
    """`sglang`."""
    from autotts_sglang.engine import SGLang

    return [SGLang]
