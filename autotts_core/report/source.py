"""A controller's source as HTML, and what changed from one to the next."""

import difflib

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autotts_core.visible_text import visible_lines

_LONGEST = 100_000
_CONTEXT = 3
_CHANGES = {"+": "added", "-": "removed", "@": "place"}


def highlighted(source: str) -> Markup:
    """`source` with a `span` for each line, coloured by token classes; its text is escaped."""
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    coloured = highlight(visible_lines(source, _LONGEST), lexer, HtmlFormatter(nowrap=True))
    # Pygments ends every token at the end of a line, so that lines can be taken apart.
    lines = (Markup('<span class="line">{}</span>').format(Markup(x)) for x in coloured.split("\n"))
    return Markup("\n").join(lines)


def difference(before: str, after: str) -> Markup | None:
    """A unified diff with a `span` for each line; None where nothing changed."""
    old, new = (visible_lines(text, _LONGEST).splitlines() for text in (before, after))
    lines = list(difflib.unified_diff(old, new, n=_CONTEXT, lineterm=""))[2:]
    if not lines:
        return None
    return Markup("\n").join(
        Markup('<span class="line {}">{}</span>').format(_CHANGES.get(line[:1], ""), escape(line))
        for line in lines
    )
