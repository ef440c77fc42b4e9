"""Which controller answers, and at which β, by what a request calls its model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotts_core.controller_spec import installed_controller, label
from autotts_core.errors import AutoTTSError, nearest
from autotts_core.plugins import registry
from autotts_core.replay.policy import parameters
from autotts_serve.refusal import Refusal

if TYPE_CHECKING:
    from autotts_core.controller import Controller

_LONGEST = 300
"""Characters of a model's name that are looked at."""
_MOST = 100_000
"""The largest number that a stranger may make a parameter: policies count up to parameters."""
_BETA = re.compile(r"\d(\.\d{1,17})?|\.\d{1,17}")


@dataclass(frozen=True)
class Choice:
    """A controller at one β."""

    controller: Controller
    beta: float

    @property
    def label(self) -> str:
        """The controller with the options that are not its defaults."""
        return label(self.controller)


class Catalogue:
    """`name` is what clients call the model: by itself it is answered under `owned[0]` at `beta`.

    `name@CONTROLLER`, with `:BETA`, `:key=value,key2=value2` or both after it, asks for another:
    one of `owned`, which the server's owner has configured, or any that is installed.
    """

    def __init__(self, name: str, owned: Sequence[Controller], beta: float) -> None:
        self.name = name
        self._owned = {controller.name: controller for controller in reversed(owned)}
        self._default = Choice(owned[0], beta)
        self._installed = {each.name for each in registry().all("controller")}

    def names(self) -> list[str]:
        """The model alone, and with each controller."""
        return [self.name, *(f"{self.name}@{each}" for each in self._known())]

    def choice(
        self, model: str, controller: str | None = None, beta: float | None = None
    ) -> Choice:
        """For a request's model, and what it says beside; raises `Refusal`. Touches no file."""
        if len(model) > _LONGEST or not (model == self.name or model.startswith(f"{self.name}@")):
            raise Refusal(404, self._unknown(model), "model", _NOT_FOUND)
        spec = model[len(self.name) + 1 :]
        if model != self.name and controller is not None:
            raise Refusal(400, "The model's name and autotts.controller both name a controller: "
                          "leave one out.", "autotts.controller", "invalid_value")  # fmt: skip
        if model == self.name and controller is None:
            return Choice(self._default.controller, self._default.beta if beta is None else beta)
        if controller is None:
            return self._chosen(model, spec, beta, "model")
        return self._chosen(controller, controller, beta, "autotts.controller")

    def _chosen(self, given: str, spec: str, beta: float | None, param: str) -> Choice:
        name, _, rest = spec[:_LONGEST].partition(":")
        own_beta, options = _split(rest)
        if own_beta is not None and beta is not None:
            raise Refusal(400, "β is given twice: in the controller's name, and as autotts.beta.",
                          "autotts.beta", "invalid_value")  # fmt: skip
        if name not in self._owned and name not in self._installed:
            message = f"There is no controller {_shown(name)}. {nearest(name, self._known())}"
            raise Refusal(404 if param == "model" else 400, message, param, _NOT_FOUND)
        if len(spec) > _LONGEST:
            raise Refusal(400, f"{_shown(given)}: too long.", param, "invalid_value")
        wanted = next((each for each in (own_beta, beta) if each is not None), self._default.beta)
        try:
            choice = Choice(self._controller(name, options), wanted)
            _check(choice)
        except AutoTTSError as error:
            raise Refusal(400, str(error), param, "invalid_value") from None
        return choice

    def _controller(self, name: str, options: str | None) -> Controller:
        if options is None and name in self._owned:
            return self._owned[name]
        return installed_controller(name, options)

    def _known(self) -> list[str]:
        return sorted(self._installed | self._owned.keys())

    def _unknown(self, model: str) -> str:
        forms = f"{self.name!r}, alone or as {self.name + '@CONTROLLER:BETA'!r}"
        return f"The model {_shown(model)} does not exist. This server has {forms}."


_NOT_FOUND = "model_not_found"


def _split(rest: str) -> tuple[float | None, str | None]:
    """β and the options in `0.5`, `key=value`, `0.5:key=value` or nothing."""
    head, colon, tail = rest.partition(":")
    if _BETA.fullmatch(head) and float(head) <= 1:
        return float(head), tail if colon else None
    return None, rest or None


def _check(choice: Choice) -> None:
    """Raise `AutoTTSError` where a schedule fails, or would keep a policy counting for long."""
    for key, value in parameters(choice.controller, choice.beta)._asdict().items():
        if not -_MOST <= value <= _MOST:
            raise AutoTTSError(f"{choice.label}: its parameter {key!r} would be {value}.")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
