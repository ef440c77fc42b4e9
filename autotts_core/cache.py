"""Where things are kept that can be had again."""

import os
from pathlib import Path


def cache_directory() -> Path:
    """`$AUTOTTS_CACHE_DIR`, else `autotts` in the user's cache directory."""
    chosen = os.environ.get("AUTOTTS_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "autotts"
