"""How large a simulation may be."""

from autotts_core.errors import OptionError


def check_sizes(questions: int, branches: int, seed: int) -> None:
    """Raise `OptionError` for fewer than one question or branch, or a seed below 0."""
    for what, value, least in (
        ("questions", questions, 1),
        ("branches", branches, 1),
        ("seed", seed, 0),
    ):
        if value < least:
            raise OptionError(f"{what} must be {least} or more, it is {value}.")
