"""Errors that are shown to the person who can mend them, without a traceback."""

import difflib
from collections.abc import Iterable


class AutoTTSError(Exception):
    """A mistake in what the user gave: says what is wrong, where, and what would be right."""


class PluginError(AutoTTSError):
    """A plugin that cannot be loaded, clashes with another, or breaks the contract."""


class UnknownNameError(AutoTTSError):
    """A name that nothing installed answers to."""


class OptionError(AutoTTSError):
    """An option of a component that does not exist or has an impossible value."""


class RecipeError(AutoTTSError):
    """A recipe that cannot be run as it stands."""


class StoreError(AutoTTSError):
    """Traces that are missing, damaged, or contradict themselves."""


class EngineError(AutoTTSError):
    """An engine that cannot do what it is asked, or has gone.

    `transient` where asking again may well help: a dropped connection, an overloaded server.
    `after` is how many seconds the engine itself says to wait.
    """

    def __init__(self, message: str, transient: bool = False, after: float | None = None) -> None:
        super().__init__(message)
        self.transient = transient
        self.after = after


class BenchmarkError(AutoTTSError):
    """Questions that cannot be had, or a form in which they cannot be asked."""


class ControllerError(AutoTTSError):
    """A controller that breaks its contract, or raises, in some episode."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that helps with a misspelt name: the nearest known one, else all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "None is installed."


def text_of(error: BaseException) -> str:
    """The text of any error: that of code which others wrote may raise one itself."""
    try:
        return str(error)
    except Exception:
        return "(whose text cannot be had)"
