"""`report.html`: one file that holds everything it shows, and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autotts_core import __version__
from autotts_core.report.run_section import RunSection
from autotts_core.visible_text import visible_lines

SCRIPTS = (
    "format.js",
    "dom.js",
    "player.js",
    "plots.js",
    "frontiers.js",
    "trajectory.js",
    "questions.js",
    "episode_view.js",
    "page.js",
)
"""The page's own code, in the order in which it is put together."""

_LONGEST_TEXT = 20_000
_UNSAFE_IN_SCRIPTS = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def render(sections: Sequence[RunSection]) -> str:
    """The page of one run, or of several that are compared."""
    assets = files("autotts_core.report") / "assets"
    library = _plotly()
    code = "\n".join((assets / name).read_text(encoding="utf-8") for name in SCRIPTS)
    own = f'"use strict";\n(() => {{\n{code}\n}})();\n'
    payload = {"runs": [section.payload for section in sections]}
    return (
        environment()
        .get_template("report.html.jinja")
        .render(
            sections=sections,
            version=__version__,
            policy=_policy([library.code, own]),
            style=Markup((assets / "report.css").read_text(encoding="utf-8")),
            payload=Markup(embedded_json(payload)),
            library=library,
            library_code=Markup(library.code),
            script=Markup(own),
        )
    )


def environment() -> Environment:
    """Templates in which everything is escaped, and visible, unless it is markup."""
    found = Environment(
        loader=PackageLoader("autotts_core.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["number"] = number
    return found


def _shown(value: Any) -> Any:
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return visible_lines(value, _LONGEST_TEXT) if plain else value


def number(value: float, form: str) -> Markup:
    """`value` written in `form`, with its full precision for programs."""
    text = format(value, form).replace("-", "\N{MINUS SIGN}")
    return Markup('<data value="{}">{}</data>').format(repr(value), text)


def embedded_json(value: Any) -> str:
    """JSON that can stand in a `script` element, whatever its strings hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_UNSAFE_IN_SCRIPTS)


def _policy(scripts: Sequence[str]) -> str:
    """A content security policy under which these scripts run, and nothing is loaded or sent."""
    hashes = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts)
    rules: Mapping[str, str] = {
        "default-src": "'none'",
        "script-src": " ".join(f"'sha256-{each}'" for each in hashes),
        # The plotting library styles what it draws.
        "style-src": "'unsafe-inline'",
        # Saving a plot as a picture draws it from memory.
        "img-src": "data: blob:",
        "form-action": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{key} {value}" for key, value in rules.items())


@dataclass(frozen=True)
class _Library:
    name: str
    code: str
    licence: str


def _plotly() -> _Library:
    """The plotting library, from the installed package; importing that would take long."""
    package = distribution("plotly")
    path = Path(str(package.locate_file("plotly/package_data/plotly.min.js")))
    code = path.read_text(encoding="utf-8")
    licence = package.read_text("licenses/LICENSE.txt") or "MIT"
    return _Library(f"plotly.js, from plotly {package.version}", code, licence)
