"""Draws whole replay stores from a simulated model, vectorised over all branches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from autotts_core.errors import UnknownNameError, nearest
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet
from autotts_sim.presets import PRESETS
from autotts_sim.sizes import check_sizes

if TYPE_CHECKING:
    import numpy.typing as npt

    from autotts_sim.models import PerQuestion, SimulatedModel

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

# Answers are numbered within a question: the right one, popular wrong final answers, popular
# guesses, then those that hardly come twice. Texts are given to the numbers at the end.
_RIGHT = 0
_POPULAR = 250
_WRONG = 1
_GUESS = _WRONG + _POPULAR
_RARE = _GUESS + _POPULAR
_ANSWERS = 10_000
_UNREADABLE = -1

_NORMAL = NormalDist()


def simulate(
    model: str | SimulatedModel,
    questions: int = 30,
    branches: int = 128,
    seed: int = 0,
    benchmark: str = "sim",
) -> TraceSet:
    """Traces of `branches` simulated branches for each of `questions` simulated questions.

    `model` is a preset's name or a model of your own. The same arguments give the same traces.
    Questions, their difficulties and right answers depend on `seed` and `benchmark` only: models
    meet the same ones. Difficulties cover the range evenly, so that small benchmarks are not
    easy or hard by chance. Raises `UnknownNameError` for an unknown preset, `OptionError` for
    fewer than one question or branch, or a seed below 0.
    """
    if isinstance(model, str):
        if model not in PRESETS:
            raise UnknownNameError(
                f"There is no simulated model {model!r}. {nearest(model, PRESETS)}"
            )
        model = PRESETS[model]
    check_sizes(questions, branches, seed)
    entropy = [seed, *benchmark.encode()]
    posed = _pose(questions, np.random.default_rng(entropy))
    # Other models must not repeat this one's luck: each has a stream of its own.
    rng = np.random.default_rng([*entropy, 0, *model.name.encode()])
    tokens, score = _lengths(model, posed, branches, rng)
    wrong = _pool(model.wrong_answers, model.wrong_discount, _WRONG, posed, rng)
    finals = _finals(model, posed, tokens, score, wrong, rng)
    probes, counts = _probes(model, posed, tokens, score, finals, wrong, rng)
    unreadable = np.where(rng.random(questions) < model.no_share, "No", "ERR").tolist()
    return TraceSet(
        model=model.name,
        benchmark=benchmark,
        interval_tokens=model.interval_tokens,
        accounting="published",
        source=f"simulated by autotts-sim: {model.name}, seed {seed}",
        questions=[
            QuestionTrace(
                id=str(q),
                text=(
                    f"Simulated question {q} of {benchmark}, seed {seed}, difficulty "
                    f"{posed.difficulty[q]:+.2f}. It asks nothing: its branches are not a "
                    "model's, but drawn at random to look like one's."
                ),
                gold_answer=str(posed.texts[q, _RIGHT]),
                branches=_branches(
                    [*posed.texts[q].tolist(), unreadable[q]],
                    tokens[q].tolist(),
                    finals[q].tolist(),
                    probes[q].tolist(),
                    counts[q].tolist(),
                ),
            )
            for q in range(questions)
        ],
    )


@dataclass(frozen=True, slots=True)
class _Posed:
    """Questions: `ranks` in difficulty [question], in (0, 1), and `texts` [question, answer]."""

    ranks: Floats
    texts: npt.NDArray[np.object_]

    @property
    def difficulty(self) -> Floats:
        """Standard normal [question]."""
        return _normal_quantile(self.ranks)

    def draw(self, quantity: PerQuestion, rng: np.random.Generator) -> Floats:
        """The quantity of each question, on the scale it is given in."""
        noise = rng.standard_normal(len(self.ranks))
        return quantity.center + quantity.slope * self.difficulty + quantity.spread * noise


def _normal_quantile(shares: Floats) -> Floats:
    # Kept off 0 and 1, where it is infinite.
    return np.array([_NORMAL.inv_cdf(p) for p in np.clip(shares, 1e-12, 1 - 1e-12).tolist()])


def _share(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-logit))


def _pose(count: int, rng: np.random.Generator) -> _Posed:
    ranks = (rng.permutation(count) + rng.uniform(0.05, 0.95, count)) / count
    # Answers are whole numbers up to 999, as in AIME; rare ones may leave that range.
    texts = np.tile(np.array([str(n) for n in range(_ANSWERS)], dtype=object), (count, 1))
    for row in texts:
        row[:1000] = rng.permutation(row[:1000])
    return _Posed(ranks, texts)


def _lengths(
    model: SimulatedModel, posed: _Posed, branches: int, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    """Tokens [question, branch], and the standard normal scores that they grow with."""
    median = posed.draw(model.length, rng)[:, None]
    spread = np.exp(posed.draw(model.length_spread, rng))[:, None]
    score = rng.standard_normal((len(median), branches))
    tail = np.where(score < 0, model.short_tail, model.long_tail)
    deviation = score * np.exp(tail * score**2 / 2)
    tokens = model.ceiling_tokens * _share(median + spread * deviation)
    tokens[rng.random(score.shape) < model.endless] = model.ceiling_tokens
    cut = model.max_tokens - rng.integers(0, model.truncation_tokens + 1, score.shape)
    return np.clip(tokens, model.min_tokens, cut).astype(np.int64), score


@dataclass(frozen=True, slots=True)
class _Pool:
    """Answers of each question by popularity, with those that hardly come twice behind.

    `ends` holds, question after question, the question's number plus the cumulated shares of
    its popular answers; `answers` are their numbers.
    """

    ends: Floats
    answers: Integers

    def draw(self, question: Integers, rng: np.random.Generator) -> Integers:
        """One answer for each entry of `question`."""
        place = np.searchsorted(self.ends, question + rng.random(len(question)), side="right")
        rare = rng.integers(_RARE, _ANSWERS, len(question))
        popular = place < (question + 1) * _POPULAR
        return np.where(popular, self.answers[np.where(popular, place, 0)], rare)


def _pool(
    concentration: PerQuestion,
    discount: float,
    first: int,
    posed: _Posed,
    rng: np.random.Generator,
) -> _Pool:
    """Shares of a Pitman-Yor process, by breaking sticks: a few large ones, a heavy tail."""
    theta = np.exp(posed.draw(concentration, rng))[:, None]
    rank = np.arange(1, _POPULAR + 1)
    broken = rng.beta(1 - discount, theta + rank * discount)
    ends = 1 - np.cumprod(1 - broken, axis=1)
    answers = np.tile(first - 1 + rank, len(ends))
    return _Pool((np.arange(len(ends))[:, None] + ends).ravel(), answers)


def _finals(
    model: SimulatedModel,
    posed: _Posed,
    tokens: Integers,
    score: Floats,
    wrong: _Pool,
    rng: np.random.Generator,
) -> Integers:
    """Final answers [question, branch]."""
    group = (posed.ranks * len(model.right)).astype(np.int64)
    share = np.array(model.right)[group]
    # A Gaussian copula: longer branches are worse, yet the share of right ones is as drawn.
    bar = _normal_quantile(share)
    effect = np.tanh(posed.draw(model.length_effect, rng))[:, None]
    weakness = effect * score + np.sqrt(1 - effect**2) * rng.standard_normal(score.shape)
    right = weakness < bar[:, None]
    truncated = tokens >= model.max_tokens - model.truncation_tokens
    right &= ~truncated | (rng.random(score.shape) < model.truncated_right)
    question = np.repeat(np.arange(len(tokens)), tokens.shape[1])
    others = wrong.draw(question, rng).reshape(tokens.shape)
    others[rng.random(score.shape) < model.unreadable_final] = _UNREADABLE
    return np.where(right, _RIGHT, others)


def _probes(
    model: SimulatedModel,
    posed: _Posed,
    tokens: Integers,
    score: Floats,
    finals: Integers,
    wrong: _Pool,
    rng: np.random.Generator,
) -> tuple[Integers, Integers]:
    """Probes [question, branch, interval], and how many of them each branch has.

    Each branch wanders before it settles; its last probe is its final answer.
    """
    shape = tokens.shape
    # What is left after the last probe grows with the branch, with a share for each question.
    unprobed = np.exp(posed.draw(model.unprobed, rng))[:, None] * tokens
    counts = 1 + np.floor((tokens - unprobed) / model.interval_tokens).astype(np.int64)
    counts = np.clip(counts, 1, tokens // model.interval_tokens + 1)

    effect = model.settled_length_effect
    lateness = effect * score + math.sqrt(1 - effect**2) * rng.standard_normal(shape)
    median = posed.draw(model.settled, rng)[:, None]
    spread = np.exp(posed.draw(model.settled_spread, rng))[:, None]
    before = _share(median + spread * lateness)
    settled = np.clip(np.floor(before * counts).astype(np.int64), 0, counts - 1)

    probes = np.repeat(finals.reshape(-1, 1), counts.max(), axis=1)
    guesses = _pool(model.guesses, model.guess_discount, _GUESS, posed, rng)
    aims = rng.random(len(guesses.answers)) < model.aim
    question = np.arange(len(guesses.answers)) // _POPULAR
    guesses = _Pool(guesses.ends, np.where(aims, wrong.draw(question, rng), guesses.answers))
    unreadable = _share(posed.draw(model.unreadable, rng))
    _wander(model, probes, settled.ravel(), unreadable, guesses, rng)
    return probes.reshape(*shape, -1), counts


def _wander(
    model: SimulatedModel,
    probes: Integers,
    settled: Integers,
    unreadable: Floats,
    guesses: _Pool,
    rng: np.random.Generator,
) -> None:
    """Overwrite each row of `probes` [branch, interval] up to where the branch has settled.

    A branch has an answer in mind, which it keeps or changes at each interval; whether the
    probe can be read at all is a second chain with two states.
    """
    rows = len(probes)
    question = np.arange(rows) // (rows // len(unreadable))
    mind = np.empty(rows, dtype=np.int64)
    hidden = np.zeros(rows, dtype=bool)
    for interval in range(int(settled.max())):
        now = np.flatnonzero(settled > interval)
        final = probes[now, -1]
        progress = interval / settled[now]
        foresight = model.foresight_start + progress * (model.foresight_end - model.foresight_start)
        guess = guesses.draw(question[now], rng)
        rare = rng.integers(_RARE, _ANSWERS, len(now))
        thought = np.where(rng.random(len(now)) < model.stray * progress, rare, guess)
        thought = np.where(rng.random(len(now)) < foresight, final, thought)
        if interval > 0:
            stays = rng.random(len(now)) < model.stay
            thought = np.where(stays, mind[now], thought)
        mind[now] = thought
        share = unreadable[question[now]]
        if interval > 0:
            share = share + model.unreadable_stay * (hidden[now] - share)
        hidden[now] = rng.random(len(now)) < share
        probe = np.where(hidden[now], _UNREADABLE, thought)
        # The last probe before settling differs from the final answer: else it has settled.
        early = (settled[now] == interval + 1) & (probe == final)
        probes[now, interval] = np.where(early, rare, probe)


def _branches(
    texts: list[str],
    tokens: list[int],
    finals: list[int],
    probes: list[list[int]],
    counts: list[int],
) -> list[BranchTrace]:
    """One question's branches; `texts` has the unreadable answer at its end, so at -1."""
    return [
        BranchTrace([texts[answer] for answer in row[:count]], length, texts[final])
        for length, final, row, count in zip(tokens, finals, probes, counts, strict=True)
    ]
