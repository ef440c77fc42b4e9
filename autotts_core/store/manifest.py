"""A store's `manifest.json`: what the store holds and where it comes from."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from autotts_core.errors import StoreError
from autotts_core.grading import Unreadable

MANIFEST = "manifest.json"
FORMAT = "autotts-replay-store"
FORMAT_VERSION = 1
QUESTIONS = "questions.parquet"
ANSWERS = "answers.parquet"
BRANCHES = "branches.parquet"
PROBES = "probes.parquet"
TABLES = (QUESTIONS, ANSWERS, BRANCHES, PROBES)


def check_name(value: str) -> str:
    """`value`, a model's or benchmark's name; `ValueError` where it is no good as a directory."""
    if any(
        not (part and (part[0].isalnum() or part[0] == "_")) or "\0" in part
        for part in value.split("/")
    ):
        raise ValueError("must begin with a letter, a digit or _, also after each slash")
    return value


Name = Annotated[str, AfterValidator(check_name)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NonNegative = Annotated[int, Field(ge=0)]
Scalar = str | int | float | bool | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Versioned(_Strict):
    """Something whose results depend on its version: a grader, an engine."""

    name: str
    version: str | int


class Counts(_Strict):
    """Rows of each kind, over all questions."""

    questions: NonNegative
    answers: NonNegative
    branches: NonNegative
    probes: NonNegative


class Source(_Strict):
    """Where the traces come from; `sha256` of the source file, when it is one file."""

    origin: str
    sha256: Sha256 | None


class FileEntry(_Strict):
    """One file of the store, as it was frozen."""

    sha256: Sha256
    bytes: NonNegative
    rows: NonNegative


class Manifest(_Strict):
    """The whole manifest. The same import gives the same manifest: it holds no dates."""

    format: Literal["autotts-replay-store"] = "autotts-replay-store"
    version: Literal[1] = 1
    model: Name
    benchmark: Name
    interval_tokens: Annotated[int, Field(gt=0)]
    accounting: Literal["published", "exact"]
    grader: Versioned
    unreadable: Unreadable = "vote"
    counts: Counts
    sampling: dict[str, Scalar | list[str]] | None = None
    engine: Versioned | None = None
    prompt: str | None = None
    probe: str | None = None
    source: Source
    created_by: str
    files: dict[str, FileEntry]

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    # Taken over the model, not the file, so that white space does not count.
    @property
    def digest(self) -> str:
        """SHA-256 over the manifest, and through its checksums over the whole store."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def read_manifest(store: Path) -> Manifest:
    """The manifest of the store in the directory `store`.

    Raises `StoreError` that names the path, and the key where one is wrong.
    """
    path = store / MANIFEST
    if not store.exists():
        raise StoreError(f"{store}: no such directory. A replay store is a directory.")
    if not store.is_dir():
        raise StoreError(f"{store}: a file, but a replay store is a directory with {MANIFEST}.")
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{store}: not a replay store, for it has no {MANIFEST}.") from None
    try:
        head = json.loads(text)
    except ValueError as error:
        raise StoreError(f"{path}: not readable as JSON: {error}") from None
    found = head.get("format") if isinstance(head, dict) else None
    if found != FORMAT:
        raise StoreError(
            f"{path}: not the manifest of a replay store: 'format' is {found!r}, not {FORMAT!r}."
        )
    # Before the keys are looked at, for a newer format's keys would only look wrong.
    version = head.get("version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise StoreError(
            f"{path}: format version {version} is newer than this AutoTTS reads "
            f"({FORMAT_VERSION}). Upgrade autotts-core."
        )
    return parse_manifest(text, path)


def parse_manifest(text: bytes, path: Path) -> Manifest:
    """The manifest in `text`; `StoreError` names `path` and each wrong key."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise StoreError(explain(error, str(path))) from None


def explain(error: ValidationError, where: str) -> str:
    """One line for each wrong key of a manifest."""
    return "\n".join(
        f"{where}: key {'.'.join(map(str, problem['loc']))!r}: {problem['msg']} "
        f"(got {problem['input']!r})"
        for problem in error.errors()
    )
