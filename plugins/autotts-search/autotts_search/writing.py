"""Writes a candidate as the source of a controller that a person would have written."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from types import FunctionType

from autotts_search import grammar
from autotts_search.space import KNOBS, Candidate

_TOLD = {
    "weighs": "a branch that ran longer than the first to finish has less than one vote",
    "listens": "a running branch that keeps to its answer has a part of a vote",
    "hurries": "it takes ever less certainty to stop, and none at the horizon",
    "calms": "certainty has to last for some rounds",
    "overtakes": "it also stops when the running branches can hardly turn the vote",
    "quits": "it gives a question up when many have voted and no answer is ahead",
    "prunes": "branches that keep disagreeing with the leader are given up",
    "cuts": "branches that run much longer than the first to finish are given up",
    "bursts": "branches that agree with the leader advance faster",
    "widens": "it opens more branches from round to round",
    "refills": "it opens a branch for each that has ended",
    "waves": "it opens as many branches again when all have ended",
}


def write(candidate: Candidate, worth: Mapping[str, str] | None = None) -> str:
    """The source of a controller file that does what `candidate` does.

    `worth` says of its parts what each is worth, for the file's docstring.
    """
    policy = _specialised(inspect.getsource(grammar.policy), set(candidate.parts))
    helpers = list(_called(policy))
    body = "\n\n".join([policy, *map(inspect.getsource, helpers)])
    increasing = "".join(f'"{knob}", ' for knob in candidate.ends if _rises(candidate, knob))
    parts = [
        f'"""{told(candidate, worth or {})}"""\n',
        *(["import math"] if "math." in body else []),
        "from typing import Any\n",
        "from autotts_core.episode import Episode\n",
        *([f"INCREASING = ({increasing.rstrip(' ')})\n\n"] if increasing else [""]),
        f"{_schedule(candidate)}\n\n",
        body,
    ]
    return "\n".join(parts).rstrip() + "\n"


def told(candidate: Candidate, worth: Mapping[str, str]) -> str:
    """What the controller does, in words; the first line is its summary."""
    lines = [
        "Let the branches that finish first vote, and stop when the vote is sure.",
        "",
        "Runs branches side by side. Those that finish vote; it stops when enough have voted and",
        "the leader is so many standard deviations ahead as it takes to be sure.",
    ]
    if candidate.parts:
        lines += ["", "Beyond that:", ""]
        for part in candidate.parts:
            lines.append(f"* {_TOLD[part]}{worth.get(part, '')}")
    return "\n".join(lines) + "\n"


def _called(policy: str) -> Iterator[FunctionType]:
    """The grammar's helpers that `policy` calls, directly or through another, in their order."""
    helpers = {
        name: value
        for name, value in vars(grammar).items()
        if isinstance(value, FunctionType) and value.__module__ == grammar.__name__
    }
    needed: set[str] = set()
    waiting = [policy]
    while waiting:
        source = waiting.pop()
        for name, helper in helpers.items():
            if name != "policy" and name not in needed and _uses(source, name):
                needed.add(name)
                waiting.append(inspect.getsource(helper))
    yield from (helper for name, helper in helpers.items() if name in needed)


def _rises(candidate: Candidate, knob: str) -> bool:
    low, high = candidate.ends[knob]
    return low < high


def _uses(source: str, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name for node in ast.walk(ast.parse(source))
    )


def _schedule(candidate: Candidate) -> str:
    lines = ["def schedule(beta):", "    return {"]
    for knob, (low, high) in candidate.ends.items():
        if KNOBS[knob].scale == "count":
            text = (
                f"{low:g}" if low == high else f"round({low:g} * {round(high / low, 3)!r} ** beta)"
            )
        else:
            rises = f"round({low!r} + {round(high - low, 2)!r} * beta, 3)"
            text = repr(float(low)) if low == high else rises
        lines.append(f'        "{knob}": {text},')
    return "\n".join([*lines, "    }"])


def _specialised(source: str, parts: set[str]) -> str:
    """`source` with every `if p.<part>:` decided.

    Lines are dropped and moved to the left as they stand, so that comments and layout stay.
    """
    lines = re.sub("  # noqa: .*", "", source).splitlines()
    kept: dict[int, int] = dict.fromkeys(range(1, len(lines) + 1), 0)
    for node in ast.walk(ast.parse(source)):
        decided = _decided(node, parts)
        if decided is None:
            continue
        assert isinstance(node, ast.If)
        assert node.end_lineno is not None
        taken = node.body if decided else node.orelse
        within = range(taken[0].lineno, (taken[-1].end_lineno or 0) + 1) if taken else range(0)
        for number in range(node.lineno, node.end_lineno + 1):
            if number not in within:
                kept.pop(number, None)
            elif number in kept:
                kept[number] += 4
    text = [lines[number - 1][dedent:] for number, dedent in kept.items()]
    return "\n".join(_without_unused(text)) + "\n"


def _without_unused(lines: list[str]) -> list[str]:
    """Drop a simple assignment to a name that nothing reads any more."""
    while True:
        tree = ast.parse("\n".join(lines))
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        unused = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id not in read
        ]
        if not unused:
            return lines
        lines = [line for number, line in enumerate(lines, start=1) if number not in unused]


def _decided(node: ast.AST, parts: set[str]) -> bool | None:
    """What `if p.<part>:`, or several such with `or`, comes to; None for any other node."""
    if not isinstance(node, ast.If):
        return None
    tests = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    named = {
        test.attr
        for test in tests
        if isinstance(test, ast.Attribute) and test.attr in grammar.PARTS
    }
    return bool(named & parts) if named else None
