"""Replaying a store under a controller: compiled where that is possible, else interpreted."""

import warnings

from autotts_core.controller import Controller
from autotts_core.legacy import LegacyController
from autotts_core.replay.interpreted import replay_interpreted
from autotts_core.replay.outcomes import Outcomes, Progress
from autotts_core.store.arrays import Traced


def replay(
    controller: Controller,
    store: Traced,
    beta: float,
    seeds: range,
    budget: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Replay every question of `store` once per seed, on `workers` threads (all cores).

    Compiled; a policy that does not compile is interpreted, with a warning that says why.
    The result does not depend on the number of workers. Raises `ControllerError` for the
    first episode in which the controller breaks its contract.
    """
    if isinstance(controller, LegacyController):
        return replay_interpreted(controller, store, beta, seeds, budget, workers, progress)
    # Numba takes half a second to import, which interpreting one episode need not wait for.
    from autotts_core.replay.compiled import NotCompilable, replay_compiled

    try:
        return replay_compiled(controller, store, beta, seeds, budget, workers, progress)
    except NotCompilable as reason:
        warnings.warn(
            f"controller {controller.name!r} is interpreted, which is slow: {reason}", stacklevel=2
        )
    return replay_interpreted(controller, store, beta, seeds, budget, workers, progress)
