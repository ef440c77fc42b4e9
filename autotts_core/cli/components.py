"""Components as commands take them: an engine by its name, one controller by its spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.plugins import registry

if TYPE_CHECKING:
    from autotts_core.controller import Controller
    from autotts_core.trace_backend import Engine


def engine_called(name: str, options: dict[str, str]) -> Engine:
    """The backend `name`; `OptionError` where it is none that answers questions."""
    from autotts_core.errors import OptionError
    from autotts_core.trace_backend import Engine

    engine = registry().get("trace backend", name).configure(options)
    if not isinstance(engine, Engine):
        raise OptionError(f"trace backend {name!r} hands over whole traces, and answers none.")
    return engine


def one_controller(spec: str) -> Controller:
    """The controller that `spec` stands for; `OptionError` where it stands for several."""
    from autotts_core.controller_spec import label, load_controllers
    from autotts_core.errors import OptionError

    controllers = load_controllers(spec)
    if len(controllers) != 1:
        names = ", ".join(map(label, controllers))
        raise OptionError(
            f"--controller {spec}: is {len(controllers)} controllers ({names}): name one."
        )
    return controllers[0]
