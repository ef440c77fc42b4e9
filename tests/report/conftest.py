"""A small run with its report, and a browser to read it with."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

RECIPE = """\
stores:
  - backend: simulated
    models: [sim-small, sim-large]
    benchmarks: [sim, other]
    branches: 24
    options: {questions: 8}
search: ["*/sim"]
held_out: ["*/other"]
explorer:
  name: random-search
  options: {candidates: 6, structures: 1, evaluations: 12, folds: 2}
rounds: 2
seed: 1
betas: [0, 0.5, 1]
seeds: 4
baselines: ["self-consistency:branches=1,4,16", "asc:max_branches=8,16", cmc]
selection: {folds: 2}
"""

Autotts = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def autotts() -> Autotts:
    """Runs `autotts` in a directory, as a process of its own."""

    def run(directory: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "autotts_core", *map(str, arguments)],
            cwd=directory,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=900,
        )

    return run


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, autotts: Autotts) -> Path:
    """The directory of a finished run, with what `autotts run` leaves in it: do not change it."""
    # One for all processes that share the tests.
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    directory = root / "report-of-a-small-run"
    with (root / "report.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "run" / "report.html").exists():
            directory.mkdir(exist_ok=True)
            (directory / "small.yaml").write_text(RECIPE, encoding="utf-8")
            done = autotts(directory, "run", "small.yaml", "--out", "run")
            assert done.returncode == 0, done.stderr
    return directory / "run"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, as the system has it; its event loop is in the way of others' for as long."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no browser to read reports with: none of {', '.join(names)} is installed")
    with sync_playwright() as playwright:
        # The sandbox wants a user other than root, and nothing here comes from a network.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page, and everything that it should not have done."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def rows(self, table: str, scope: str = "") -> list[list[list[Any]]]:
        """The body of a table: for each cell its text, then value and text of its numbers."""
        found: list[list[list[Any]]] = self.page.evaluate(
            """selector => [...document.querySelector(selector).tBodies[0].rows].map(row =>
              [...row.cells].map(cell => [cell.textContent.trim().replace(/\\s+/g, " "),
                ...[...cell.querySelectorAll("data")].map(d => [Number(d.value), d.textContent])]))
            """,
            f'{scope} table[data-table="{table}"]',
        )
        return found

    def see(self, selector: str) -> None:
        """Scroll to what `selector` finds."""
        self.page.locator(selector).first.scroll_into_view_if_needed()

    def data(self) -> Any:
        """What the page's code draws from."""
        return self.page.evaluate("JSON.parse(document.getElementById('report-data').textContent)")


Open = Callable[..., Opened]


Opening = Callable[[], AbstractContextManager[Open]]


@pytest.fixture(scope="module")
def opening(browser: Browser) -> Opening:
    """What opens files without network; no page may complain, or ask for anything."""
    return contextmanager(partial(_opening, browser))


@pytest.fixture
def open_report(opening: Opening) -> Iterator[Open]:
    """Opens a file for one test; see `opening`."""
    with opening() as open_file:
        yield open_file


def _opening(browser: Browser) -> Iterator[Open]:
    opened: list[Opened] = []
    contexts: list[BrowserContext] = []

    def open_file(path: Path, **options: Any) -> Opened:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(offline=True, **options)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        each = Opened(context.new_page())
        opened.append(each)
        address = path.resolve().as_uri()

        def asked(url: str) -> None:
            if url.partition("#")[0] != address and not url.startswith(("data:", "blob:")):
                each.complaints.append(f"asked for {url[:200]}")

        each.page.on("console", lambda message: each.complaints.append(message.text))
        each.page.on("pageerror", lambda error: each.complaints.append(str(error)))
        each.page.on("dialog", lambda dialog: each.complaints.append(f"dialog {dialog.message}"))
        each.page.on("request", lambda request: asked(request.url))
        each.page.goto(address)
        each.page.wait_for_selector("html[data-plotted]")
        each.page.add_style_tag(content="html { scroll-behavior: auto !important; }")
        return each

    yield open_file
    for each in opened:
        assert each.complaints == []
    for context in contexts:
        context.close()
