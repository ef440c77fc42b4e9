"""ASC, adaptive consistency: read branches until the leader is safe (Aggarwal et al., 2023)."""

from typing import Annotated, Any

from pydantic import Field, PositiveInt

from autotts_core.component import Options
from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode


class ASCOptions(Options):
    max_branches: PositiveInt = 64
    """Branches to read at most."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.95
    """Stop when the confidence in the leader is above this."""


class ASC(Controller):
    """Adaptive consistency (arXiv 2305.11860) with the Beta stopping rule."""

    name = "asc"
    summary = "Read branches one by one until the leader is confident (adaptive consistency)"
    Options = ASCOptions
    options: ASCOptions

    def schedule(self, beta: float) -> Params:
        return {"max_branches": self.options.max_branches, "threshold": self.options.threshold}

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        answers = episode.tally()
        for n in range(p.max_branches):
            i = episode.read()
            if i < 0:
                break
            answers.add(episode.answer(i))
            if n > 0 and answers.confidence() > p.threshold:
                return answers.leader()  # leader confident
        return answers.leader()  # all branches read
