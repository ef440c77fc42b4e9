"""The width-depth picture of a live episode on a terminal, while it goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from autotts_core.cli.picture import FAINT, episode_lines, fitted, visible
from autotts_core.live.picture import live_picture

if TYPE_CHECKING:
    from autotts_core.live.episode import LiveEpisode
    from autotts_core.live.solving import LiveAnswer

PER_SECOND = 8
"""How often it is drawn anew."""


class LivePicture:
    """Draws the episode that it is shown, whenever it is rendered."""

    def __init__(self, title: str, question: str) -> None:
        self._title = title
        self._question = " ".join(question.split())
        self._began = time.monotonic()
        self._episode: LiveEpisode | None = None

    def watch(self, episode: LiveEpisode) -> None:
        """Show `episode` from now on."""
        self._episode = episode
        self._began = time.monotonic()

    def draw_end(self, found: LiveAnswer, out: Console) -> None:
        """Print the whole picture of the episode that has ended with `found`."""
        assert self._episode is not None
        picture = live_picture(self._episode, found.answer, found.stop)
        for line in (*self._head(out), *episode_lines(picture, out)):
            for row in fitted(line, out):
                out.print(row)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._episode is None:
            yield Text("starting the engine", FAINT)
            return
        picture = live_picture(self._episode)
        spent = (
            f"{picture.tokens:,} tokens, {picture.sequential_tokens:,} one after another, "
            f"{time.monotonic() - self._began:.1f} s"
        )
        head, foot = self._head(console), [Text(), Text(visible(spent, console.width))]
        # One line stays free: with it, the terminal would scroll.
        room = console.height - len(head) - len(foot) - 1
        for line in (*head, *episode_lines(picture, console, room), *foot):
            yield from fitted(line, console)

    def _head(self, out: Console) -> list[Text]:
        return [
            Text(visible(self._title, out.width), "bold"),
            Text(visible(self._question, out.width), FAINT),
            Text(),
        ]
