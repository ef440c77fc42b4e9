"""What a live episode has done so far, branch by branch, while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotts_core.replay.picture import (
    EpisodePicture,
    PictureBranch,
    picture_answers,
    rows_of,
)

if TYPE_CHECKING:
    from autotts_core.live.episode import LiveEpisode


def live_picture(episode: LiveEpisode, answer: str = "", stop: str = "") -> EpisodePicture:
    """The picture of `episode` now; may be called in any thread, as often as wanted.

    A branch has its tokens and intervals up to its last request, its answers up to what the
    controller has seen of it. `answer` and `stop` are those of the end, once it has come.
    """
    actions, texts, sequential_tokens = episode.so_far()
    cells, state, pruned = rows_of(actions)
    branches = []
    for i, branch in enumerate(tuple(episode.live_branches)):
        seen = cells.get(i, [])
        branches.append(
            PictureBranch(
                branch=i,
                cells=(*seen, *[None] * (branch.depth - len(seen))),
                answer=state[i].answer if i in state else -1,
                finished=branch.finished,
                pruned=i in pruned,
                tokens=branch.tokens,
            )
        )
    return EpisodePicture(
        interval_tokens=episode.interval_tokens,
        pool=episode.pool,
        branches=tuple(branches),
        answers=picture_answers(branches, ((text, False) for text in texts)),
        answer=texts.index(answer) if answer in texts else -1,
        stop=stop,
        tokens=sum(branch.tokens for branch in branches),
        sequential_tokens=sequential_tokens,
    )
