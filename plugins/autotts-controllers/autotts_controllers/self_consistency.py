"""Self-consistency: sample N branches, answer with the majority (Wang et al., 2022)."""

from typing import Any

from pydantic import PositiveInt

from autotts_core.component import Options
from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode
from autotts_core.voting import majority


class SelfConsistencyOptions(Options):
    branches: PositiveInt = 64
    """Branches to read."""


class SelfConsistency(Controller):
    """SC@N (arXiv 2203.11171): the reference that savings are measured against."""

    name = "self-consistency"
    summary = "Majority of N whole branches (SC@N)"
    Options = SelfConsistencyOptions
    options: SelfConsistencyOptions

    def schedule(self, beta: float) -> Params:
        return {"branches": self.options.branches}

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.branches):
            episode.read()
        answers = [episode.answer(i) for i in range(episode.branches)]
        return majority(answers)  # all branches read
