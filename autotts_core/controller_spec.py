"""What follows `--controller`: controllers by name or by file, with options.

    asc                                     an installed controller
    asc:max_branches=16,64,threshold=0.9    its options; a list of values sweeps
    ideas/mine.py:width=8                   a controller file
    legacy:released/method.py:ClassName     a class of the code released with the paper

A sweep gives one controller for each combination of values, in the order written. Values are
YAML scalars.
"""

import itertools
import json
import os
import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from autotts_core.controller import Controller
from autotts_core.controller_file import load_controller_file
from autotts_core.errors import ControllerError, OptionError
from autotts_core.legacy import LegacyController, load_legacy
from autotts_core.plugins import registry

_FORMS = (
    "A controller is NAME, path/to/file.py or legacy:path/to/method.py:ClassName, "
    "each with or without :key=value,key2=value2"
)
_FILE = re.compile(r"(?P<path>.+?\.py)(?::(?P<options>.*))?")
_LEGACY = re.compile(r"legacy:(?P<path>.+?\.py):(?P<class_name>\w+)(?::(?P<options>.*))?")
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")

Scalar = str | int | float | bool | None


def load_controllers(spec: str) -> list[Controller]:
    """The controllers that `spec` stands for (see the module's docstring), in order.

    Raises `UnknownNameError` for a name that is not installed, `OptionError` for options that
    are malformed, unknown or impossible, `ControllerError` for a faulty controller file.
    """
    spec = spec.strip()
    if spec.startswith("legacy:"):
        return _load_legacy(spec)
    head, colon, rest = spec.partition(":")
    if not head:
        raise ControllerError(f"{spec!r} names no controller. {_FORMS}.")
    if head.endswith(".py") or "/" in head or os.sep in head:
        parts = _FILE.fullmatch(spec)
        if parts is None:
            raise ControllerError(f"{spec!r}: the name of a controller file ends in .py. {_FORMS}.")
        cls = load_controller_file(Path(parts["path"]))
        options = parts["options"]
    else:
        cls = registry().get("controller", head)
        options = rest if colon else None
    return [_configure(cls, values) for values in _sweep(spec, options)]


def installed_controller(name: str, options: str | None = None) -> Controller:
    """The installed controller `name` with `options` written as in a spec, one value for each.

    No file is touched whatever the arguments are: what strangers send is for this, and not for
    `load_controllers`. Raises `UnknownNameError` and `OptionError`.
    """
    cls = registry().get("controller", name)
    spec = name if options is None else f"{name}:{options}"
    values = _option_values(spec, options)
    several = [key for key, given in values.items() if len(given) > 1]
    if several:
        raise OptionError(f"{spec!r}: {several[0]!r} has several values: give one.")
    return _configure(cls, {key: given[0] for key, given in values.items()})


def label(controller: Controller) -> str:
    """The controller's name with the options that differ from their defaults."""
    if isinstance(controller, LegacyController):
        changed = controller.config
    else:
        fields = type(controller.options).model_fields
        # A required option's default is no value that anything equals, so it is always shown.
        changed = {
            key: value
            for key, value in controller.options
            if value != fields[key].get_default(call_default_factory=True, validated_data={})
        }
    shown = ", ".join(f"{key}={value!r}" for key, value in changed.items())
    return f"{controller.name}({shown})" if shown else controller.name


def _load_legacy(spec: str) -> list[Controller]:
    parts = _LEGACY.fullmatch(spec)
    if parts is None:
        raise ControllerError(f"{spec!r}: must have the form legacy:path/to/method.py:ClassName.")
    path = Path(parts["path"]).expanduser()
    configs = _sweep(spec, parts["options"])
    return [load_legacy(path, parts["class_name"], config) for config in configs]


def _sweep(spec: str, options: str | None) -> list[dict[str, Scalar]]:
    """Every combination of the option values in `key=value,value,key2=value`."""
    values = _option_values(spec, options)
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]


def _option_values(spec: str, options: str | None) -> dict[str, list[Scalar]]:
    """Each option's values, in the order written."""
    values: dict[str, list[Scalar]] = {}
    key = ""
    for piece in [] if options is None else options.split(","):
        if not piece.strip():
            problem = "a comma too many" if "," in str(options) else "nothing follows the colon"
            raise OptionError(f"{spec!r}: {problem}. Options are key=value,key2=value2.")
        before, equals, after = piece.partition("=")
        if equals:
            key = before.strip()
            if key in values:
                raise OptionError(
                    f"{spec!r}: {key!r} is given twice. To sweep it, write {key}=value,value."
                )
            values[key] = []
        if not key:
            raise OptionError(f"{spec!r}: {piece.strip()!r} has no key: write key=value.")
        values[key].append(_scalar(spec, key, after if equals else before))
    return values


def _scalar(spec: str, key: str, text: str) -> Scalar:
    text = text.strip()
    if not text:
        raise OptionError(f"{spec!r}: {key!r} has no value: write {key}=value.")
    # YAML 1.1 takes 1e-3 for a string, because it has no point.
    if _EXPONENT.fullmatch(text):
        return float(text)
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        value = ...
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise OptionError(
        f"{spec!r}: {text!r} is no value for {key!r}: "
        "write a number, true, false, or a string, in quotes if need be."
    )


def _configure(cls: type[Controller], values: dict[str, Scalar]) -> Controller:
    controller = cls.configure(values)
    try:
        # `configure` also takes "16" or true for an integer. JSON is what strictness is made
        # for: paths and enumerations are strings there, as they are on a command line.
        cls.Options.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        raise OptionError(
            f"controller {cls.name!r}, option {str(problem['loc'][0])!r}: {problem['msg']} "
            f"(got {problem['input']!r})"
        ) from None
    return controller
