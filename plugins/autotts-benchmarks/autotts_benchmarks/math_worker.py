"""A process that reads scalars with math-verify, within limits that it cannot lift.

SymPy's parsers evaluate what they are given: what is read here may take for ever, or worse.
The first message says how many seconds a text may take, every further one brings a text.
"""

from __future__ import annotations

import logging
import resource
import sys
from contextlib import nullcontext, suppress
from typing import Any, BinaryIO

from autotts_core.processes import connect
from autotts_core.wire import WireError, receive, send

_MEMORY = 2 * 2**30


def main(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    from math_verify import LatexExtractionConfig, parse

    logging.disable(logging.CRITICAL)
    receive(requests, 0)
    _limit()
    send(replies, {})
    with suppress(WireError):
        while True:
            text = str(receive(requests, 0)[0]["text"])
            key = None
            # Whatever goes wrong in there, the text has not been read.
            with suppress(Exception):
                parsed = parse(
                    f"${text}$",
                    [LatexExtractionConfig()],
                    fallback_mode="no_fallback",
                    extraction_mode="first_match",
                    parsing_timeout=None,
                    raise_on_error=True,
                )
                key = _key(parsed[0]) if parsed else None
            send(replies, {"key": key})


def _limit() -> None:
    for kind, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),
    ):
        # macOS has no limit on address space.
        with suppress(ValueError) if sys.platform == "darwin" else nullcontext():
            resource.setrlimit(kind, (most, most))


def _key(parsed: Any) -> str | None:
    """The key of a SymPy expression, as `value.number_key` writes it."""
    import sympy

    from autotts_benchmarks.value import MP, PRECISION, number_key, variable

    if not isinstance(parsed, sympy.Expr):
        return f"sympy({sympy.srepr(parsed)})"

    def sample(name: str) -> Any:
        value = variable(name, 0)
        real, imaginary = (sympy.Float(str(part), PRECISION) for part in (value.real, value.imag))
        return real + sympy.I * imaginary

    constants = {"e": sympy.E, "i": sympy.I, "pi": sympy.pi}
    values = {
        symbol: constants[symbol.name] if symbol.name in constants else sample(symbol.name)
        for symbol in parsed.free_symbols
    }
    number = parsed.subs(values).evalf(PRECISION)
    real, imaginary = number.as_real_imag()
    if not (real.is_Number and imaginary.is_Number):
        return None
    value = MP.mpf(str(real))
    return number_key(MP.mpc(value, MP.mpf(str(imaginary))) if imaginary != 0 else value)


if __name__ == "__main__":
    main(*connect())
