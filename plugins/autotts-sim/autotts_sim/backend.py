"""The trace backend `simulated`: replay stores out of thin air, for recipes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import PositiveInt

from autotts_core.component import Options
from autotts_core.errors import OptionError, UnknownNameError, nearest
from autotts_core.trace_backend import StoreRequest, TraceSource
from autotts_core.traces import TraceSet
from autotts_sim.models import SimulatedModel
from autotts_sim.presets import PRESETS
from autotts_sim.sizes import check_sizes


class SimulatedOptions(Options):
    questions: PositiveInt = 30
    """Questions in each benchmark."""


class SimulatedBackend(TraceSource):
    """Traces of the simulated models sim-small, sim-medium and sim-large.

    A benchmark may have any name: each name has questions of its own, the same for all models.
    """

    name: ClassVar[str] = "simulated"
    summary: ClassVar[str] = "Simulated models: no GPU, no download, no meaning beyond this tool"
    Options: ClassVar[type[Options]] = SimulatedOptions
    options: SimulatedOptions

    def check(self, request: StoreRequest) -> None:
        """Raise where the model is none of the presets, or the interval is not the model's."""
        model = _model(request.model)
        if request.interval_tokens != model.interval_tokens:
            raise OptionError(
                f"simulated model {model.name!r}: interval_tokens must be "
                f"{model.interval_tokens}, it is {request.interval_tokens}."
            )
        check_sizes(self.options.questions, request.branches, request.seed)

    def traces(self, request: StoreRequest) -> TraceSet:
        """The simulation with the request's seed."""
        from autotts_sim.simulator import simulate

        self.check(request)
        return simulate(
            _model(request.model),
            questions=self.options.questions,
            branches=request.branches,
            seed=request.seed,
            benchmark=request.benchmark,
        )


def _model(name: str) -> SimulatedModel:
    models = {model.name: model for model in PRESETS.values()}
    if name not in models:
        raise UnknownNameError(f"There is no simulated model {name!r}. {nearest(name, models)}")
    return models[name]
