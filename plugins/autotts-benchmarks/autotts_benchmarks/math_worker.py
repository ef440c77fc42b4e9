"""A process that has math-verify read scalars, each in a fork of its own that it limits.

SymPy's parsers evaluate what they are given: what is read here may take for ever, or worse. The
first message says how many seconds of CPU time a text may take, every further one brings a text.
"""

from __future__ import annotations

import logging
import math
import os
import select
import signal
from collections.abc import Collection
from contextlib import suppress
from typing import Any, BinaryIO

from autotts_core.confinement import LAYERS, confine, held
from autotts_core.processes import connect
from autotts_core.wire import WireError, receive, send

_MEMORY = 2 * 2**30
_LONGEST_KEY = 100_000
_PATIENCE = 20
"""By how much a fork may take longer than its CPU time, on a busy machine or asleep."""


def main(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    logging.disable(logging.CRITICAL)
    layers = [layer for layer, leak in held(LAYERS).items() if leak is None]
    # Whatever is imported on first use, forks need not import again.
    read(r"\lfloor \frac{x}{2} + 1.5 \rfloor")
    seconds = float(receive(requests, 0)[0]["seconds"])
    send(replies, {})
    with suppress(WireError):
        while True:
            text = str(receive(requests, 0)[0]["text"])
            send(replies, {"key": _read_in_fork(text, seconds, layers)})


def _read_in_fork(text: str, seconds: float, layers: Collection[str]) -> str | None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            # The pipes to the parent, whoever holds them, are not for what is read.
            os.closerange(0, writer)
            os.closerange(writer + 1, 64)
            # Ends this process when its CPU time is up; the limit is for where it can be undone.
            signal.setitimer(signal.ITIMER_PROF, seconds)
            confine(layers, math.ceil(seconds) + 1, _MEMORY)
            os.write(writer, (read(text) or "").encode()[:_LONGEST_KEY])
        finally:
            os._exit(0)
    os.close(writer)
    try:
        told = _told(reader, seconds * _PATIENCE)
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    # Cut off in the middle of a key, it would be another's.
    return told.decode(errors="replace") if told and status == 0 else None


def _told(reader: int, seconds: float) -> bytes:
    """All that a fork says; nothing where it says nothing for so long."""
    told = b""
    while len(told) < _LONGEST_KEY and select.select([reader], [], [], seconds)[0]:
        part = os.read(reader, 65536)
        if not part:
            return told
        told += part
    return b""


def read(text: str) -> str | None:
    """The key of a scalar; None where it cannot be read, whatever goes wrong."""
    from math_verify import LatexExtractionConfig, parse

    with suppress(Exception):
        parsed = parse(
            f"${text}$",
            [LatexExtractionConfig()],
            fallback_mode="no_fallback",
            extraction_mode="first_match",
            parsing_timeout=None,
            raise_on_error=True,
        )
        return _key(parsed[0]) if parsed else None
    return None


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
    main(*connect(watched=False))
