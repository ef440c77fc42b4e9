"""Benchmarks that users of test-time scaling expect, and graders for their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark
    from autotts_core.grader import Grader

AUTOTTS_CONTRACT = 1


@hookimpl
def autotts_register_benchmarks() -> list[type[Benchmark]]:
    """Those of the hub, a file of one's own, and arithmetic."""
    from autotts_benchmarks import hub, own

    return [
        hub.Aime24,
        hub.Aime25,
        hub.Aime26,
        hub.HmmtFeb25,
        hub.HmmtNov25,
        hub.HmmtFeb26,
        hub.Math500,
        hub.Gsm8k,
        hub.GpqaDiamond,
        own.Jsonl,
        own.Arithmetic,
    ]


@hookimpl
def autotts_register_graders() -> list[type[Grader]]:
    """String equality, mathematics, options and numbers."""
    from autotts_benchmarks.graders import ChoiceGrader, MathGrader, NumericGrader
    from autotts_core.grader import ExactGrader

    return [ExactGrader, MathGrader, ChoiceGrader, NumericGrader]
