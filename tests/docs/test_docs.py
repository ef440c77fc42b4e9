"""The documentation is true: its commands run, its output is what they print, its links lead on.

Each page's blocks run in order, in a directory of the page's own:

* `bash` blocks by bash, with the commands of this environment first on the path; installing is
  taken as done, so `pip install uv && uv run X` runs `X`;
* `python` blocks that begin with `# name.py`, and `toml` and `yaml` blocks likewise, are written
  to that file, other `python` blocks are run;
* a `text` block says what the block before it prints: each of its lines without `...` must be
  how a line of the output begins, in order. White space does not count, and numbers may be a
  hundredth off, for simulated traces hang on the last bits of floating-point functions.

`<!-- needs: shared -->` before a block skips it where there are no published traces, with
`slow` or `long` it runs with those tests only; with any other word it is skipped always.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from _pytest.mark.structures import ParameterSet

from autotts_core import hookspecs
from autotts_core.testing import install_distribution

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TRACES = ROOT.parent / "shared" / "data" / "traces"
REFERENCE = ROOT.parent / "shared" / "data" / "reference.md"

PAGES = [
    ROOT / "README.md",
    DOCS / "tutorial.md",
    *sorted((DOCS / "how-to").glob("*.md")),
    *sorted((DOCS / "explanation").glob("*.md")),
]
EVERY_PAGE = [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *ROOT.glob("plugins/*/README.md")]

FENCE = re.compile(
    r"(?:<!-- needs: (?P<needs>[\w-]+) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FILE = re.compile(r"# (?P<name>[\w./-]+\.(?:py|toml|yaml))\n")
INSTALLS = re.compile(r"^uv pip install (?P<directory>\./\S+)$", re.MULTILINE)
NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, with the output that the page gives for it."""

    page: Path
    line: int
    language: str
    text: str
    needs: str | None
    expected: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    fences = list(FENCE.finditer(text))
    blocks = []
    for fence, after in zip(fences, [*fences[1:], None], strict=False):
        if fence["language"] not in ("bash", "python", "toml", "yaml"):
            continue
        expected = after["text"] if after and after["language"] == "text" else ""
        line = text.count("\n", 0, fence.start("language")) + 1
        blocks.append(Block(page, line, fence["language"], fence["text"], fence["needs"], expected))
    return blocks


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


@pytest.fixture(scope="module")
def place_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The directory in which a page's blocks run."""
    places: dict[Path, Path] = {}

    def place(page: Path) -> Path:
        if page not in places:
            places[page] = tmp_path_factory.mktemp(page.stem)
            (places[page] / "recipes").symlink_to(ROOT / "recipes")
            if TRACES.is_dir():
                (places[page] / "released").symlink_to(TRACES)
        return places[page]

    return place


def marked(block: Block) -> ParameterSet:
    marks = [getattr(pytest.mark, block.needs)] if block.needs in ("slow", "long") else []
    return pytest.param(block, marks=marks, id=str(block))


