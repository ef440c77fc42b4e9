"""Writes a candidate as the source of a controller that a person would have written."""

from __future__ import annotations

import ast
import inspect
import re

from autotts_search import grammar
from autotts_search.space import KNOBS, Candidate

_TOLD = {
    "prunes": "prunes branches that keep disagreeing with it",
    "bursts": "deepens those that agree with it faster",
    "settles": "stops as well once the latest answers are stable",
    "widens": "opens more branches as long as it has not stopped",
}


def write(candidate: Candidate) -> str:
    """The source of a controller file that does what `candidate` does."""
    policy = _specialised(inspect.getsource(grammar.policy), set(candidate.parts))
    helpers = [
        inspect.getsource(helper)
        for helper in (grammar.finishers_vote, grammar.prune_disagreeing)
        if f"{helper.__name__}(" in policy
    ]
    library = [name for name in ("Tally", "deepest_first", "majority") if _uses(policy, name)]
    library = sorted({"Tally", *library})
    increasing = ", ".join(f'"{knob}"' for knob in candidate.knobs if knob != "burst")
    parts = [
        f'"""{told(candidate)}"""\n',
        "from typing import Any\n",
        "from autotts_core.episode import Episode",
        f"from autotts_core.voting import {', '.join(library)}\n",
        f"INCREASING = ({increasing})\n\n",
        f"{_schedule(candidate)}\n\n",
        policy,
        *(f"\n{helper}" for helper in helpers),
    ]
    return "\n".join(parts).rstrip() + "\n"


def told(candidate: Candidate) -> str:
    """What the controller does, in words; the first line is its summary."""
    more = [_TOLD[part] for part in candidate.parts]
    lines = [
        "Let the branches that finish first vote, and stop when the vote is sure.",
        "",
        "Runs branches side by side. Those that finish vote; the controller stops when enough",
        "have voted and their confidence is high, when plenty have voted, or when it is out of",
        "rounds.",
    ]
    if more:
        lines.append("By the leader of the vote it also:" if "settles" not in more else "It also:")
        lines += [f"* {each}{',' if each is not more[-1] else '.'}" for each in more]
    return "\n".join(lines) + "\n"


def _uses(source: str, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name for node in ast.walk(ast.parse(source))
    )


def _schedule(candidate: Candidate) -> str:
    lines = ["def schedule(beta):", "    return {"]
    for knob in candidate.knobs:
        low, high = candidate.ends[knob]
        if KNOBS[knob].whole:
            rises = f"round({low:g} + {high - low:g} * beta)"
            text = f"{low:g}" if low == high else rises
        else:
            rises = f"round({low!r} + {round(high - low, 4)!r} * beta, 4)"
            text = repr(low) if low == high else rises
        lines.append(f'        "{knob}": {text},')
    return "\n".join([*lines, "    }"])


def _specialised(source: str, parts: set[str]) -> str:
    """`source` with every `if p.<part>:` decided.

    Lines are dropped and moved to the left as they stand, so that comments and layout stay.
    """
    lines = re.sub("  # noqa: .*", "", source).splitlines()
    kept: dict[int, int] = dict.fromkeys(range(1, len(lines) + 1), 0)
    for node in ast.walk(ast.parse(source)):
        part = _part_tested(node)
        if part is None:
            continue
        assert isinstance(node, ast.If)
        assert node.end_lineno is not None
        taken = node.body if part in parts else node.orelse
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


def _part_tested(node: ast.AST) -> str | None:
    """The part that `node` asks for, where it is `if p.<part>:`."""
    match node:
        case ast.If(test=ast.Attribute(value=ast.Name(id="p"), attr=name)) if name in grammar.PARTS:
            return name
    return None
