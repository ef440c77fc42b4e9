"""The episodes that a report carries: which are worth looking at, and how they are stored.

An episode is embedded as its actions, from which the page works out every picture of it. Most
actions advance a branch by one interval and cost Δ, so that a branch and an answer are enough;
what differs is said apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from autotts_core.controller import Controller
from autotts_core.controller_spec import label, load_controllers
from autotts_core.evaluation import self_consistency
from autotts_core.evaluator.parent import EpisodeKey, Evaluator
from autotts_core.frontier import Point
from autotts_core.recipe.schema import Recipe
from autotts_core.replay.interpreted import ReplayedEpisode, replay_episode
from autotts_core.replay.interpreted_episode import Action
from autotts_core.replay.picture import Picture, episode_picture, ranked_answers
from autotts_core.store import ReplayStore

LETTERS = "ABCDEFGH"
KINDS = ("branch", "read", "advance", "prune")
_SEEDS = 8
"""Seeds among which the one is looked for that shows what is said of a question."""
_DIFFERENCE = 10.0
"""Percentage points over seeds from which on a question counts as lost or saved."""
_PER_REASON = 3
"""Questions of a store that are shown for one reason."""

LOST, SAVED, WASTEFUL, DIFFERENT = "lost", "saved", "wasteful", "different"
REASONS = {
    LOST: "Lost: SC@64 is right, the selected controller wrong",
    SAVED: "Saved: SC@64 is wrong, the selected controller right",
    WASTEFUL: "Most wasteful: the largest shares of SC@64's tokens",
    DIFFERENT: "Most different: where the baselines and the selected controller agree least",
}
"""Why episodes were chosen; those chosen for none of these fill up what is left."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlayedEpisode:
    """One episode, as the terminal draws it too; `beta` is None where nothing hangs on it."""

    picture: Picture
    actions: list[Action]
    beta: float | None


@dataclass(eq=False)
class Case:
    """One question with one seed, under several controllers that see the same branches."""

    of: str
    store: ReplayStore
    question: int
    seed: int
    why: str | None
    played: list[PlayedEpisode] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class StoreQuestions:
    """What the choice of a store's questions hangs on: means over seeds, arrays (questions,).

    `reference` is SC@64, `others` the baselines' widest settings.
    """

    of: str
    store: ReplayStore
    number: int
    accuracy: Floats
    tokens: Floats
    reference_accuracy: Floats
    reference_tokens: Floats
    others: Sequence[Floats]


def question_means(
    of: str, stores: Sequence[ReplayStore], chosen: Point, baselines: Sequence[Point], seeds: int
) -> list[StoreQuestions]:
    """The questions of the set `of`, store by store."""
    found = []
    for k, store in enumerate(stores):
        sc64 = self_consistency(store, range(seeds))
        found.append(
            StoreQuestions(
                of,
                store,
                k,
                chosen.questions[k].accuracy,
                chosen.questions[k].tokens,
                100 * sc64.correct.mean(axis=1),
                sc64.tokens.mean(axis=1),
                [point.questions[k].accuracy for point in baselines],
            )
        )
    return found


def choose(each: StoreQuestions) -> Iterator[tuple[int, str | None]]:
    """The questions of a store from the most interesting on, each with the reason for it."""
    gained = each.accuracy - each.reference_accuracy
    share = each.tokens / np.maximum(each.reference_tokens, 1)
    apart = np.max(
        [np.zeros(len(gained)), *(np.abs(each.accuracy - o) for o in each.others)], axis=0
    )
    ranked = (
        (LOST, -gained, _DIFFERENCE),
        (SAVED, gained, _DIFFERENCE),
        (WASTEFUL, share, 0.0),
        (DIFFERENT, apart, _DIFFERENCE),
    )
    taken: set[int] = set()
    for reason, size, least in ranked:
        order = [q for q in np.argsort(-size, kind="stable").tolist() if q not in taken]
        for question in [q for q in order if size[q] >= least][:_PER_REASON]:
            taken.add(question)
            yield question, reason
    for question in range(len(gained)):
        if question not in taken:
            yield question, None


