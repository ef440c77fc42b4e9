"""Writing files so that being killed leaves the old file, or the new one, or none."""

import os
import shutil
import tempfile
from pathlib import Path

_DRAFT = ".draft"


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole and on the disk, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_DRAFT, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o644)  # noqa: PTH101
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def remove_drafts(directory: Path) -> None:
    """Remove what writers that were killed have left anywhere below `directory`.

    Nobody may be writing there: hold the directory's lock.
    """
    for draft in directory.rglob(f".*{_DRAFT}"):
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink()


def draft_directory(parent: Path) -> Path:
    """A new directory in `parent` to fill and then rename; `remove_drafts` knows it."""
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".", suffix=_DRAFT, dir=parent))
