"""The trace backend `released`: the traces published with the AutoTTS paper, by pinned content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from autotts_core.cache import cache_directory
from autotts_core.component import Options
from autotts_core.errors import OptionError, StoreError, UnknownNameError, nearest
from autotts_core.files import write_atomically
from autotts_core.trace_backend import StoreRequest, TraceSource
from autotts_core.traces import TraceSet
from autotts_json.fetching import fetch
from autotts_json.importer import JsonImporter

FOLDER_VARIABLE = "AUTOTTS_RELEASED_TRACES"
URL_VARIABLE = "AUTOTTS_RELEASED_URL"

URL = (
    "https://raw.githubusercontent.com/zhengkid/AutoTTS/6daad631d3a62406910f5e3cf81bc395f8098622"
    "/efficient_reasoning_controller/test_environment"
)

SHA256 = {
    "Qwen3-0.6B/aime24": "6b4297405b494c84afb05b337af315c617513eb2580ed327ca7040b760988a7d",
    "Qwen3-0.6B/aime25": "33f65695ecc78fb777f53bead2128ba1249772b3608c6a22bd4e674488d453e0",
    "Qwen3-1.7B/aime24": "5d6c9a63e26c7cf60181c53b67adc7017db146bf2ff1e3b9784673cb97313ad1",
    "Qwen3-1.7B/aime25": "77bfb8e8589d0c0da3ccb6d5852c37bf23273e047664a5086d492896a5ae2496",
    "Qwen3-4B/aime24": "d99ce8711c60605b7555a7fc6e66cc5ae0abe7ce6b36bf4e712802d26aa7ffdd",
    "Qwen3-4B/aime25": "977f56022b0cd225bd0233aff1f7b39740c45ec79693475ada8c766ee4097a3f",
    "Qwen3-8B/aime24": "be725bdacc64712088d5c947b9b869471ad659c8465c3e5b6e9ff5191bfd0128",
    "Qwen3-8B/aime25": "969bba7bb0276f66d421d069e078e20a9b3ff4a59977393a2733a97ca6e4566c",
}
"""The released files at `URL`, by model and benchmark."""

_BRANCHES, _INTERVAL_TOKENS = 128, 500
_MOST_BYTES = 2**26


class ReleasedOptions(Options):
    folder: Path | None = None
    """A directory with the released files, as MODEL/BENCHMARK.json. Unless it is given, that in
    the environment variable AUTOTTS_RELEASED_TRACES; without either, files are fetched."""


class ReleasedTraces(TraceSource):
    """The branches of four Qwen3 models on AIME that were released with the AutoTTS paper.

    Taken from a folder, or fetched from the repository zhengkid/AutoTTS by a pinned commit and
    kept in the cache directory. In either case a file is refused unless it is the released one.
    """

    name: ClassVar[str] = "released"
    summary: ClassVar[str] = "The traces released with the AutoTTS paper: Qwen3 on AIME"
    Options: ClassVar[type[Options]] = ReleasedOptions
    options: ReleasedOptions

    def check(self, request: StoreRequest) -> None:
        """Raise where nothing of the kind was released, or the folder lacks it."""
        if request.name not in SHA256:
            # Where nothing is near, the hint is the list.
            hints = dict.fromkeys(
                (nearest(request.name, SHA256), f"Known: {', '.join(sorted(SHA256))}.")
            )
            raise UnknownNameError(
                f"trace backend 'released' has no traces of {request.name}. {' '.join(hints)}"
            )
        for key, asked, released in (
            ("branches", request.branches, _BRANCHES),
            ("interval_tokens", request.interval_tokens, _INTERVAL_TOKENS),
        ):
            if asked != released:
                raise OptionError(
                    f"trace backend 'released': its traces have {key}: {released}, not {asked}."
                )
        folder = self._folder()
        if folder is not None and not _path(folder, request).is_file():
            raise StoreError(
                f"{_path(folder, request)}: no such file. The folder in {self._folder_named_by()} "
                "must hold the released files as MODEL/BENCHMARK.json; without a folder they are "
                "fetched."
            )

    def traces(self, request: StoreRequest) -> TraceSet:
        """The released file's traces; fetches it where there is no folder."""
        self.check(request)
        folder = self._folder()
        if folder is None:
            path = _kept(request)
        else:
            path = _path(folder, request)
            _refuse_other(request, path)
        return next(JsonImporter().read([path]))

    def originals(self, request: StoreRequest) -> Sequence[Path]:
        """The released file wherever it may be at hand: in a folder, or in the cache."""
        folders = (self.options.folder, _folder_in_environment(), _cache())
        paths = [_path(folder.expanduser(), request) for folder in folders if folder is not None]
        return [path for path in dict.fromkeys(paths) if path.exists()]

    def _folder(self) -> Path | None:
        folder = self.options.folder or _folder_in_environment()
        return folder.expanduser() if folder is not None else None

    def _folder_named_by(self) -> str:
        return "option 'folder'" if self.options.folder is not None else FOLDER_VARIABLE


def _folder_in_environment() -> Path | None:
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def _cache() -> Path:
    return cache_directory() / "released"


def _path(folder: Path, request: StoreRequest) -> Path:
    return folder / request.model / f"{request.benchmark}.json"


def _refuse_other(request: StoreRequest, path: Path) -> None:
    found = _sha256(_content(path))
    if found != SHA256[request.name]:
        raise StoreError(
            f"{path}: differs from the released file of {request.name}: its SHA-256 is {found}, "
            f"not {SHA256[request.name]}. Traces of your own become stores with "
            "`autotts traces import autotts-json`; recipes name those by 'path'."
        )


def _kept(request: StoreRequest) -> Path:
    """The file in the cache; fetched first unless it is there and undamaged."""
    path = _path(_cache(), request)
    if path.exists() and _sha256(_content(path)) == SHA256[request.name]:
        return path
    content = _fetched(request)
    try:
        write_atomically(path, content)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written: {error.strerror}. Name another directory for what is "
            "fetched with AUTOTTS_CACHE_DIR."
        ) from None
    return path


def _fetched(request: StoreRequest) -> bytes:
    base = os.environ.get(URL_VARIABLE) or URL
    url = f"{base.rstrip('/')}/{request.model}/{request.benchmark}.json"
    try:
        content = fetch(url, _MOST_BYTES)
    except StoreError as error:
        raise StoreError(
            f"{error} Where there is no network, put the released files into a folder as "
            "MODEL/BENCHMARK.json, and name it with the backend's option 'folder' or the "
            f"environment variable {FOLDER_VARIABLE}."
        ) from None
    found = _sha256(content)
    if found != SHA256[request.name]:
        raise StoreError(
            f"{url}: differs from the released file of {request.name}: the SHA-256 of the "
            f"{len(content)} bytes fetched is {found}, not {SHA256[request.name]}. Either they "
            f"were cut off on the way, or a proxy or the mirror in {URL_VARIABLE} gives another "
            "file."
        )
    return content


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}.") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
