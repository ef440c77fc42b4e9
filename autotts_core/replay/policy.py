"""A controller's policy and parameters, as every kind of episode runs them."""

from collections import namedtuple
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np

from autotts_core.controller import Controller, Params
from autotts_core.errors import ControllerError
from autotts_core.legacy import LegacyController
from autotts_core.replay.policy_source import (
    NO_RETURN,
    TaggedPolicy,
    refuse_catching,
    refuse_unrepeatable,
    tag_returns,
)
from autotts_core.schedule import evaluated


@lru_cache(maxsize=256)
def tagged(policy: FunctionType) -> TaggedPolicy:
    """`policy` with its returns tagged (see `policy_source`), once checked."""
    tagged_policy = tag_returns(policy)
    refuse_unrepeatable(policy)
    refuse_catching(policy)
    return tagged_policy


def tagged_policy(controller: Controller) -> TaggedPolicy:
    """The controller's policy with its returns tagged."""
    if isinstance(controller, LegacyController):
        return TaggedPolicy(controller.solve, ("answered",), (str(controller.path),))
    policy = type(controller).policy
    assert isinstance(policy, FunctionType)
    return tagged(policy)


def parameters(controller: Controller, beta: float) -> Any:
    """The schedule at β as a named tuple, in the order and of the types that β = 0.5 has."""
    if isinstance(controller, LegacyController):
        params = controller.schedule(beta)
        return _named_tuple(tuple(params))(**params)
    expected, params = evaluated(controller, 0.5), evaluated(controller, beta)
    types, found = ({k: type(v) for k, v in given.items()} for given in (expected, params))
    if types != found:
        raise ControllerError(
            f"controller {controller.name!r}: its schedule gives other parameters or types at "
            f"β = {beta:g} than at β = 0.5: {_typed(params)} and {_typed(expected)}"
        )
    return _named_tuple(tuple(expected))(**params)


def _typed(params: Params) -> str:
    return ", ".join(f"{name} {type(value).__name__}" for name, value in params.items())


@lru_cache(maxsize=256)
def _named_tuple(names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    return namedtuple("Params", names)


def check_answer(answer: object, revealed: int, place: str) -> None:
    """Raise unless a policy's `answer` is -1 or one of the `revealed` ids; `place` is its line."""
    if answer == NO_RETURN:
        raise ValueError(f"ended without returning an answer id ({place})")
    if isinstance(answer, bool) or not isinstance(answer, int | np.integer):
        raise TypeError(f"returned {answer!r}, not an answer id ({place})")
    if not -1 <= answer < revealed:
        raise ValueError(
            f"returned the id {answer}, which this episode never revealed: "
            f"it revealed {revealed} answer{'s' * (revealed != 1)}, and -1 means none ({place})"
        )