_Planned = tuple[StoreQuestions, int, str | None]


@dataclass(frozen=True, eq=False)
class Player:
    """Replays episodes of one controller at one β; `play` maps keys to episodes, in order."""

    label: str
    beta: float | None
    play: Callable[[Sequence[EpisodeKey]], Sequence[ReplayedEpisode]]


def source_player(evaluator: Evaluator, source: str, beta: float | None) -> Player:
    """A player of untrusted source."""
    return Player("selected", beta, lambda keys: evaluator.episodes(source, "selected", keys))


def baseline_player(spec: str, point: Point, stores: Sequence[ReplayStore]) -> Player:
    """A player of the setting of the baseline `spec` that `point` was scored with."""
    controller = next(each for each in load_controllers(spec) if label(each) == point.label)

    def play(keys: Sequence[EpisodeKey]) -> list[ReplayedEpisode]:
        return [_replayed(controller, stores[key.store], key) for key in keys]

    return Player(point.label, point.beta, play)


def _replayed(controller: Controller, store: ReplayStore, key: EpisodeKey) -> ReplayedEpisode:
    return replay_episode(controller, store, key.question, key.seed, key.beta)


def cases(
    questions: Sequence[StoreQuestions],
    chosen: Player,
    others: Sequence[Player],
    most: int,
) -> list[Case]:
    """Cases of one set, of at most `most` episodes, from every store as many.

    The interesting ones are played by `chosen` and all `others`, those that fill up by `chosen`
    and the first of the others.
    """
    planned: list[_Planned] = []
    episodes = 0
    rows = zip_longest(*([(s, q, why) for q, why in choose(s)] for s in questions))
    # The interesting ones of all stores come before what fills up.
    flat = [each for row in rows for each in row if each is not None]
    for each in sorted(flat, key=lambda each: each[2] is None):
        cost = 1 + (len(others) if each[2] else min(1, len(others)))
        if episodes + cost > most:
            break
        episodes += cost
        planned.append(each)
    found = [
        Case(store.of, store.store, question, seed, why)
        for (store, question, why), seed in zip(planned, _seeds(planned, chosen), strict=True)
    ]
    numbers = [store.number for store, _, _ in planned]
    for place, player in enumerate((chosen, *others)):
        wanted = [
            (case, number)
            for case, number in zip(found, numbers, strict=True)
            if place < 2 or case.why
        ]
        beta = player.beta or 0.0
        keys = [EpisodeKey(number, case.question, case.seed, beta) for case, number in wanted]
        for (case, _), episode in zip(wanted, player.play(keys) if keys else (), strict=True):
            picture = episode_picture(
                episode, case.store, case.question, case.seed, player.label, beta
            )
            case.played.append(PlayedEpisode(picture, episode.record.actions(), player.beta))
    return found


def _seeds(planned: Sequence[_Planned], chosen: Player) -> Iterator[int]:
    """For each planned case the first seed that shows what is said of it, else 0."""
    unclear = [(s, q) for s, q, why in planned if why in (LOST, SAVED)]
    beta = chosen.beta or 0.0
    keys = [EpisodeKey(s.number, q, seed, beta) for s, q in unclear for seed in range(_SEEDS)]
    played = iter(chosen.play(keys) if keys else ())
    for store, question, why in planned:
        if why not in (LOST, SAVED):
            yield 0
            continue
        reference = self_consistency(store.store, range(_SEEDS)).correct[question].tolist()
        right = [_correct(store.store, question, next(played)) for _ in range(_SEEDS)]
        wanted = [(why == SAVED, why == LOST)]
        shown = zip(right, reference, strict=True)
        yield next((seed for seed, both in enumerate(shown) if both in wanted), 0)


def _correct(store: ReplayStore, question: int, episode: ReplayedEpisode) -> bool:
    arrays = store.load()
    right = arrays.class_correct[slice(*arrays.class_start[question : question + 2].tolist())]
    return episode.answer_class >= 0 and bool(right[episode.answer_class])


