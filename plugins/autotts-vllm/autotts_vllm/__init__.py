"""The trace backend `vllm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.trace_backend import TraceBackend

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_trace_backends() -> list[type[TraceBackend]]:
    """`vllm`."""
    from autotts_vllm.engine import VLLM

    return [VLLM]
