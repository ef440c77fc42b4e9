"""ESC, early-stopping self-consistency: stop at a unanimous window (Li et al., 2024)."""

from typing import Any

from pydantic import PositiveInt

from autotts_core.component import Options
from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode
from autotts_core.voting import majority


class ESCOptions(Options):
    max_branches: PositiveInt = 64
    """Branches to read at most; what does not fill a window is left out."""
    window: PositiveInt = 8
    """Branches that have to agree."""


class ESC(Controller):
    """Early-stopping self-consistency (arXiv 2401.10480)."""

    name = "esc"
    summary = "Read branches by the window until one window agrees (early-stopping SC)"
    Options = ESCOptions
    options: ESCOptions

    def schedule(self, beta: float) -> Params:
        return {"max_branches": self.options.max_branches, "window": self.options.window}

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.max_branches // p.window):
            first = episode.branches
            for _ in range(p.window):
                episode.read()
            if episode.branches == first:
                break
            answer = episode.answer(first)
            agreed = True
            for i in range(first + 1, episode.branches):
                if episode.answer(i) != answer:
                    agreed = False
                    break
            if agreed:
                return answer  # window unanimous
        return majority([episode.answer(i) for i in range(episode.branches)])  # all windows read
