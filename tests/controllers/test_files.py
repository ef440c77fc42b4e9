"""Controllers in files of the user's own."""

import dataclasses
import inspect
import pickle
import textwrap
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autotts_controllers import cmc

from autotts_core.controller import Controller
from autotts_core.controller_spec import label, load_controller_file, load_controllers
from autotts_core.errors import ControllerError
from autotts_core.replay.engine import replay
from autotts_core.replay.interpreted import replay_interpreted
from autotts_core.replay.outcomes import Outcomes
from autotts_core.store import ReplayStore

from .conftest import SOUND, WriteFile

CLASS = '''
"""A file."""

from autotts_core.controller import Controller


class Mine(Controller):
    """Gives up at once."""

    def schedule(self, beta):
        return {}

    @staticmethod
    def policy(episode, p):
        return -1
'''


def assert_equal(one: Outcomes, other: Outcomes) -> None:
    for field in dataclasses.fields(Outcomes):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_functions_make_a_controller(write_file: WriteFile) -> None:
    cls = load_controller_file(write_file(SOUND))
    assert (cls.name, cls.summary) == ("mine", "Reads a few branches.")
    assert (cls.increasing, cls.decreasing) == (("width",), ())
    assert cls().schedule(0.5) == {"width": 5}
    assert label(cls()) == "mine"


def test_a_class_is_called_like_its_file(write_file: WriteFile) -> None:
    cls = load_controller_file(write_file(CLASS, "other.py"))
    assert (cls.name, cls.summary) == ("other", "Gives up at once.")
    assert issubclass(cls, Controller)


def test_a_class_may_build_on_an_installed_one(write_file: WriteFile) -> None:
    source = """
        from autotts_controllers.cmc import CMC

        class Wider(CMC):
            def schedule(self, beta):
                return {**super().schedule(beta), "n_init": 20}
    """
    cls = load_controller_file(write_file(source))
    assert cls.name == "mine"
    assert cls().schedule(0)["n_init"] == 20
    assert cmc.CMC.name == "cmc"


def test_importing_the_base_of_options_gives_no_options(write_file: WriteFile) -> None:
    source = "from autotts_core.component import Options\n" + SOUND
    assert load_controller_file(write_file(source))().schedule(0) == {"width": 2}


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("def policy(episode, p:\n", 1, "'(' was never closed: def policy(episode, p:"),
        ("x = 1\n  y = 2\n", 2, "unexpected indent"),
        ("x = 1\nreturn x\n", 2, "'return' outside function"),
        ("x = '\0'\n", None, "null bytes"),
        ("# coding: klingon\n", None, "unknown encoding"),
        ("import math\nimport nomath\n", 2, "No module named 'nomath': import nomath"),
        ("from math import sine\n", 1, "cannot import name 'sine'"),
        ("x = 1\ny = x / 0\n", 2, "ZeroDivisionError: division by zero: y = x / 0"),
        ("def f():\n    raise SystemExit('no')\nf()\n", 2, "SystemExit: no"),
        ("", None, "there is no function schedule(beta)"),
        ("def shedule(beta): ...\n", None, "this one defines shedule (line 1)"),
        (SOUND.replace("def policy", "def polciy"), None, "polciy (line 15)"),
        (SOUND.replace("(beta)", "()"), 11, "takes () where it must take (beta)"),
        (SOUND.replace("(beta)", "(beta, options)"), 11, "where it must take (beta)"),
        (SOUND.replace("(episode, p)", "(episode)"), 15, "must take (episode, p)"),
        (SOUND.replace("(episode, p)", "(episode, p, q)"), 15, "takes (episode, p, q)"),
        (SOUND.replace("def policy", "async def policy"), 15, "plain function (`def`)"),
        (SOUND + "    yield 1\n", 15, "plain function (`def`)"),
        (SOUND + "policy = lambda episode, p: -1\n", 19, "plain function (`def`)"),
        (SOUND + "schedule = {}\n", 19, "schedule must be a plain function"),
        (SOUND.replace('("width",)', '("width")'), 8, 'write INCREASING = ("width",)'),
        (SOUND.replace('("width",)', "(1,)"), 8, "must be a tuple of parameters' names"),
        (SOUND + "class Options: ...\n", 19, "a subclass of autotts_core.component.Options"),
        (
            SOUND + "from autotts_core.component import Options as O\nclass Options(O): ...\n",
            11,
            "takes (beta) where it must take (beta, options)",
        ),
        (CLASS.replace("def policy", "def polciy"), 7, "Mine does not implement policy"),
        (CLASS.replace("(self, beta)", "(self)"), 10, "Mine.schedule takes (self)"),
        (
            CLASS.replace("@staticmethod", "").replace("episode, p", "self, episode, p"),
            14,
            "Mine.policy takes (self, episode, p) where it must take (episode, p)",
        ),
        (CLASS + "class Other(Mine): ...\n", None, "Mine (line 7), Other (line 16): keep one"),
        (CLASS + "def policy(episode, p): ...\n", 16, "beside the class Mine"),
    ],
    ids=lambda value: "" if isinstance(value, str) and "\n" in value else None,
)
def test_faults(write_file: WriteFile, source: str, line: int | None, message: str) -> None:
    path = write_file(source)
    with pytest.raises(ControllerError) as caught:
        load_controller_file(path)
    text = str(caught.value)
    assert message in text
    assert text.startswith(f"{path}:{line}: " if line else f"{path}: ")


