"""What an episode did, branch by branch: the data behind its width-depth picture."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from autotts_core.replay.interpreted import ReplayedEpisode
from autotts_core.replay.interpreted_episode import Action
from autotts_core.replay.orders import branch_orders
from autotts_core.store import ReplayStore
from autotts_core.voting import majority

SC_BRANCHES = 64
"""Branches of the self-consistency that an episode's tokens are held against."""


@dataclass(frozen=True, slots=True)
class PictureBranch:
    """One branch that the episode opened: a row of the picture.

    `cells` has one entry for each interval that ran: the answer id revealed at its end, -1 where
    that probe gave no answer, None where the interval was passed without probing. `tokens` is
    what was charged; `answer` is the latest answer id. A branch neither finished nor pruned was
    still running when the controller stopped.
    """

    branch: int
    cells: tuple[int | None, ...]
    answer: int
    finished: bool
    pruned: bool
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedBranch(PictureBranch):
    """A branch of a store: `recorded` is its number there, `recorded_tokens` its whole length."""

    recorded: int
    recorded_tokens: int


@dataclass(frozen=True, slots=True)
class PictureAnswer:
    """One answer that the episode revealed.

    `latest_votes` counts the unpruned branches whose latest answer it is, `final_votes` those
    of them that are finished, `probes` the cells that show it. `text` is what the model wrote,
    unescaped and of any length. `correct` says whether it is known to be right.
    """

    id: int
    text: str
    correct: bool
    final_votes: int
    latest_votes: int
    probes: int


@dataclass(frozen=True, slots=True)
class SelfConsistency:
    """What self-consistency answers and spends on the same branches in the same order.

    `branches` is 64, or the whole pool where that is smaller; `answer` is its text, None for
    no answer.
    """

    branches: int
    tokens: int
    answer: str | None
    correct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodePicture:
    """What is drawn of any episode, replayed or live, at its end or on its way.

    `branches` are in the order in which they were opened, `answers` in the order of their ids,
    so that `answers[k].id == k`. `answer` is the id answered, -1 for none; `stop` is empty as
    long as the episode goes on. `pool` is how many branches may be opened.
    """

    interval_tokens: int
    pool: int
    branches: tuple[PictureBranch, ...]
    answers: tuple[PictureAnswer, ...]
    answer: int
    stop: str
    tokens: int
    sequential_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(EpisodePicture):
    """One replayed episode under one controller; `dataclasses.asdict` makes JSON of it."""

    branches: tuple[RecordedBranch, ...]
    model: str
    benchmark: str
    question: int
    question_id: str
    question_text: str
    gold_answer: str
    grader: str
    accounting: str
    controller: str
    beta: float
    seed: int
    budget: int | None
    correct: bool
    self_consistency: SelfConsistency


def episode_picture(
    episode: ReplayedEpisode,
    store: ReplayStore,
    question: int,
    seed: int,
    controller: str,
    beta: float,
    budget: int | None = None,
) -> Picture:
    """The picture of `episode`, which is what `replay_episode` gave for the same arguments."""
    arrays = store.load()
    manifest = store.manifest
    record = episode.record
    first, last = arrays.branch_start[question : question + 2].tolist()
    order = branch_orders(last - first, range(seed, seed + 1))[0]
    recorded_tokens = arrays.branch_tokens[first:last][order]
    classes = slice(*arrays.class_start[question : question + 2].tolist())
    text, correct = arrays.class_text[classes], arrays.class_correct[classes].tolist()

    branches = _branches(record.actions(), order.tolist(), recorded_tokens.tolist())
    answers = picture_answers(branches, ((text[c], correct[c]) for c in record.revealed))

    sc = order[:SC_BRANCHES]
    # A branch's last step reveals its final answer.
    sc_class = majority(arrays.step_class[arrays.step_start[first + sc + 1] - 1].tolist())
    return Picture(
        model=store.model,
        benchmark=store.benchmark,
        question=question,
        question_id=store.question_ids[question],
        question_text=store.question_texts[question],
        gold_answer=store.gold_answers[question],
        grader=f"{manifest.grader.name} {manifest.grader.version}",
        accounting=manifest.accounting,
        interval_tokens=arrays.interval_tokens,
        controller=controller,
        beta=beta,
        seed=seed,
        budget=budget,
        pool=last - first,
        branches=branches,
        answers=answers,
        answer=record.revealed.index(episode.answer_class) if episode.answer_class >= 0 else -1,
        correct=episode.answer_class >= 0 and correct[episode.answer_class],
        stop=episode.stop,
        tokens=record.spent,
        sequential_tokens=record.sequential_tokens,
        self_consistency=SelfConsistency(
            branches=len(sc),
            tokens=int(np.sum(recorded_tokens[:SC_BRANCHES], dtype=np.int64)),
            answer=text[sc_class] if sc_class >= 0 else None,
            correct=sc_class >= 0 and correct[sc_class],
        ),
    )


def _branches(
    actions: list[Action], order: list[int], recorded_tokens: list[int]
) -> tuple[RecordedBranch, ...]:
    cells, state, pruned = rows_of(actions)
    return tuple(
        RecordedBranch(
            branch=i,
            recorded=order[i],
            cells=tuple(cells[i]),
            answer=state[i].answer,
            finished=state[i].finished,
            pruned=i in pruned,
            tokens=state[i].tokens,
            recorded_tokens=recorded_tokens[i],
        )
        for i in sorted(state)
    )


def rows_of(
    actions: Iterable[Action],
) -> tuple[dict[int, list[int | None]], dict[int, Action], set[int]]:
    """Each branch's cells, the last action on each branch, and which were pruned."""
    cells: dict[int, list[int | None]] = {}
    state: dict[int, Action] = {}
    pruned = set()
    for action in actions:
        state[action.branch] = action
        if action.kind == "prune":
            pruned.add(action.branch)
            continue
        row = cells.setdefault(action.branch, [])
        row += [None] * (action.intervals - 1)
        row.append(action.answer)
    return cells, state, pruned


def picture_answers(
    branches: Sequence[PictureBranch], revealed: Iterable[tuple[str, bool]]
) -> tuple[PictureAnswer, ...]:
    """The answers of `branches`; `revealed` has each id's text, and whether it is right."""
    latest = Counter(b.answer for b in branches if not b.pruned)
    final = Counter(b.answer for b in branches if b.finished and not b.pruned)
    probes = Counter(cell for b in branches for cell in b.cells)
    return tuple(
        PictureAnswer(i, text, correct, final[i], latest[i], probes[i])
        for i, (text, correct) in enumerate(revealed)
    )


def ranked_answers(picture: EpisodePicture, count: int) -> list[PictureAnswer]:
    """The `count` answers most worth showing, by latest votes and then probes.

    They are the answer given, the right ones, the three with most votes, and then those with
    most probes: what branches say on their way often has no votes in the end.
    """
    by_votes = sorted(picture.answers, key=lambda a: (-a.latest_votes, -a.probes, a.id))
    by_probes = sorted(by_votes, key=lambda a: -a.probes)
    given = [answer for answer in by_votes if answer.id == picture.answer]
    right = [answer for answer in by_votes if answer.correct]
    wanted = [answer.id for answer in (*given, *right, *by_votes[:3], *by_probes)]
    chosen = list(dict.fromkeys(wanted))[:count]
    return [answer for answer in by_votes if answer.id in chosen]
