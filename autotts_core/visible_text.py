"""Text of any origin, made safe to look at: nothing in it acts on a terminal or on a page."""


def visible_character(char: str) -> str:
    """`char`, or a picture of it (␛) where it would not be seen, or its code point (‹202E›)."""
    code = ord(char)
    if char.isprintable():
        return char
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"‹{code:04X}›"


def visible_lines(text: str, most: int) -> str:
    """`text` with its line ends and tabs, at most `most` characters of it.

    What is left out is said. Characters that reorder or hide others, as in source code that
    reads otherwise than it runs, are shown as their code points.
    """
    if len(text) <= most and text.isprintable():
        return text
    shown = "".join(c if c in "\n\t" else visible_character(c) for c in text[:most])
    return shown if len(text) <= most else f"{shown}… ({len(text):,} characters in all)"