def test_a_decorated_method_is_found_at_its_line(write_file: WriteFile) -> None:
    with pytest.raises(ControllerError, match=r"mine\.py:14: Mine\.policy takes \(p\)"):
        load_controller_file(write_file(CLASS.replace("(episode, p)", "(p)")))


def test_a_missing_file_suggests_a_near_one(tmp_path: Path, write_file: WriteFile) -> None:
    with pytest.raises(ControllerError, match=r"mine\.py: there is no such file\. No \.py file"):
        load_controller_file(tmp_path / "mine.py")
    write_file(SOUND)
    with pytest.raises(ControllerError, match=r"Did you mean 'mine\.py'\?"):
        load_controller_file(tmp_path / "mien.py")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ControllerError, match=r"folder\.py: cannot be read \(Is a directory\)"):
        load_controller_file(tmp_path / "folder.py")


def test_the_same_content_gives_the_same_class(write_file: WriteFile) -> None:
    first = load_controller_file(write_file(SOUND))
    changed = load_controller_file(write_file(SOUND.replace("2 + round", "3 + round")))
    assert changed is not first
    assert (first().schedule(0), changed().schedule(0)) == ({"width": 2}, {"width": 3})
    assert load_controller_file(write_file(SOUND)) is first


def test_each_version_of_a_file_keeps_its_own_source(write_file: WriteFile) -> None:
    first = load_controller_file(write_file(SOUND))
    second_source = SOUND.replace('"""Reads', '"""\nReads').replace("6 * beta", "7 * beta")
    second = load_controller_file(write_file(second_source))
    write_file("nothing = 'any more'")
    for cls, factor in ((first, 6), (second, 7)):
        assert inspect.getsource(cls.policy).startswith("def policy(episode, p):\n")
        assert f"round({factor} * beta)" in inspect.getsource(cls.schedule)
    assert inspect.getsourcelines(first.policy)[1] == 15
    assert inspect.getsourcelines(second.policy)[1] == 16


def test_a_traceback_shows_the_files_lines(write_file: WriteFile) -> None:
    path = write_file(SOUND)
    try:
        load_controller_file(path).policy(None, None)  # type: ignore[arg-type]
    except AttributeError as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
    assert (frame.filename, frame.lineno) == (str(path), 16)
    assert frame.line == "for _ in range(p.width):"


def test_a_controller_crosses_process_boundaries(write_file: WriteFile) -> None:
    path = write_file(SOUND)
    (controller,) = load_controllers(str(path))
    pickled = pickle.dumps(controller)
    path.unlink()
    assert type(pickle.loads(pickled)) is type(controller)


def test_workers_interpret_a_file(write_file: WriteFile, store: ReplayStore) -> None:
    (controller,) = load_controllers(str(write_file(SOUND)))
    assert_equal(
        replay_interpreted(controller, store, 0.5, range(2), workers=2),
        replay_interpreted(controller, store, 0.5, range(2)),
    )


def file_of_cmc() -> str:
    """The installed CMC as a controller file."""

    def function(member: Any) -> str:
        source = textwrap.dedent(inspect.getsource(member))
        return source.removeprefix("@staticmethod\n").replace("(self, beta", "(beta")

    return "\n\n".join(
        [
            '"""CMC in a file."""',
            "from typing import Any",
            "from autotts_core.controller import Params",
            "from autotts_core.episode import Episode",
            "from autotts_core.voting import Tally, deepest_first, majority, moving_average",
            f"INCREASING = {cmc.CMC.increasing!r}",
            f"DECREASING = {cmc.CMC.decreasing!r}",
            *map(function, (cmc.CMC.schedule, cmc.CMC.policy, cmc.join_pool, cmc.abandon)),
        ]
    )


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_a_file_replays_like_the_installed_controller(
    write_file: WriteFile, store: ReplayStore, beta: float
) -> None:
    (from_file,) = load_controllers(str(write_file(file_of_cmc())))
    seeds = range(20)
    expected = replay(cmc.CMC(), store, beta, seeds)
    assert expected.tokens.min() > 0
    assert_equal(replay(from_file, store, beta, seeds), expected)
    assert_equal(replay_interpreted(from_file, store, beta, seeds), expected)


CONSTANTS = {
    "in-the-policy": "K = {}\ndef width(p):\n    return K\n",
    "in-a-tuple": "K = (1, {})\ndef width(p):\n    return K[1]\n",
    "in-an-array": "import numpy as np\nK = np.array([1, {}])\ndef width(p):\n    return K[1]\n",
    "in-a-comprehension": "K = {}\ndef width(p):\n    return [K for _ in range(1)][0]\n",
    "in-a-default": "K = {}\ndef width(p, k=K):\n    return k\n",
    "numpy-scalar": "import numpy as np\nK = np.int64({})\ndef width(p):\n    return K\n",
}


@pytest.mark.parametrize(
    "constant",
    [
        name if name == "in-the-policy" else pytest.param(name, marks=pytest.mark.slow)
        for name in CONSTANTS
    ],
)
def test_a_constant_that_changed_is_compiled_anew(
    write_file: WriteFile, store: ReplayStore, constant: str
) -> None:
    for value in (2, 5):
        source = f"""
def schedule(beta):
    return {{"width": 4}}


{CONSTANTS[constant].format(value)}

def policy(episode, p):
    for _ in range(width(p)):
        episode.branch()
    return -1
"""
        (controller,) = load_controllers(str(write_file(source)))
        assert replay(controller, store, 0.5, range(1)).branches.max() == value
