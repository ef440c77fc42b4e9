"""Making the replay stores that a run needs, once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from autotts_core.errors import StoreError
from autotts_core.store import ReplayStore, write_store
from autotts_core.store.manifest import MANIFEST, Manifest, check_name
from autotts_core.trace_backend import StoreRequest, TraceSource
from autotts_core.traces import TraceSet


def store_folder(backend: TraceSource, request: StoreRequest, root: Path) -> Path:
    """Where the store of `request` is, or will be: stores made with other settings lie elsewhere.

    Does no work. Raises `StoreError` for a model or benchmark that is no good as a directory.
    """
    for part in (request.model, request.benchmark):
        try:
            check_name(part)
        except ValueError as error:
            raise StoreError(f"{request.name}: {part!r} {error}.") from None
    settings = {
        "backend": backend.name,
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
    backend cannot give the traces, or gives others, or where something else is in the way.
    """
    path = store_folder(backend, request, root)
    if not (path / MANIFEST).exists():
        traces = backend.traces(request)
        _check_given(backend, request, traces)
        try:
            write_store(path, traces)
        except StoreError:
            # Another process may have made it at the same time; else the reason stands.
            if not (path / MANIFEST).exists():
                raise
    _check_found(path, request, ReplayStore.open(path).manifest)
    return path


def _check_given(backend: TraceSource, request: StoreRequest, traces: TraceSet) -> None:
    """Raise before traces that nobody asked for are frozen under the request's name."""
    given = _facts(traces)
    branches = {len(question.branches) for question in traces.questions}
    if given != _facts(request) or branches - {request.branches}:
        counts = ", ".join(map(str, sorted(branches)))
        raise StoreError(
            f"trace backend {backend.name!r} was asked for {_described(_facts(request))} with "
            f"branches {request.branches}, and gave {_described(given)} with branches {counts}. "
            "That is a mistake in the backend."
        )


def _check_found(path: Path, request: StoreRequest, manifest: Manifest) -> None:
    wanted = request.branches * manifest.counts.questions
    if _facts(manifest) != _facts(request) or manifest.counts.branches != wanted:
        raise StoreError(
            f"{path}: holds {_described(_facts(manifest))} with {manifest.counts.branches} "
            f"branches in all, where {_described(_facts(request))} with {wanted} belongs. Remove "
            "it, and it is made again."
        )


def _facts(of: StoreRequest | TraceSet | Manifest) -> tuple[str, str, int]:
    return of.model, of.benchmark, of.interval_tokens


def _described(facts: tuple[str, str, int]) -> str:
    model, benchmark, interval_tokens = facts
    return f"model {model}, benchmark {benchmark}, interval_tokens {interval_tokens}"
