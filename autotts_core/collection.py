"""Making the replay stores that a run needs, once."""

import hashlib
import json
from pathlib import Path

from autotts_core.errors import StoreError
from autotts_core.store import ReplayStore, write_store
from autotts_core.store.manifest import MANIFEST
from autotts_core.trace_backend import StoreRequest, TraceSource


def store_folder(backend: TraceSource, request: StoreRequest, root: Path) -> Path:
    """Where the store of `request` is, or will be: stores made otherwise lie elsewhere."""
    settings = {
        "options": backend.options.model_dump(mode="json"),
        "branches": request.branches,
        "interval_tokens": request.interval_tokens,
        "seed": request.seed,
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return root / f"{backend.name}-{digest[:12]}" / request.model / request.benchmark


def collect_store(backend: TraceSource, request: StoreRequest, root: Path) -> Path:
    """The store of `request` below `root`, made by `backend` unless it is there already.

    Appears whole or not at all, whatever happens meanwhile. Raises `AutoTTSError` where the
    backend cannot give the traces, or they contradict themselves.
    """
    path = store_folder(backend, request, root)
    if not (path / MANIFEST).exists():
        traces = backend.traces(request)
        if (traces.model, traces.benchmark) != (request.model, request.benchmark):
            raise StoreError(
                f"trace backend {backend.name!r} was asked for {request.name} and gave "
                f"{traces.model}/{traces.benchmark}."
            )
        try:
            write_store(path, traces)
        except StoreError:
            # Another run may have made it at the same time; else the reason stands.
            if not (path / MANIFEST).exists():
                raise
    return ReplayStore.open(path).path
