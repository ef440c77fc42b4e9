"""The trace backend `released`, with files of our own in the place of the released ones."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from autotts_json import released
from autotts_json.released import FOLDER_VARIABLE, URL_VARIABLE, ReleasedTraces

from autotts_core.collection import collect_store
from autotts_core.errors import AutoTTSError, OptionError, StoreError, UnknownNameError
from autotts_core.plugins import registry
from autotts_core.store import ReplayStore, check_store
from autotts_core.trace_backend import StoreRequest
from autotts_core.traces import BranchTrace

PINNED = released.SHA256
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "traces"

REQUEST = StoreRequest("Tiny-1B", "toy24", branches=128, interval_tokens=500, seed=0)
CONTENT = json.dumps(
    [
        {
            "question": "What is 6 x 7?",
            "gold_answer": "42",
            "probe_freq": 500,
            "each_branch": [[["41", "42"], 1000 + n, "42"] for n in range(128)],
            "final_answers_trace": ["42"] * 128,
        }
    ]
).encode()
Answer = Callable[[BaseHTTPRequestHandler], None]


class Mirror:
    """A web server that gives CONTENT unless told otherwise, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Answer = send(CONTENT)
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path)
                mirror.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


def send(content: bytes, status: int = 200, length: int | None = None) -> Answer:
    """An answer of `content` under a header that promises `length` bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def cut_without_length(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(CONTENT[:100])


def put(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / REQUEST.model / f"{REQUEST.benchmark}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def _pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released, "SHA256", {REQUEST.name: hashlib.sha256(CONTENT).hexdigest()})
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTTS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "released"


@pytest.fixture(autouse=True)
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    mirror = Mirror()
    thread = threading.Thread(target=mirror.server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv(URL_VARIABLE, f"{mirror.address}/files/")
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()
    thread.join()


def test_plugin_offers_the_backend() -> None:
    assert registry().get("trace backend", "released") is ReleasedTraces


def test_all_of_the_released_files_are_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released, "SHA256", PINNED)
    for model in ("Qwen3-0.6B", "Qwen3-1.7B", "Qwen3-4B", "Qwen3-8B"):
        for benchmark in ("aime24", "aime25"):
            ReleasedTraces().check(replace(REQUEST, model=model, benchmark=benchmark))
    assert len(PINNED) == 8


# ---- fetching -----------------------------------------------------------------------------


def test_fetches_once_and_keeps(mirror: Mirror, cache: Path) -> None:
    backend = ReleasedTraces()
    backend.check(REQUEST)
    assert mirror.asked == []
    assert list(backend.originals(REQUEST)) == []
    traces = backend.traces(REQUEST)
    assert mirror.asked == ["/files/Tiny-1B/toy24.json"]
    assert traces.questions[0].branches[127] == BranchTrace(["41", "42"], 1127, "42")
    assert (traces.model, traces.benchmark, traces.source) == (
        "Tiny-1B",
        "toy24",
        "Tiny-1B/toy24.json",
    )
    kept = cache / "Tiny-1B" / "toy24.json"
    assert files_below(cache) == [kept]
    assert kept.read_bytes() == CONTENT
    assert list(backend.originals(REQUEST)) == [kept]
    assert backend.traces(REQUEST) == traces
    assert len(mirror.asked) == 1


def test_damaged_file_in_the_cache_is_fetched_again(mirror: Mirror, cache: Path) -> None:
    put(cache, CONTENT[:-1])
    ReleasedTraces().traces(REQUEST)
    assert len(mirror.asked) == 1
    assert (cache / "Tiny-1B" / "toy24.json").read_bytes() == CONTENT


def test_collects_a_store(tmp_path: Path) -> None:
    store = collect_store(ReleasedTraces(), REQUEST, tmp_path / "stores")
    assert check_store(store) == []
    assert ReplayStore.open(store).name == "Tiny-1B/toy24"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (send(b"[]"), r"differs from the released file of Tiny-1B/toy24: the SHA-256 of the 2 "),
        (cut_without_length, r"of the 100 bytes fetched is .* cut off on the way"),
        (send(CONTENT[:100], length=len(CONTENT)), r"cannot be fetched: peer closed connection"),
        (send(b"gone", 404), r"cannot be fetched: the server answers 404 Not Found\."),
        (send(b"", 503), r"cannot be fetched: the server answers 503 Service Unavailable\."),
        (lambda handler: None, r"cannot be fetched: Server disconnected without"),
    ],
)
def test_failed_fetch_leaves_nothing(
    mirror: Mirror, cache: Path, tmp_path: Path, answer: Answer, message: str
) -> None:
    mirror.answer = answer
    with pytest.raises(StoreError, match=message) as error:
        ReleasedTraces().traces(REQUEST)
    assert str(error.value).startswith(f"{mirror.address}/files/Tiny-1B/toy24.json: ")
    assert list(tmp_path.iterdir()) == []
    mirror.answer = send(CONTENT)
    ReleasedTraces().traces(REQUEST)
    assert files_below(cache) == [cache / "Tiny-1B" / "toy24.json"]


def test_too_large_a_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(released, "_MOST_BYTES", 100)
    with pytest.raises(StoreError, match="is larger than 100 bytes"):
        ReleasedTraces().traces(REQUEST)
    assert list(tmp_path.iterdir()) == []


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but not listening
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv(URL_VARIABLE, address)
        with pytest.raises(StoreError, match=r"cannot be fetched: .*refused") as error:
            ReleasedTraces().traces(REQUEST)
    assert str(error.value).endswith(
        "Where there is no network, put the released files into a folder as MODEL/BENCHMARK.json, "
        "and name it with the backend's option 'folder' or the environment variable "
        "AUTOTTS_RELEASED_TRACES."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["nowhere", "http://[", "http://127.0.0.1:nine"])
def test_mirror_that_is_no_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(URL_VARIABLE, address)
    with pytest.raises(StoreError, match=r"toy24\.json: cannot be fetched: "):
        ReleasedTraces().traces(REQUEST)


def test_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch, mirror: Mirror) -> None:
    monkeypatch.setenv("HTTP_PROXY", mirror.address)
    monkeypatch.setenv(URL_VARIABLE, "http://mirror.invalid")
    ReleasedTraces().traces(REQUEST)
    assert mirror.asked == ["http://mirror.invalid/Tiny-1B/toy24.json"]


@pytest.mark.parametrize("proxy", ["what://127.0.0.1", "socks5://127.0.0.1:1"])
def test_unusable_proxy(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(StoreError, match=r"toy24\.json: cannot be fetched: "):
        ReleasedTraces().traces(REQUEST)


def test_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(StoreError, match=r"toy24\.json: cannot be written: .*AUTOTTS_CACHE_DIR"):
        ReleasedTraces().traces(REQUEST)


# ---- folders ------------------------------------------------------------------------------


def test_folder_is_the_options_else_the_environments(
    monkeypatch: pytest.MonkeyPatch, mirror: Mirror, tmp_path: Path
) -> None:
    one, two = put(tmp_path / "one"), put(tmp_path / "two")
    named = ReleasedTraces.configure({"folder": str(tmp_path / "one")})
    unnamed = ReleasedTraces()
    assert list(named.originals(REQUEST)) == [one]
    assert list(unnamed.originals(REQUEST)) == []
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "two"))
    assert list(named.originals(REQUEST)) == [one, two]
    assert list(unnamed.originals(REQUEST)) == [two]
    for backend in (named, unnamed):
        backend.check(REQUEST)
        assert backend.traces(REQUEST).source == "Tiny-1B/toy24.json"
    two.unlink()
    named.check(REQUEST)
    with pytest.raises(
        StoreError, match=r"two/Tiny-1B/toy24\.json: no such file\. .*in AUTOTTS_RELEASED_TRACES"
    ):
        unnamed.check(REQUEST)
    one.unlink()
    for act in (named.check, named.traces):
        with pytest.raises(
            StoreError, match=r"one/Tiny-1B/toy24\.json: no such file\. .*in option 'folder'"
        ):
            act(REQUEST)
    assert mirror.asked == []


def test_home_and_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mirror: Mirror
) -> None:
    put(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for folder in ("~/here", "here"):
        backend = ReleasedTraces.configure({"folder": folder})
        backend.check(REQUEST)
        assert len(backend.traces(REQUEST).questions) == 1
        assert [path.is_file() for path in backend.originals(REQUEST)] == [True]
    assert mirror.asked == []


def test_folder_with_other_content(tmp_path: Path, mirror: Mirror) -> None:
    put(tmp_path / "mine", CONTENT + b"\n")
    backend = ReleasedTraces.configure({"folder": str(tmp_path / "mine")})
    backend.check(REQUEST)
    with pytest.raises(
        StoreError,
        match=r"mine/Tiny-1B/toy24\.json: differs from .* `autotts traces import autotts-json`",
    ):
        backend.traces(REQUEST)
    assert mirror.asked == []


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the released traces are not in {SHARED}")
def test_released_files(monkeypatch: pytest.MonkeyPatch, mirror: Mirror) -> None:
    monkeypatch.setattr(released, "SHA256", PINNED)
    backend = ReleasedTraces.configure({"folder": str(SHARED)})
    for name, sha256 in PINNED.items():
        model, benchmark = name.split("/")
        request = replace(REQUEST, model=model, benchmark=benchmark)
        backend.check(request)
        traces = backend.traces(request)
        assert traces.source_sha256 == sha256
        assert traces.interval_tokens == 500
        assert [len(question.branches) for question in traces.questions] == [128] * 30
    assert mirror.asked == []


# ---- requests that were never released ----------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (
            replace(REQUEST, benchmark="toy25"),
            UnknownNameError,
            "'released' has no traces of Tiny-1B/toy25. Did you mean 'Tiny-1B/toy24'? "
            "Known: Tiny-1B/toy24.",
        ),
        (
            replace(REQUEST, model="gpt", benchmark="mmlu"),
            UnknownNameError,
            "'released' has no traces of gpt/mmlu. Known: Tiny-1B/toy24.",
        ),
        (
            replace(REQUEST, branches=64),
            OptionError,
            "'released': its traces have branches: 128, not 64.",
        ),
        (
            replace(REQUEST, interval_tokens=250),
            OptionError,
            "'released': its traces have interval_tokens: 500, not 250.",
        ),
    ],
)
def test_refuses_what_was_not_released(
    mirror: Mirror, request_: StoreRequest, error: type[AutoTTSError], message: str
) -> None:
    for act in (ReleasedTraces().check, ReleasedTraces().traces):
        with pytest.raises(error) as raised:
            act(request_)
        assert str(raised.value) == f"trace backend {message}"
    assert mirror.asked == []


def test_importing_and_checking_imports_nothing_heavy() -> None:
    code = (
        "import sys, autotts_json\n"
        "light = {'pydantic', 'httpx', 'numpy', 'pyarrow', 'numba'} & {*sys.modules}\n"
        "from autotts_core.trace_backend import StoreRequest\n"
        "[cls] = autotts_json.autotts_register_trace_backends()\n"
        "cls().check(StoreRequest('Qwen3-4B', 'aime24', 128, 500, 0))\n"
        "print(light, {'httpx', 'numpy', 'pyarrow', 'numba'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set() set()"