@pytest.mark.parametrize("block", [marked(block) for block in BLOCKS])
def test_block(block: Block, place_of: Callable[[Path], Path]) -> None:
    if block.needs == "shared" and not TRACES.is_dir():
        pytest.skip(f"{block}: the published traces are not here: no directory {TRACES}")
    if block.needs == "long" and "released" in block.text and not TRACES.is_dir():
        pytest.skip(f"{block}: the published traces are not here: no directory {TRACES}")
    if block.needs not in (None, "shared", "slow", "long"):
        pytest.skip(f"{block}: needs {block.needs}")
    place = place_of(block.page)
    named = FILE.match(block.text)
    if named:
        path = place / named["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    elif block.language == "yaml":
        yaml.safe_load(block.text)
    elif block.language == "toml":
        tomllib.loads(block.text)
    else:
        printed = run(block, place)
        missing = first_line_not_printed(block.expected, printed)
        assert missing is None, f"{block}: {missing!r} is not what is printed:\n{printed}"


def run(block: Block, place: Path) -> str:
    if block.language == "python":
        command = [sys.executable, "-c", block.text]
    else:
        script = block.text.replace("pip install uv && ", "").replace("uv run ", "")
        script = INSTALLS.sub(lambda found: install(place, found["directory"]), script)
        command = ["bash", "-euo", "pipefail", "-c", script]
    unwanted = ("COLUMNS", "PYTHONDONTWRITEBYTECODE")
    clean = {key: value for key, value in os.environ.items() if key not in unwanted}
    done = subprocess.run(
        command,
        cwd=place,
        env=clean
        | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(place / "installed"),
            "PYTHONIOENCODING": "utf-8",
            # Half of a warm start is compiling modules, where that is not kept.
            "PYTHONPYCACHEPREFIX": str(place.parent / "bytecode"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=2400 if block.needs in ("slow", "long") else 300,
    )
    assert done.returncode == 0, f"{block} exits with {done.returncode}:\n{done.stdout}"
    return done.stdout


def install(place: Path, directory: str) -> str:
    """Install a plugin's directory for the page's later blocks, without network or pip."""
    source = place / directory
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install_distribution(
        place / "installed",
        project["name"],
        project["version"],
        files={
            str(path.relative_to(source)): path.read_text(encoding="utf-8")
            for path in source.rglob("*.py")
        },
        entry_points=project["entry-points"]["autotts"],
    )
    return f"echo {shlex.quote(project['name'])} is installed"


def first_line_not_printed(expected: str, printed: str) -> str | None:
    """The first line of `expected` that `printed` lacks, None when all are there in order."""
    lines = iter(printed.splitlines())
    for line in expected.splitlines():
        if line.strip() and "..." not in line and not any(begins(real, line) for real in lines):
            return line
    return None


def begins(line: str, start: str) -> bool:
    words = line.split()
    wanted = start.split()
    return len(words) >= len(wanted) and all(map(agree, words, wanted))


def agree(word: str, wanted: str) -> bool:
    if word == wanted:
        return True
    if not (NUMBER.fullmatch(word) and NUMBER.fullmatch(wanted)):
        return False
    a, b = (float(text.replace(",", "")) for text in (word, wanted))
    return abs(a - b) <= max(0.2, 0.01 * abs(b))


def test_output_is_compared_by_the_beginnings_of_lines() -> None:
    printed = "\ntitle: 30 questions\n\n  asc   80.33   203,049   91 % sure\n  cmc   83.60\n"
    assert first_line_not_printed("title: 30\n...\nasc 80.3 203,100\n cmc\n", printed) is None
    assert first_line_not_printed("cmc 83.60\nasc 80.33\n", printed) == "asc 80.33"
    assert first_line_not_printed("asc 79.33\n", printed) == "asc 79.33"


def test_the_generated_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_stale_reference_is_found(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    for path in ROOT.glob("plugins/*/pyproject.toml"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True)
        shutil.copy(path, copy)
    page = tmp_path / "docs" / "reference" / "voting.md"
    page.write_text(page.read_text(encoding="utf-8").replace("majority", "minority"))
    generate: list[str | Path] = [sys.executable, tmp_path / "docs" / "generate.py"]
    stale = subprocess.run([*generate, "--check"], capture_output=True, encoding="utf-8")
    assert stale.returncode == 1
    assert "+## `majority`" in stale.stdout
    subprocess.run(generate, check=True)
    assert page.read_bytes() == (DOCS / "reference" / "voting.md").read_bytes()


def test_every_hook_has_a_heading() -> None:
    headings = set(re.findall(r"^## `(\w+)`$", (DOCS / "reference/hooks.md").read_text(), re.M))
    hooks = {name for name in vars(hookspecs) if name.startswith("autotts_")}
    assert headings == hooks


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.relative_to(ROOT)}: {target} leads nowhere"
        if anchor:
            assert anchor in anchors(file), (
                f"{page.relative_to(ROOT)}: {target} has no such heading"
            )


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        if page.name != "index.md":
            assert f"]({page.relative_to(DOCS).as_posix()})" in index


@pytest.mark.skipif(not REFERENCE.is_file(), reason=f"no reference numbers: no file {REFERENCE}")
def test_reference_numbers_are_copied_right() -> None:
    page = (DOCS / "explanation" / "controllers.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:ASC|ESC|CMC|Parallel-Probe),.*\|$", REFERENCE.read_text(), re.M)
    assert len(rows) == 10
    for row in rows:
        assert row in page
