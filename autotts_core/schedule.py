"""What a controller's schedule must keep to, and whether it depends on β at all."""

import math
import traceback
from collections.abc import Mapping, Sequence
from itertools import pairwise
from keyword import iskeyword
from typing import Any

import numpy as np

from autotts_core.controller import Controller, Params
from autotts_core.controller_spec import label
from autotts_core.errors import ControllerError, OptionError, nearest, text_of

_GRID = [k / 100 for k in range(101)]


def check_beta(beta: float) -> None:
    """Raise `OptionError` unless `beta` is in [0, 1]."""
    if not 0 <= beta <= 1:
        raise OptionError(f"β = {beta:g} is outside of [0, 1].")


def depends_on_beta(controller: Controller) -> bool:
    """Whether the schedule differs between any two of β = 0, 0.01, …, 1."""
    first = evaluated(controller, _GRID[0])
    return any(evaluated(controller, beta) != first for beta in _GRID[1:])


def check_schedule(controller: Controller) -> None:
    """Hold the schedule to its contract, at β = 0, 0.01, …, 1.

    Raises `ControllerError` where it raises, gives anything but a dict of named numbers, gives
    other names or types at another β or other values at another time, or is not monotone in a
    parameter that is declared to be.
    """
    rising = [evaluated(controller, beta) for beta in _GRID]
    # Backwards, because a schedule with a memory may be the same each time it is walked through.
    falling = [evaluated(controller, beta) for beta in reversed(_GRID)]
    for walk in (rising, falling[::-1]):
        for beta, params in zip(_GRID, walk, strict=True):
            _check_same_shape(controller, rising[0], params, beta)
    for beta, once, again in zip(_GRID, rising, reversed(falling), strict=True):
        for key, value in once.items():
            if again[key] != value:
                raise _fault(
                    controller,
                    f"is not deterministic: {key} is {value!r} and then {again[key]!r} "
                    f"at β = {beta:g}",
                )
    _check_monotone(controller, rising, "increasing", 1)
    _check_monotone(controller, rising, "decreasing", -1)


def evaluated(controller: Controller, beta: float) -> Params:
    """The schedule's parameters at `beta`.

    Raises `ControllerError` where it raises, or gives anything but a dict of named numbers.
    """
    try:
        params: Any = controller.schedule(beta)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise _fault(
            controller,
            f"raises {type(error).__name__}: {text_of(error)} at β = {beta:g} "
            f"({frame.filename}, line {frame.lineno}: {frame.line})",
        ) from error
    if not isinstance(params, dict):
        raise _fault(
            controller,
            f"returns {type(params).__name__} at β = {beta:g}: "
            'return a dict such as {"width": 8}',
        )
    for key, value in params.items():
        problem = _name_problem(key) or _value_problem(key, value)
        if problem:
            raise _fault(controller, f"returns {problem} (at β = {beta:g})")
    # A copy, because a schedule may hand out the same dict again with other values.
    return dict(params)


def _name_problem(key: object) -> str | None:
    if not isinstance(key, str):
        return f"the key {key!r}: write a name in quotes"
    # A leading underscore is forbidden by the named tuple that compiled policies get.
    if not key.isidentifier() or iskeyword(key) or key.startswith("_"):
        return f"the key {key!r}, which a policy cannot read as p.{key}: write a plain name"
    return None


def _value_problem(key: str, value: object) -> str | None:
    if isinstance(value, np.generic):
        kinds = {"b": "bool", "i": "int", "u": "int", "f": "float"}
        python_type = kinds.get(value.dtype.kind, "float")
        return f"a numpy {type(value).__name__} as {key}: write {python_type}(...) around it"
    if type(value) not in (bool, int, float):
        return f"{value!r} as {key}: give an int, a float or a bool"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} as {key}: give a finite number"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return f"{value} as {key}: give a number that fits in 64 bits"
    return None


def _check_same_shape(controller: Controller, first: Params, params: Params, beta: float) -> None:
    if missing := [key for key in first if key not in params]:
        raise _fault(controller, f"returns {missing[0]} at β = 0 but not at β = {beta:g}")
    if added := [key for key in params if key not in first]:
        raise _fault(controller, f"returns {added[0]} at β = {beta:g} but not at β = 0")
    # Compiled policies get the values by position.
    if list(params) != list(first):
        raise _fault(
            controller,
            f"returns {', '.join(first)} at β = 0 but {', '.join(params)} at β = {beta:g}: "
            "keep to one order",
        )
    for key, value in params.items():
        before = first[key]
        if type(value) is type(before):
            continue
        message = (
            f"is not of one type: {key} is {type(before).__name__} at β = 0 "
            f"but {type(value).__name__} at β = {beta:g}"
        )
        if {type(value), type(before)} == {int, float}:
            whole, place = (value, beta) if isinstance(value, int) else (before, 0.0)
            message += f": write {float(whole)!r} at β = {place:g}"
        raise _fault(controller, message)


def _check_monotone(
    controller: Controller, params: Sequence[Params], direction: str, sign: int
) -> None:
    names = getattr(controller, direction)
    if isinstance(names, str):
        raise _fault(controller, f'declares {direction} = "{names}": write ("{names}",)')
    known: Mapping[str, object] = params[0]
    for name in names:
        if name not in known:
            hint = nearest(name, known) if known else "It returns nothing."
            raise _fault(controller, f"returns no {name!r}, which {direction} declares. {hint}")
        for (beta, here), (next_beta, there) in pairwise(zip(_GRID, params, strict=True)):
            if sign * there[name] < sign * here[name]:
                raise _fault(
                    controller,
                    f"is not {direction} in {name}, as declared: it is {here[name]!r} "
                    f"at β = {beta:g} and {there[name]!r} at β = {next_beta:g}",
                )


def _fault(controller: Controller, problem: str) -> ControllerError:
    return ControllerError(f"controller {label(controller)}: its schedule {problem}")
