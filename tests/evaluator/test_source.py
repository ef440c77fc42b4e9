"""The small language that proposed controllers are written in."""

import pytest

from autotts_core.controller_source import check_source
from autotts_core.errors import ControllerError

GOOD = '''\
"""Read a few branches."""
import math

import numpy as np
from autotts_core.voting import majority

INCREASING = ("width",)


def schedule(beta):
    return {"width": 2 + round(6 * beta)}


def policy(episode, p):
    answers = [0] * 0
    for _ in range(p.width):
        i = episode.read()
        if i < 0:
            break
        answers.append(episode.answer(i))
    weights = np.zeros(4)
    weights[0] = math.sqrt(2.0)
    return majority(answers)  # read enough
'''


def refused(source: str) -> str:
    with pytest.raises(ControllerError) as caught:
        check_source(source)
    return str(caught.value)


def test_a_plain_controller_may_be_written() -> None:
    check_source(GOOD)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import os", "line 15: imports within a function"),
        ("try:\n        x = 1\n    except ValueError:\n        pass", "line 15: uses `try`"),
        ("open('x')", "line 15: uses open(), which a controller may not"),
        ("exec('x')", "line 15: uses exec()"),
        ("getattr(episode, 'x')", "line 15: uses getattr()"),
        ("episode._question", "line 15: uses the attribute _question"),
        ("episode.__class__", "line 15: uses the attribute __class__"),
        ("().__class__.__mro__", "line 15: uses the attribute __mro__"),
        ("global x\n    x = 1", "line 15: uses `global`"),
        ("np.load('x')", "line 15: uses numpy.load, which a controller may not"),
        ("np.ctypeslib", "line 15: uses numpy.ctypeslib"),
        ("np.random.rand()", "line 15: uses numpy.random"),
        ("unknown(1)", "line 15: uses unknown, which is defined nowhere"),
        ("__builtins__", "line 15: uses the name __builtins__"),
        ("with episode:\n        pass", "line 15: uses `with`"),
        ("(yield)", "line 15: yields"),
        ("class A:\n        pass", "line 15: defines a class"),
    ],
)
def test_what_a_policy_may_not_say(statement: str, message: str) -> None:
    told = refused(
        GOOD.replace("    answers = [0] * 0", f"    answers = [0] * 0\n    {statement}", 1)
    )
    assert message.replace("line 15", "line 16") in told


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import os", "line 1: imports os: math, numpy and autotts_core.voting may be imported"),
        ("import numpy.random", "imports numpy.random"),
        ("from numpy import load", "imports from numpy: write `import numpy as np`"),
        ("from os import path", "imports from os"),
        ("from . import x", "imports from ."),
        ("from autotts_core.voting import *", "imports everything"),
        ("from autotts_core.voting import _TABLE", "imports _TABLE"),
        ("from autotts_core.store import ReplayStore", "imports from autotts_core.store"),
        ("print(1)", "stands outside of a function"),
        ("x = print(1)", "is no constant"),
        ("@staticmethod\ndef f(): return 1", "decorates f"),
        ("class A: pass", "defines a class"),
        ("async def f(): pass", "is asynchronous"),
    ],
)
def test_what_a_module_may_not_say(line: str, message: str) -> None:
    assert message in refused(f"{line}\n{GOOD}")


def test_syntax_errors_and_missing_functions_are_named() -> None:
    assert refused("x = (") == "line 1: '(' was never closed"
    assert "there is no function policy (functions: schedule)" in refused(
        "def schedule(beta):\n    return {}\n"
    )


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        ("    return -1", True),
        ("    pass", False),
        ("    if episode.branches > 1:\n        return 0", False),
        ("    if episode.branches > 1:\n        return 0\n    else:\n        return -1", True),
        ("    while True:\n        episode.branch()", True),
        ("    while True:\n        break", False),
        ("    while True:\n        for i in range(3):\n            break\n        return 0", True),
        ("    while True:\n        if episode.branches > 1:\n            break", False),
        ("    while episode.branches < 3:\n        return 0", False),
        ("    for i in range(3):\n        return 0", False),
    ],
)
def test_every_path_has_to_return(body: str, ends: bool) -> None:
    source = f"def schedule(beta):\n    return {{}}\n\n\ndef policy(episode, p):\n{body}\n"
    if ends:
        check_source(source)
    else:
        assert "can end here without returning an answer id" in refused(source)
