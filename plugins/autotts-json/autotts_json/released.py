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
from autotts_json.importer import JsonImporter

FOLDER_VARIABLE = "AUTOTTS_RELEASED_TRACES"
URL_VARIABLE = "AUTOTTS_RELEASED_URL"

COMMIT = "6daad631d3a62406910f5e3cf81bc395f8098622"
URL = (
    f"https://raw.githubusercontent.com/zhengkid/AutoTTS/{COMMIT}"
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
"""The released files by model and benchmark, as of COMMIT."""

_BRANCHES, _INTERVAL_TOKENS = 128, 500
_TIMEOUT_SECONDS = 60.0


class ReleasedOptions(Options):
    folder: Path | None = None
    """A directory with the released files, as MODEL/BENCHMARK.json. Unless it is given, that
    in the environment variable AUTOTTS_RELEASED_TRACES; without either, files are fetched."""


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
            raise UnknownNameError(
                f"No traces of {request.name} were released. {nearest(request.name, SHA256)}"
            )
        for key, asked, released in (
            ("branches", request.branches, _BRANCHES),
            ("interval_tokens", request.interval_tokens, _INTERVAL_TOKENS),
        ):
            if asked != released:
                raise OptionError(f"The released traces have {key}: {released}, not {asked}.")
        folder = self._folder()
        if folder is not None and not _path(folder, request).is_file():
            raise StoreError(
                f"{_path(folder, request)}: there is no such file. The folder has to hold the "
                f"released files as MODEL/BENCHMARK.json; without a folder they are fetched."
            )

    def traces(self, request: StoreRequest) -> TraceSet:
        """The released file's traces; fetches it where there is no folder."""
        self.check(request)
        folder = self._folder()
        path = _path(_kept() if folder is None else folder, request)
        if folder is None and not path.exists():
            _fetch(request, path)
        _verify(request, path.read_bytes(), str(path))
        return next(JsonImporter().read([path]))

    def originals(self, request: StoreRequest) -> Sequence[Path]:
        """The files from which the traces are, or were, taken."""
        folders = [_kept(), self._folder()]
        paths = [_path(folder, request) for folder in folders if folder is not None]
        return [path for path in paths if path.exists()]

    def _folder(self) -> Path | None:
        if self.options.folder is not None:
            return self.options.folder.expanduser()
        named = os.environ.get(FOLDER_VARIABLE)
        return Path(named) if named else None


def _kept() -> Path:
    return cache_directory() / "released" / COMMIT


def _path(folder: Path, request: StoreRequest) -> Path:
    return folder / request.model / f"{request.benchmark}.json"


def _verify(request: StoreRequest, content: bytes, origin: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[request.name]:
        raise StoreError(
            f"{origin}: is not the released file of {request.name}: its SHA-256 is {found}, not "
            f"{SHA256[request.name]}. Traces of your own become stores with "
            "`autotts traces import autotts-json`, and recipes name those by 'path'."
        )


def _fetch(request: StoreRequest, path: Path) -> None:
    import httpx

    base = os.environ.get(URL_VARIABLE, URL).rstrip("/")
    url = f"{base}/{request.model}/{request.benchmark}.json"
    try:
        response = httpx.get(url, timeout=_TIMEOUT_SECONDS, follow_redirects=True)
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise StoreError(
            f"{url}: cannot be fetched ({error or type(error).__name__}). Where there is no "
            "network, put the released files into a folder as MODEL/BENCHMARK.json, and name it "
            f"with the backend's option 'folder' or the variable {FOLDER_VARIABLE}."
        ) from None
    _verify(request, response.content, url)
    write_atomically(path, response.content)
