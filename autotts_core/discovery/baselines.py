"""What a proposal has to beat: installed controllers, swept over their options and β."""

from collections.abc import Sequence

from autotts_core.controller_spec import load_controllers
from autotts_core.evaluation import score
from autotts_core.frontier import Frontier, Point, QuestionMeans
from autotts_core.replay.engine import replay
from autotts_core.schedule import depends_on_beta
from autotts_core.store import ReplayStore


def baseline_frontier(
    spec: str, stores: Sequence[ReplayStore], betas: Sequence[float], seeds: range, workers: int
) -> Frontier:
    """The controllers of `spec` (see `controller_spec`) on `stores`, each at each of `betas`."""
    points = []
    for controller in load_controllers(spec):
        grid: Sequence[float | None] = betas if depends_on_beta(controller) else (None,)
        for beta in grid:
            outcomes = [
                replay(controller, store, beta or 0.0, seeds, workers=workers) for store in stores
            ]
            scores = [
                score(each, controller, store, beta, seeds, None)
                for each, store in zip(outcomes, stores, strict=True)
            ]
            points.append(Point(tuple(scores), tuple(map(QuestionMeans.of, outcomes))))
    return Frontier(tuple(points))
