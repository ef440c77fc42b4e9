"""What a schedule must keep to."""

import math

import pytest
from autotts_controllers import autotts_register_controllers

from autotts_core.controller import Controller
from autotts_core.controller_spec import load_controllers
from autotts_core.errors import ControllerError, OptionError
from autotts_core.schedule import check_beta, check_schedule, depends_on_beta

from .conftest import WriteFile

HEADER = """
import itertools
import random

import numpy as np

calls = itertools.count()
shared = {"width": 1}


def policy(episode, p):
    return -1


"""


@pytest.fixture
def controller(write_file: WriteFile, request: pytest.FixtureRequest) -> Controller:
    body = getattr(request, "param", None) or request.node.callspec.params["body"]
    (made,) = load_controllers(str(write_file(f"{HEADER}def schedule(beta):\n    {body}\n")))
    return made


@pytest.mark.parametrize(
    "body",
    [
        "return {}",
        "return {'width': 3, 'alpha': 0.5, 'wide': True}",
        "return {'width': round(4 * beta), 'alpha': 0.1 * beta, 'wide': beta > 0.5}",
        "shared['width'] = round(9 * beta); return shared",
    ],
)
def test_sound_schedules(controller: Controller, body: str) -> None:
    check_schedule(controller)


@pytest.mark.parametrize("cls", autotts_register_controllers(), ids=lambda cls: cls.name)
def test_installed_controllers_are_sound(cls: type[Controller]) -> None:
    check_schedule(cls())
    assert depends_on_beta(cls()) == (cls.name in ("cmc", "brevity", "deadline", "deepconf"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "return {'a': 1 / (beta - 0.5)}",
            "raises ZeroDivisionError: float division by zero at β = 0.5",
        ),
        ("return [1]", 'returns list at β = 0: return a dict such as {"width": 8}'),
        ("pass", "returns NoneType at β = 0"),
        ("return {1: 2}", "the key 1: write a name in quotes"),
        ("return {'max width': 2}", "the key 'max width', which a policy cannot read"),
        ("return {'lambda': 2}", "the key 'lambda'"),
        ("return {'_width': 2}", "the key '_width'"),
        ("return {'width': '2'}", "returns '2' as width: give an int, a float or a bool"),
        ("return {'width': None}", "returns None as width"),
        ("return {'width': [2]}", "returns [2] as width"),
        ("return {'width': np.int64(2)}", "a numpy int64 as width: write int(...) around it"),
        ("return {'alpha': np.float64(2)}", "a numpy float64 as alpha: write float(...)"),
        ("return {'wide': np.bool_(beta > 0.5)}", "as wide: write bool(...)"),
        ("return {'alpha': float('nan')}", "nan as alpha: give a finite number"),
        ("return {'alpha': 1e308 * 10 ** (2 * beta)}", "inf as alpha: give a finite number"),
        ("return {'width': 2 ** 63}", "as width: give a number that fits in 64 bits"),
        (
            "return {'width': 1} if beta < 0.3 else {'width': 1, 'wide': True}",
            "returns wide at β = 0.3 but not at β = 0",
        ),
        (
            "return {'width': 1} if beta > 0.3 else {'width': 1, 'wide': True}",
            "returns wide at β = 0 but not at β = 0.31",
        ),
        (
            "return {'a': 1, 'b': 2} if beta < 1 else {'b': 2, 'a': 1}",
            "returns a, b at β = 0 but b, a at β = 1: keep to one order",
        ),
        (
            "return {'alpha': 0.5 if beta < 1 else 1}",
            "alpha is float at β = 0 but int at β = 1: write 1.0 at β = 1",
        ),
        (
            "return {'alpha': max(0, beta - 0.5)}",
            "alpha is int at β = 0 but float at β = 0.51: write 0.0 at β = 0",
        ),
        ("return {'wide': beta if beta else False}", "wide is bool at β = 0 but float at β = 0.01"),
        ("return {'width': random.randrange(10**9)}", "is not deterministic: width is"),
        ("return {'width': next(calls)}", "is not deterministic: width is 0 and then 201 at β = 0"),
    ],
)
def test_faults(controller: Controller, body: str, message: str) -> None:
    with pytest.raises(ControllerError) as caught:
        check_schedule(controller)
    text = str(caught.value)
    assert text.startswith("controller mine: its schedule ")
    assert message in text


@pytest.mark.parametrize("controller", ["return {'a': 1 / (beta - 0.5)}"], indirect=True)
def test_a_schedule_that_raises_is_shown_where(controller: Controller) -> None:
    with pytest.raises(ControllerError) as caught:
        check_schedule(controller)
    assert "mine.py, line 16: return {'a': 1 / (beta - 0.5)})" in str(caught.value)


@pytest.mark.parametrize("controller", ["return {'width': round(4 * beta)}"], indirect=True)
@pytest.mark.parametrize(
    ("increasing", "decreasing", "message"),
    [
        (("width",), (), None),
        ((), (), None),
        (
            (),
            ("width",),
            "is not decreasing in width, as declared: it is 0 at β = 0.12 and 1 at β = 0.13",
        ),
        (("widht",), (), "returns no 'widht', which increasing declares. Did you mean 'width'?"),
        ((), ("depth",), "returns no 'depth', which decreasing declares"),
        ("width", (), 'declares increasing = "width": write ("width",)'),
    ],
)
def test_declared_directions(
    controller: Controller,
    increasing: tuple[str, ...],
    decreasing: tuple[str, ...],
    message: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(controller), "increasing", increasing)
    monkeypatch.setattr(type(controller), "decreasing", decreasing)
    if message is None:
        check_schedule(controller)
        return
    with pytest.raises(ControllerError) as caught:
        check_schedule(controller)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "controller", ["return {'width': 9 if abs(beta - 0.5) < 0.01 else 3}"], indirect=True
)
def test_a_dent_is_a_dependence_on_beta(controller: Controller) -> None:
    assert depends_on_beta(controller)


@pytest.mark.parametrize("beta", [-0.01, 1.01, math.inf, math.nan])
def test_beta_outside_of_its_range(beta: float) -> None:
    with pytest.raises(OptionError, match="is outside of"):
        check_beta(beta)


@pytest.mark.parametrize("beta", [0, 1, 0.5])
def test_beta_inside_of_its_range(beta: float) -> None:
    check_beta(beta)
