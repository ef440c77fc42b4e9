"""The controllers of the literature, and those that AutoTTS's own search found."""

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.controller import Controller

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_controllers() -> list[type["Controller"]]:
    from autotts_controllers.asc import ASC
    from autotts_controllers.brevity import Brevity
    from autotts_controllers.cmc import CMC
    from autotts_controllers.deadline import Deadline
    from autotts_controllers.deepconf import DeepConf, DeepConfOffline
    from autotts_controllers.esc import ESC
    from autotts_controllers.parallel_probe import ParallelProbe
    from autotts_controllers.self_consistency import SelfConsistency

    return [
        SelfConsistency,
        ASC,
        ESC,
        ParallelProbe,
        DeepConf,
        DeepConfOffline,
        CMC,
        Brevity,
        Deadline,
    ]