def episode_evaluator(recipe: Recipe, stores: Sequence[ReplayStore]) -> Evaluator:
    """An evaluator that replays single episodes, within the recipe's limits."""
    return Evaluator(stores, recipe.seeds, recipe.limits, 1)


def embedded(found: Iterable[Case]) -> list[dict[str, Any]]:
    """The cases as JSON values; see `_embedded_actions` for the actions."""
    rows = []
    for case in found:
        first = case.played[0].picture
        answers = _Answers([each.picture for each in case.played])
        episodes = [_embedded_episode(each, answers) for each in case.played]
        rows.append(
            {
                "set": case.of,
                "store": case.store.name,
                "question": case.question,
                "seed": case.seed,
                "why": case.why,
                "delta": first.interval_tokens,
                "pool": first.pool,
                "reference": asdict(first.self_consistency),
                "branches": _branches(case, answers),
                "answers": answers.rows,
                "episodes": episodes,
            }
        )
    return rows


def _branches(case: Case, answers: _Answers) -> dict[str, list[int]]:
    """The branches that any episode of the case opened: stored number, length, final answer."""
    arrays = case.store.load()
    first = int(arrays.branch_start[case.question])
    classes = slice(*arrays.class_start[case.question : case.question + 2].tolist())
    text, correct = arrays.class_text[classes], arrays.class_correct[classes].tolist()
    pictures = (each.picture for each in case.played)
    branches = max((picture.branches for picture in pictures), key=len)
    finals = [
        int(arrays.step_class[arrays.step_start[first + each.recorded + 1] - 1])
        for each in branches
    ]
    return {
        "recorded": [each.recorded for each in branches],
        "tokens": [each.recorded_tokens for each in branches],
        "final": [answers.place(text[c], correct[c]) if c >= 0 else -1 for c in finals],
    }


class _Answers:
    """One numbering of the answers of a case, whichever episode revealed them.

    Those most worth showing come first, and have letters.
    """

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self.rows: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}
        for picture in pictures:
            for answer in ranked_answers(picture, len(LETTERS)):
                self.place(answer.text, answer.correct)

    def place(self, text: str, correct: bool) -> int:
        """The number of the answer `text`."""
        if text not in self._places:
            self._places[text] = len(self.rows)
            letter = LETTERS[len(self.rows)] if len(self.rows) < len(LETTERS) else ""
            self.rows.append({"text": text, "correct": correct, "letter": letter})
        return self._places[text]


def _embedded_episode(played: PlayedEpisode, answers: _Answers) -> dict[str, Any]:
    picture = played.picture
    places = {a.id: answers.place(a.text, a.correct) for a in picture.answers} | {-1: -1}
    return {
        "controller": picture.controller,
        "beta": played.beta,
        "answer": places[picture.answer],
        "correct": picture.correct,
        "stop": picture.stop,
        "tokens": picture.tokens,
        "sequential_tokens": picture.sequential_tokens,
        **_embedded_actions(played.actions, picture.interval_tokens, places),
    }


def _embedded_actions(
    actions: Sequence[Action], delta: int, places: Mapping[int, int]
) -> dict[str, Any]:
    """`actions`: for each action 8 x branch + 2 x kind + finished, then the answer, or -1.

    `ends`: for each batch the number of actions up to its end. `odd`: by an action's number its
    intervals and the tokens it cost, where these are not 1 and Δ (0 and 0 for pruning).
    """
    codes: list[int] = []
    odd: dict[int, tuple[int, int]] = {}
    ends: list[int] = []
    tokens: dict[int, int] = {}
    for number, action in enumerate(actions):
        if number and action.batch != actions[number - 1].batch:
            ends.append(number)
        codes.append(8 * action.branch + 2 * KINDS.index(action.kind) + int(action.finished))
        codes.append(places[action.answer])
        cost = action.tokens - tokens.get(action.branch, 0)
        tokens[action.branch] = action.tokens
        if action.kind != "prune" and (action.intervals, cost) != (1, delta):
            odd[number] = action.intervals, cost
    return {"actions": codes, "ends": [*ends, len(actions)], "odd": odd}
