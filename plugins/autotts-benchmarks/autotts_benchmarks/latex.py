"""Bringing an answer's text to one form: white space, LaTeX spelling, Unicode, wrappers.

Everything here takes time in proportion to the answer's length and evaluates nothing.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 2000
"""Characters. A longer string is no answer: it is a piece of reasoning, or an attack."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ", "0123456789-n")
_CHARACTERS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-",
    "×": r"\cdot ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "÷": r"\div ",
    "π": r"\pi ", "∞": r"\infty ", "∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ",
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "±": r"\pm ", "∓": r"\mp ", "∈": r"\in ",
    "°": r"^{\circ}", "√": r"\sqrt", "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "⁄": "/", "∕": "/",
    "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"', "…": r"\ldots ",
    "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "θ": r"\theta ", "λ": r"\lambda ",
    "φ": r"\phi ", "ω": r"\omega ", "，": ",", "（": "(", "）": ")",
}  # fmt: skip
_CHARACTER = re.compile("|".join(map(re.escape, _CHARACTERS)))
_COMMANDS = (
    # Sizes, spaces and styles say nothing.
    (r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\.?", ""),
    (r"\\(?:displaystyle|textstyle|limits|nolimits|rm|bf|it)(?![a-zA-Z])", " "),
    (r"(?<!\\)\\[,;:!]|\\(?:quad|qquad|thinspace|enspace|hspace\{[^{}]*\})(?![a-zA-Z])|~", " "),
    (r"(?<!\\)\\ ", " "),
    (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
    (r"\\[dt]binom(?![a-zA-Z])", r"\\binom"),
    (r"\\(?:times|ast|bullet)(?![a-zA-Z])|\*(?!\*)", r"\\cdot "),
    (r"\\leq(?:slant)?(?![a-zA-Z])", r"\\le "),
    (r"\\geq(?:slant)?(?![a-zA-Z])", r"\\ge "),
    (r"\\neq(?![a-zA-Z])", r"\\ne "),
    (r"\\lt(?![a-zA-Z])", "<"),
    (r"\\gt(?![a-zA-Z])", ">"),
    (r"\\(?:lbrace|\{)(?![a-zA-Z])", r"\\{"),
    (r"\\(?:rbrace|\})(?![a-zA-Z])", r"\\}"),
    (r"\\(?:mid|vert)(?![a-zA-Z])", "|"),
    (r"\\(?:lvert|rvert)(?![a-zA-Z])", "|"),
    (r"\\(?:varnothing)(?![a-zA-Z])", r"\\emptyset "),
    (r"\^\s*\{?\s*\\(?:circ|degree)\s*\}?|\\degree(?![a-zA-Z])", r"\\degree "),
    (r"\\(?:dots|cdots)(?![a-zA-Z])", r"\\ldots "),
    (r"\\(?:mathrm|mathbf|mathit|mathsf|mathbb|boldsymbol|bm|mbox|textbf|textit|textrm|texttt"
     r"|operatorname)\s*\{", r"\\text{"),
    (r"\\?\$|(?<!\\)\\[()\[\]]", " "),
    (r"\{,\}", ","),
    (r"\\%|\\text\{\s*(?:%|\\%|percent)\s*\}", "%"),
    (r"\*\*", "^"),
)  # fmt: skip
_RULES = [(re.compile(pattern), replacement) for pattern, replacement in _COMMANDS]
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,]*,?\d)")
_TIGHT = re.compile(r"(?<=\d)(?:\{,\}|\\!,\\!|,\\!|\\,|\\!)(?=\d{3}(?!\d))")
_SPACES = re.compile(r"\s+")


def canonical(answer: str) -> str | None:
    """The answer in one spelling, on one line; None for what cannot be an answer.

    None for a string that is empty, too long, or cut off: whose braces do not match.
    """
    if len(answer) > LONGEST:
        return None
    text = _TIGHT.sub("", answer)
    text = re.sub(
        r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ]+", lambda run: "^{" + run[0].translate(_SUPERSCRIPTS) + "}", text
    )
    text = _CHARACTER.sub(lambda found: _CHARACTERS[found[0]], text)
    text = unicodedata.normalize("NFKC", text)
    # Control and format characters, right-to-left marks among them, are not seen by anybody.
    text = "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    if len(text) > 4 * LONGEST:
        return None
    text = _unboxed(text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _SPACES.sub(" ", text).strip()
    text = re.sub(r"(?<=\w|\}|\)|\]|%)\s*[.,;:]+$", "", text).strip()
    text = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text)
    if not text or not balanced(text):
        return None
    while text.startswith("{") and _closing(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    return text or None


def _unboxed(text: str) -> str:
    """What is in the last `\\boxed{...}`, where there is one."""
    for command in (r"\boxed", r"\fbox"):
        start = text.rfind(command)
        if start >= 0:
            opening = text.find("{", start)
            closing = _closing(text, opening) if opening >= 0 else -1
            if closing >= 0:
                return text[opening + 1 : closing]
    return text


def balanced(text: str) -> bool:
    """Whether every brace is closed: a string that was cut off leaves one open."""
    depth = 0
    escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0 and not escaped


def _closing(text: str, opening: int) -> int:
    """Where the group that opens at `opening` closes; -1 where it does not."""
    depth = 0
    position = opening
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if not depth:
                return position
        position += 1
    return -1


def split(text: str, separators: tuple[str, ...]) -> list[str]:
    """`text` cut at each of `separators` that stands outside of all brackets."""
    parts = []
    depth = 0
    start = position = 0
    while position < len(text):
        if depth == 0:
            found = next((each for each in separators if text.startswith(each, position)), None)
            if found is not None:
                parts.append(text[start:position].strip())
                position += len(found)
                start = position
                continue
        char = text[position]
        if char == "\\" and text[position + 1 : position + 2] in ("{", "}"):
            depth += 1 if text[position + 1] == "{" else -1
            position += 1
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        position += 1
    parts.append(text[start:].strip())
    return parts
