"""Finding the stores in directory trees."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from autotts_core.errors import StoreError
from autotts_core.store.manifest import MANIFEST


def find_stores(paths: Iterable[Path]) -> list[Path]:
    """The directories of all stores in `paths`, each a store or a tree of stores, sorted.

    Hidden directories are passed over. Raises `StoreError` for a path that has no store.
    """
    found: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise StoreError(f"{path}: no such directory.")
        here = list(_stores_below(path))
        if not here:
            raise StoreError(
                f"{path}: no replay store here, nor in any directory below it.{_hint(path)}"
            )
        found.update(here)
    return sorted(found)


def _stores_below(path: Path) -> Iterator[Path]:
    for directory, below, files in os.walk(path):
        if MANIFEST in files:
            below.clear()  # what a store holds is its own
            yield Path(directory)
        else:
            below[:] = [name for name in below if not name.startswith(".")]


def _hint(path: Path) -> str:
    """What to do with a path of published traces that nobody has imported yet."""
    if path.suffix != ".json" and next(path.rglob("*.json"), None) is None:
        return ""
    from autotts_core.plugins import registry

    imports = " or ".join(
        f"`autotts traces import {importer.name} {path} --out DIR`"
        for importer in registry().all("trace importer")
    )
    return f" It has JSON files: if they are published traces, make stores of them with {imports}."
