"""The key of a whole answer: sets, intervals, tuples, lists, equations, and text around scalars.

The brackets, commas and signs outside of all brackets say what an answer is made of. What is
left are scalars, whose keys come from a function that is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from autotts_benchmarks.latex import split
from autotts_benchmarks.value import NotReadError, TooLargeError, evaluate, has_words, number_key

ScalarKey = Callable[[str, int], str]
"""The key of a scalar's text for sample number 0 or 1 of its variables' values."""

_TEXT = re.compile(r"\\text\s*\{([^{}]*)\}")
_LETTERS = re.compile(r"[^\w+-]+")
_VARIABLE = r"\\?[a-zA-Z]+(?:_(?:\w|\{\w+\}))?'?"
_TO_BE_FOUND = re.compile(rf"{_VARIABLE}(?:\s*\([^()]*\))?")
_UNITS = (
    r"degrees?|minutes?|seconds?|hours?|hrs?|mins?|days?|weeks?|months?|years?|units?|dollars?|"
    r"cents?|inch|inches|feet|foot|ft|in|meters?|metres?|miles?|yards?|cm|mm|km|m|kg|g|grams?|"
    r"liters?|litres?|ml|mph|square|cubic|sq|people|persons?|students?|ways?|points?|times|"
    r"pounds?|lbs?|ounces?|oz|gallons?|bits?|bytes?|apples?|books?|cups?|pages?|km/h|m/s|"
    r"radians?|rad|deg"
)
_UNIT = re.compile(
    rf"(?<=[\d\s)}}])\s*(?:(?:per\s+)?(?:{_UNITS})\.?(?:\s*\^\s*\{{?[23]\}}?)?\s*)+$"
)
_UNIT_TEXT = re.compile(r"\s*\\text\s*\{[^{}]*\}\s*(?:\^\s*(?:\{\s*-?\d\s*\}|\d))?$")
_MATRIX = re.compile(r"\\begin\{([pbvB]?matrix|array)\}(?:\{[lcr|]*\})?(.*)\\end\{\1\}", re.S)
_RELATIONS = ((r"\le ", "<="), (r"\ge ", ">="), ("<", "<"), (">", ">"), (r"\ne ", "!="))
_MOST_PARTS = 200


class UnreadableError(Exception):
    """There is no answer in the text."""


def answer_key(text: str, scalar: ScalarKey) -> str:
    """The key of the canonical answer `text`; raises `UnreadableError`."""
    if not any(char.isalnum() for char in text) and text not in (r"\infty", r"\emptyset", r"\{\}"):
        raise UnreadableError(text)
    return _key(text, scalar, 0)


def _key(text: str, scalar: ScalarKey, depth: int) -> str:
    text = text.strip()
    if not text:
        raise UnreadableError("a part is missing")
    if depth > 8:
        return text_key(text)
    matrix = _MATRIX.fullmatch(text)
    if matrix:
        rows = [
            ",".join(_key(cell, scalar, depth + 1) for cell in row.split("&"))
            for row in re.split(r"\\\\", matrix[2])
            if row.strip()
        ]
        return f"matrix({';'.join(rows)})"
    words = _words_to_commas(text)
    for separators, joined in (
        ((r"\cup ", r"\cup"), "union"),
        ((";",), "list"),
        ((",",), "list"),
    ):
        parts = split(words, separators)
        if len(parts) > 1:
            return _collection(parts, joined, scalar, depth)
    member = re.fullmatch(rf"({_VARIABLE})\s*\\in(?![a-zA-Z])\s*(.+)", text)
    if member:
        return _key(member[2], scalar, depth + 1)
    return _bracketed(text, scalar, depth) or _relation(text, scalar, depth)


def _words_to_commas(text: str) -> str:
    """`text` with "and" and "or" between parts as commas."""
    text = re.sub(r"\\text\s*\{\s*,?\s*(?:and|or)\s*\}", ",", text)
    if not _is_formula(text):
        return text
    return re.sub(r",?\s+(?:and|or)\s+(?=[-\d\\(a-zA-Z])", ",", text)


def _is_formula(text: str) -> bool:
    return not has_words(re.sub(r"\b(?:and|or)\b", " ", _TEXT.sub("", text)))


def _collection(parts: list[str], kind: str, scalar: ScalarKey, depth: int) -> str:
    if len(parts) > _MOST_PARTS:
        raise UnreadableError("too many parts")
    named = [re.fullmatch(rf"({_VARIABLE})\s*=\s*([^=]+)", part) for part in parts]
    names = [each[1] for each in named if each]
    if kind == "list" and len(names) == len(parts) and len(set(names)) == len(names):
        pairs = [f"{each[1]}={_key(each[2], scalar, depth + 1)}" for each in named if each]
        return f"values({','.join(sorted(pairs))})"
    # Without brackets nothing says that the order matters: `1, 2` is the set of both.
    keys = sorted({key for part in parts for key in _members(part, scalar, depth)})
    return f"{'union' if kind == 'union' else 'set'}({','.join(keys)})"


def _members(part: str, scalar: ScalarKey, depth: int) -> list[str]:
    part = part.strip()
    sign = re.search(r"\\(?:pm|mp)(?![a-zA-Z])", part)
    if sign:
        signs = (("+", "-"), ("-", "+"))
        return [
            _key(
                re.sub(r"\\pm(?![a-zA-Z])", plus, re.sub(r"\\mp(?![a-zA-Z])", minus, part)),
                scalar,
                depth + 1,
            )
            for plus, minus in signs
        ]
    return [_key(part, scalar, depth + 1)]


def _bracketed(text: str, scalar: ScalarKey, depth: int) -> str | None:
    """The key of a set, an interval or a tuple; None where `text` is none of them."""
    if text in (r"\emptyset", r"\{\}", r"\{ \}"):
        return "set()"
    if text.startswith(r"\{") and text.endswith(r"\}"):
        inside = text[2:-2]
        if "|" in inside or ":" in inside:
            return None
        parts = split(inside, (",", ";"))
        keys = sorted({key for part in parts for key in _members(part, scalar, depth)})
        return f"set({','.join(keys)})"
    if text[0] in "([" and text[-1] in ")]" and _matched(text):
        parts = split(text[1:-1], (",", ";"))
        if len(parts) > 1:
            if len(parts) > _MOST_PARTS:
                raise UnreadableError("too many parts")
            keys = [_key(part, scalar, depth + 1) for part in parts]
            return f"tuple{text[0]}{','.join(keys)}{text[-1]}"
        if text[0] == "(" and text[-1] == ")":
            return _key(text[1:-1], scalar, depth + 1)
    return None


def _matched(text: str) -> bool:
    """Whether the first bracket is closed by the last one."""
    depth = 0
    for position, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            return position == len(text) - 1
    return False


def _relation(text: str, scalar: ScalarKey, depth: int) -> str:
    sides = split(text, ("=",))
    if len(sides) > 1 and all(sides) and not any(sign in text for sign in ("<", ">", r"\le ")):
        if len(sides) > 2 or _TO_BE_FOUND.fullmatch(sides[0]):
            return _key(sides[-1], scalar, depth + 1)
        if _TO_BE_FOUND.fullmatch(sides[1]):
            return _key(sides[0], scalar, depth + 1)
        return _equation(sides[0], sides[1], scalar)
    for sign, shown in _RELATIONS:
        sides = split(text, (sign,))
        if len(sides) == 2 and all(sides) and not any(r[0] in "".join(sides) for r in _RELATIONS):
            left, right = (_key(side, scalar, depth + 1) for side in sides)
            if shown.startswith(">"):
                left, right, shown = right, left, shown.replace(">", "<")
            elif shown == "!=":
                left, right = sorted((left, right))
            return f"{left}{shown}{right}"
    if re.search(r"\\(?:pm|mp)(?![a-zA-Z])", text):
        return f"set({','.join(sorted(set(_members(text, scalar, depth))))})"
    return _scalar(text, scalar)


def _equation(left: str, right: str, scalar: ScalarKey) -> str:
    """The same for all multiples of an equation: only the ratio of two samples counts."""
    try:
        differences = [evaluate(f"({left})-({right})", sample) for sample in (0, 1)]
        if differences[1] == 0:
            return "equation(0)"
        return f"equation({number_key(differences[0] / differences[1])})"
    except (NotReadError, TooLargeError):
        return formula_key(f"{left}={right}")


def _scalar(text: str, scalar: ScalarKey) -> str:
    percent = text.endswith("%")
    text = text.rstrip("% ")
    text = _without_unit(text)
    if not text:
        raise UnreadableError("nothing but a unit")
    ratio = re.fullmatch(r"([\d.]+)\s*:\s*([\d.]+)", text)
    if ratio:
        return f"ratio({scalar(f'({ratio[1]})/({ratio[2]})', 0)})"
    if _TEXT.search(text) or not _is_formula(text):
        return text_key(text)
    return scalar(f"({text})/100" if percent else text, 0)


def _without_unit(text: str) -> str:
    """`text` without the unit behind a number, and without degrees outside of functions."""
    number_before_text = re.match(r".*[\d)}]\s*\\text", text) or re.match(
        r"[^\\a-zA-Z]*\d[^\\a-zA-Z]*\\text", text
    )
    if number_before_text:
        while (shorter := _UNIT_TEXT.sub("", text)) != text and re.search(r"\d", shorter):
            text = shorter
    if re.search(r"\d", text):
        shorter = _UNIT.sub("", text).strip()
        text = shorter if re.search(r"\d", shorter) else text
    if not re.search(r"\\(?:sin|cos|tan|cot|sec|csc)", text):
        text = text.replace(r"\degree", " ")
    return text.strip()


def text_key(text: str) -> str:
    """Words: case, punctuation and `\\text` do not count."""
    plain = _TEXT.sub(r" \1 ", text)
    words = _LETTERS.sub(" ", plain.replace("\\", " ")).casefold().split()
    if not words:
        raise UnreadableError(text)
    symbols = "".join(re.findall(r"[=<>+*/^|!%-]", plain))
    return f"text({' '.join(words)}{' ' + symbols if symbols else ''})"


def formula_key(text: str) -> str:
    """A formula that nobody could read is the same as itself, whatever its white space."""
    return f"formula({''.join(text.split())})"
