"""Fits a simulated model to real traces, and shows how close the simulation comes to them.

    python plugins/autotts-sim/fit.py TRACES... [--name NAME | --preset NAME]

TRACES are files that the importer `autotts-json` reads (`MODEL/BENCHMARK.json`); questions of
several are pooled. Prints the model as Python source, then statistics of the real traces beside
those of simulated ones. The presets come from here, and the tests compare by `statistics`.
"""

from __future__ import annotations

import argparse
import itertools
import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
from autotts_sim.models import PerQuestion, SimulatedModel
from autotts_sim.simulator import simulate

from autotts_core.plugins import registry
from autotts_core.traces import QuestionTrace, TraceSet

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

UNREADABLE = ("ERR", "No")
MAX_TOKENS, TRUNCATION_TOKENS = 41_500, 600
CEILING_TOKENS = 50_000
GROUPS = 15
_NORMAL = NormalDist()


def read(paths: Sequence[Path]) -> list[TraceSet]:
    """The traces in `paths`, files of the released form."""
    return list(registry().get("trace importer", "autotts-json").configure({}).read(paths))


@dataclass(frozen=True)
class Question:
    """One question's branches as numbers: answers are codes, 0 the right one, -1 unreadable."""

    tokens: Integers
    """[branch]"""
    finals: Integers
    """[branch]"""
    counts: Integers
    """Probes [branch]."""
    probes: Integers
    """[branch, interval]; after a branch's last probe, its final answer."""
    settled: Integers
    """Probes [branch] before the first from which on all are the final answer."""
    no_share: float
    """Of the unreadable probes, those that say `No`."""

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """[branch]"""
        right: npt.NDArray[np.bool_] = self.finals == 0
        return right

    @classmethod
    def of(cls, trace: QuestionTrace) -> Question:
        """The numbers of `trace`."""
        codes = {trace.gold_answer: 0, **dict.fromkeys(UNREADABLE, -1)}
        said = [text for branch in trace.branches for text in (*branch.probes, branch.final)]
        for text in said:
            codes.setdefault(text, len(codes))
        finals = np.array([codes[branch.final] for branch in trace.branches])
        counts = np.array([len(branch.probes) for branch in trace.branches])
        probes = np.repeat(finals[:, None], max(counts.max(), 1), axis=1)
        for row, branch in zip(probes, trace.branches, strict=True):
            row[: len(branch.probes)] = [codes[text] for text in branch.probes]
        differs = probes != finals[:, None]
        last = probes.shape[1] - np.argmax(differs[:, ::-1], axis=1)
        settled = np.where(differs.any(axis=1), last, 0)
        tokens = np.array([branch.tokens for branch in trace.branches])
        no_share = said.count("No") / max(1, said.count("No") + said.count("ERR"))
        return cls(tokens, finals, counts, probes, settled, no_share)


# ---- statistics ---------------------------------------------------------------------------


def statistics(traces: Sequence[TraceSet]) -> dict[str, float]:
    """What a simulation should share with reality, by name; shares are from 0 to 1."""
    questions = [Question.of(each) for one in traces for each in one.questions]
    interval = traces[0].interval_tokens
    tokens = np.concatenate([each.tokens for each in questions])
    counts = np.concatenate([each.counts for each in questions])
    settled = np.concatenate([each.settled for each in questions])
    votes = [np.unique(each.finals, return_counts=True) for each in questions]
    top = np.array([count.max() / count.sum() for _, count in votes])
    leads = np.array([codes[count.argmax()] == 0 for codes, count in votes])
    present = np.array([bool((codes == 0).any()) for codes, _ in votes])
    early, late = zip(*map(_halves, questions), strict=True)
    found = {f"accuracy of SC@{k}": voted_accuracy(questions, k) for k in (1, 4, 16, 64)}
    found |= {
        f"branch tokens, quantile {q:.2f}": float(np.quantile(tokens, q))
        for q in (0.05, 0.25, 0.5, 0.75, 0.95)
    }
    found |= {
        "truncated branches": float(np.mean(np.concatenate(list(map(_truncated, questions))))),
        "accuracy of the shorter half": float(np.mean(early)),
        "accuracy of the longer half": float(np.mean(late)),
        "probes less tokens // 500, mean": float(np.mean(counts - tokens // interval)),
        "settling interval, mean": float(np.mean(settled + 1)),
        "settling interval, median": float(np.median(settled + 1)),
        "settling interval, quantile 0.90": float(np.quantile(settled + 1, 0.9)),
        "settling interval / probes, median": float(np.median((settled + 1) / counts)),
        "probes after settling, median": float(np.median(counts - settled - 1)),
        "changes from probe to probe": float(
            np.mean(np.concatenate(list(map(_changes, questions))))
        ),
        "different probes of a branch, median": float(
            np.median(np.concatenate(list(map(_different, questions))))
        ),
        "unreadable probes": float(
            sum(((each.probes == -1) & _asked(each)).sum() for each in questions) / counts.sum()
        ),
        "different final answers of a question, mean": float(
            np.mean([len(codes) for codes, _ in votes])
        ),
        "questions never answered right": float(np.mean(~present)),
        "questions with a wrong majority, right answer present": float(np.mean(present & ~leads)),
        "questions with a top answer below 50 %": float(np.mean(top < 0.5)),
    }
    for k in (4, 16):
        shares = [share for each in questions if (share := _top_guess(each, k - 1)) is not None]
        found[f"top answer of unsettled branches, interval {k}"] = float(np.mean(shares))
    for k in (4, 8, 16, 32):
        found[f"accuracy of all probes' majority, interval {k}"] = float(
            np.mean(
                [
                    _majority(each.probes[:, min(k, each.probes.shape[1]) - 1]) == 0
                    for each in questions
                ]
            )
        )
    return found


def voted_accuracy(questions: Sequence[Question], width: int, orders: int = 100) -> float:
    """Accuracy of the majority of `width` branches, over `orders` shuffles of each question."""
    rng = np.random.default_rng(0)
    scores = []
    for each in questions:
        codes = np.unique(each.finals, return_inverse=True)[1]
        gold = codes[each.right][0] if each.right.any() else -1
        for _ in range(orders):
            drawn = rng.permutation(codes)[:width]
            # On a tie the answer whose first vote came first.
            votes = np.bincount(drawn)
            tied = votes[drawn] == votes.max()
            scores.append(drawn[tied.argmax()] == gold)
    return float(np.mean(scores))


def _halves(question: Question) -> tuple[float, float]:
    order = np.argsort(question.tokens, kind="stable")
    half = len(order) // 2
    return question.right[order[:half]].mean(), question.right[order[half:]].mean()


def _truncated(question: Question) -> npt.NDArray[np.bool_]:
    truncated: npt.NDArray[np.bool_] = question.tokens >= MAX_TOKENS - TRUNCATION_TOKENS
    return truncated


def _asked(question: Question) -> npt.NDArray[np.bool_]:
    return np.arange(question.probes.shape[1]) < question.counts[:, None]


def _changes(question: Question) -> npt.NDArray[np.bool_]:
    differ = question.probes[:, 1:] != question.probes[:, :-1]
    changes: npt.NDArray[np.bool_] = differ[_asked(question)[:, 1:]]
    return changes


def _different(question: Question) -> Integers:
    return np.array(
        [
            len(set(row[:n].tolist()))
            for row, n in zip(question.probes, question.counts, strict=True)
        ]
    )


def _top_guess(question: Question, interval: int) -> float | None:
    """Share of the most frequent readable probe among branches yet to settle, if 20 are left."""
    left = question.probes[question.settled > interval, min(interval, question.probes.shape[1] - 1)]
    votes = np.unique(left[left != -1], return_counts=True)[1]
    return float(votes.max() / votes.sum()) if votes.sum() >= 20 else None


def _majority(codes: Integers) -> int:
    values, votes = np.unique(codes, return_counts=True)
    return int(values[votes.argmax()])


# ---- fitting ------------------------------------------------------------------------------


def fit(traces: Sequence[TraceSet], name: str) -> SimulatedModel:
    """The simulated model closest to `traces`, each part fitted on its own.

    By maximum likelihood: the right answer's share, and the Pitman-Yor processes of wrong
    answers and guesses. By moments and quantiles: the rest.
    """
    questions = [Question.of(each) for one in traces for each in one.questions]
    interval = traces[0].interval_tokens
    difficulty = _difficulty(questions)
    scores = [_normal_scores(each.tokens) for each in questions]
    finals = np.concatenate([each.finals for each in questions])
    shares = np.sort([each.right.mean() for each in questions])
    wrong, wrong_discount = _fit_pool(
        [_partition(each.finals[each.finals > 0]) for each in questions], difficulty
    )
    lengths = [_logit(each.tokens / CEILING_TOKENS) for each in questions]
    deviations = np.concatenate([(each - np.median(each)) / _scale(each) for each in lengths])
    ended = np.concatenate([~_truncated(each) for each in questions])
    unprobed = [
        np.log(max(1e-3, float(np.median(1 - (each.counts - 0.5) * interval / each.tokens))))
        for each in questions
    ]
    settled = [_logit((each.settled + 0.5) / each.counts) for each in questions]
    wanderings = [Wandering.of(each) for each in questions]
    guesses, guess_discount = _fit_pool([each.guesses for each in wanderings], difficulty)
    foresight_start, foresight_end = _fit_foresight(wanderings)
    model = SimulatedModel(
        name=name,
        right=tuple(map(np.mean, np.array_split(shares[::-1], GROUPS))),
        wrong_answers=wrong,
        wrong_discount=wrong_discount,
        unreadable_final=float(np.mean(finals[finals != 0] == -1)),
        length=_per_question([np.median(each) for each in lengths], difficulty),
        length_spread=_per_question([np.log(_scale(each)) for each in lengths], difficulty),
        short_tail=_tail(-deviations[ended]),
        long_tail=_tail(deviations[ended]),
        endless=0.0,
        max_tokens=MAX_TOKENS,
        length_effect=_fit_length_effect(questions, scores),
        truncated_right=1.0,
        unprobed=_per_question(unprobed, difficulty),
        settled=_per_question([np.median(each) for each in settled], difficulty),
        settled_spread=_per_question([np.log(_scale(each)) for each in settled], difficulty),
        settled_length_effect=float(
            np.mean(
                [
                    np.corrcoef(score, _normal_scores(each))[0, 1]
                    for score, each in zip(scores, settled, strict=True)
                ]
            )
        ),
        stay=0.5,
        guesses=guesses,
        guess_discount=guess_discount,
        aim=sum(each.aimed.sum() for each in wanderings)
        / sum((each.readable & ~each.own).sum() for each in wanderings),
        stray=0.1,
        foresight_start=foresight_start,
        foresight_end=foresight_end,
        unreadable=_per_question([_logit(each.unreadable) for each in wanderings], difficulty),
        unreadable_stay=_fit_unreadable_stay(wanderings),
        no_share=float(np.mean([each.no_share > 0.5 for each in questions])),
        ceiling_tokens=CEILING_TOKENS,
        truncation_tokens=TRUNCATION_TOKENS,
        interval_tokens=interval,
    )
    return _rounded(_matched(model, questions))


@dataclass(frozen=True)
class Wandering:
    """One question's probes before settling, all arrays [branch, interval]."""

    codes: Integers
    asked: npt.NDArray[np.bool_]
    """Where there is such a probe; the masks below hold only where this does."""
    readable: npt.NDArray[np.bool_]
    own: npt.NDArray[np.bool_]
    """Equal to the branch's own final answer."""
    aimed: npt.NDArray[np.bool_]
    """Equal to a final answer of three or more other branches."""
    progress: Floats
    """From 0, at the branch's start, to 1, where it settles."""
    last: npt.NDArray[np.bool_]
    """The last one before settling, which cannot be the final answer."""

    @classmethod
    def of(cls, question: Question) -> Wandering:
        """The probes before settling of `question`."""
        interval = np.arange(question.probes.shape[1])[None, :]
        settled = question.settled[:, None]
        asked = interval < settled
        readable = asked & (question.probes != -1)
        own = readable & (question.probes == question.finals[:, None])
        finals, votes = np.unique(question.finals, return_counts=True)
        aimed = readable & ~own & np.isin(question.probes, finals[votes >= 3])
        progress = interval / np.maximum(settled, 1)
        return cls(
            question.probes,
            asked,
            readable,
            own,
            aimed,
            progress,
            asked & (interval == settled - 1),
        )

    @property
    def guesses(self) -> Integers:
        """How often each guess comes in the fourth interval, when branches have few strays."""
        at = min(3, self.codes.shape[1] - 1)
        return _partition(self.codes[:, at][(self.readable & ~self.own)[:, at]])

    @property
    def unreadable(self) -> float:
        """Share of unreadable probes, kept off 0 and 1."""
        hidden = (self.asked & ~self.readable).sum()
        return float((hidden + 0.1) / (self.asked.sum() + 0.2))


def _difficulty(questions: Sequence[Question]) -> Floats:
    """Standard normal [question], from ranks: fewer right branches, else longer ones, is harder."""
    keys = [(-each.right.mean(), np.median(each.tokens)) for each in questions]
    ranks = np.argsort(np.lexsort(np.array(keys).T[::-1]))
    return _normal_scores(ranks)


def _normal_scores(values: npt.NDArray[Any]) -> Floats:
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.array([_NORMAL.inv_cdf(p) for p in ((ranks + 0.5) / len(values)).tolist()])


def _scale(values: Floats) -> float:
    low, high = np.quantile(values, (0.25, 0.75))
    return max(0.05, float(high - low) / 1.349)


def _logit(share: Any) -> Any:
    return np.log(share / (1 - share))


def _tail(deviations: Floats) -> float:
    """Tukey's h of the upper half of deviations whose middle half is standard normal."""
    estimates = [
        math.log(np.quantile(deviations, p) / _NORMAL.inv_cdf(p)) * 2 / _NORMAL.inv_cdf(p) ** 2
        for p in (0.95, 0.99, 0.995)
    ]
    return max(0.0, float(np.mean(estimates)))


def _per_question(values: Sequence[float], difficulty: Floats) -> PerQuestion:
    slope, center = np.polyfit(difficulty, values, 1)
    return PerQuestion(center, slope, np.std(values - center - slope * difficulty, ddof=2))


def _fit_pool(partitions: Sequence[Integers], difficulty: Floats) -> tuple[PerQuestion, float]:
    """Log concentration and discount of the Pitman-Yor processes that gave `partitions`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)

    def likelihood(center: float, slope: float, log_spread: float, discount: float) -> float:
        if not 0 <= discount < 0.95:
            return -math.inf
        total = 0.0
        for counts, d in zip(partitions, difficulty, strict=True):
            if len(counts):
                theta = np.exp(center + slope * d + math.exp(log_spread) * nodes)
                log = _log_partition(counts, theta, discount)
                total += float(_log_mean(log[None, :], weights)[0])
        return total

    center, slope, log_spread, discount = _maximise(likelihood, (1.0, 0.0, 0.0, 0.2))
    return PerQuestion(center, slope, math.exp(log_spread)), discount


def _log_partition(counts: Integers, theta: Floats, discount: float) -> Floats:
    """Log probability of seeing `counts` [answer], for each concentration."""
    tables = np.arange(1, len(counts))[:, None]
    drawn = np.arange(1, counts.sum())[:, None]
    grown = sum(math.lgamma(n - discount) - math.lgamma(1 - discount) for n in counts.tolist())
    opened = np.log(theta + tables * discount).sum(axis=0)
    result: Floats = opened - np.log(theta + drawn).sum(axis=0) + grown
    return result


def _log_mean(log: Floats, weights: Floats) -> Floats:
    top = log.max(axis=1, keepdims=True)
    result: Floats = np.log(np.exp(log - top) @ (weights / weights.sum())) + top[:, 0]
    return result


def _partition(codes: Integers) -> Integers:
    return np.unique(codes, return_counts=True)[1]


def _maximise(objective: Callable[..., float], start: Sequence[float]) -> list[float]:
    """A local maximum by compass search, to 0.005 in each variable."""
    best, step = list(start), 0.5
    value = objective(*best)
    while step > 0.005:
        for place, sign in itertools.product(range(len(best)), (1, -1)):
            trial = [*best]
            trial[place] += sign * step
            found = objective(*trial)
            if found > value:
                best, value = trial, found
                break
        else:
            step /= 2
    return best


def _fit_length_effect(questions: Sequence[Question], scores: Sequence[Floats]) -> PerQuestion:
    """From the questions whose right answer is neither rare nor sure, where it can be told."""
    effects = []
    for each, score in zip(questions, scores, strict=True):
        share = float(each.right.mean())
        if 0.06 < share < 0.94:
            # Under the copula the mean of score * right is -effect * density at the bar.
            density = _NORMAL.pdf(_NORMAL.inv_cdf(share))
            effects.append(np.clip(-np.mean(score * each.right) / density, -0.95, 0.95))
    scaled = np.arctanh(effects)
    return PerQuestion(float(np.mean(scaled)), 0.0, float(np.std(scaled, ddof=1)))


def _matched(model: SimulatedModel, questions: Sequence[Question]) -> SimulatedModel:
    """The model with what only simulation can tell: each of these statistics is as in reality."""

    def truncated(of: Sequence[Question]) -> float:
        return float(np.mean(np.concatenate(list(map(_truncated, of)))))

    def truncated_right(of: Sequence[Question]) -> float:
        return float(np.mean(np.concatenate([each.right[_truncated(each)] for each in of])))

    def same(of: Sequence[Question]) -> float:
        return 1 - float(np.mean(np.concatenate(list(map(_changes, of)))))

    def different(of: Sequence[Question]) -> float:
        return float(np.mean(np.concatenate(list(map(_different, of)))))

    for key, statistic in [
        ("endless", truncated),
        ("truncated_right", truncated_right),
        *[("stray", different), ("stay", same)] * 3,
    ]:
        target = statistic(questions)
        low, high = 0.0, 1.0
        # All of them grow with their parameter.
        for _ in range(9):
            middle = (low + high) / 2
            values: dict[str, Any] = {key: middle}
            model = replace(model, **values)
            found = statistic([Question.of(each) for each in simulate(model, 90).questions])
            low, high = (middle, high) if found < target else (low, middle)
    return model


def _fit_foresight(wanderings: Sequence[Wandering]) -> tuple[float, float]:
    masks = [each.readable & ~each.last for each in wanderings]
    progress = np.concatenate([w.progress[m] for w, m in zip(wanderings, masks, strict=True)])
    own = np.concatenate([w.own[m] for w, m in zip(wanderings, masks, strict=True)])
    slope, start = np.polyfit(progress, own.astype(float), 1)
    return max(0.0, float(start)), max(0.0, float(start + slope))


def _fit_unreadable_stay(wanderings: Sequence[Wandering]) -> float:
    excess = room = 0.0
    for each in wanderings:
        hidden = each.asked & ~each.readable
        after = hidden[:, :-1] & each.asked[:, 1:]
        excess += float((after & hidden[:, 1:]).sum() - after.sum() * each.unreadable)
        room += float(after.sum() * (1 - each.unreadable))
    return max(0.0, excess / room)


def _rounded(model: SimulatedModel) -> SimulatedModel:
    """The model to three decimals."""

    def short(value: Any) -> Any:
        if isinstance(value, PerQuestion):
            return PerQuestion(*(round(float(each), 3) for each in astuple(value)))
        if isinstance(value, tuple):
            return tuple(round(float(each), 3) for each in value)
        return value if isinstance(value, str | int) else round(float(value), 3)

    values: dict[str, Any] = {each.name: short(getattr(model, each.name)) for each in fields(model)}
    return SimulatedModel(**values)


# ---- output -------------------------------------------------------------------------------


def source(model: SimulatedModel) -> str:
    """Python source of `model`, without what is at its default."""
    lines = [
        textwrap.fill(
            f"{each.name}={getattr(model, each.name)!r},",
            width=90,
            initial_indent=" " * 4,
            subsequent_indent=" " * 8,
        ).replace("'", '"')
        for each in fields(model)
        if getattr(model, each.name) != each.default
    ]
    return "\n".join(["SimulatedModel(", *lines, ")"])


def compared(
    traces: Sequence[TraceSet], model: str | SimulatedModel, stores: int = 10
) -> list[tuple[str, float, float, float]]:
    """Each statistic: its name, in `traces`, simulated on average, and its standard deviation.

    Simulated means: of `stores` stores, each with other questions, as large as those of `traces`.
    """
    real = statistics(traces)
    size = len(traces[0].questions), len(traces[0].questions[0].branches)
    samples = [statistics([simulate(model, *size, seed)]) for seed in range(stores)]
    values = {name: np.array([each[name] for each in samples]) for name in real}
    return [
        (name, value, float(values[name].mean()), float(values[name].std()))
        for name, value in real.items()
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fit a simulated model to real traces.")
    parser.add_argument("traces", nargs="+", type=Path, help="files MODEL/BENCHMARK.json")
    parser.add_argument("--name", default="sim-fitted", help="what the model is to be called")
    parser.add_argument("--preset", help="compare this preset instead of fitting a model")
    arguments = parser.parse_args()
    traces = read(arguments.traces)
    model: str | SimulatedModel = arguments.preset or fit(traces, arguments.name)
    if isinstance(model, SimulatedModel):
        print(source(model))
    print(f"\n{'':54}{'real':>10}{'simulated':>12}{'one store':>12}")
    for name, real, mean, deviation in compared(traces, model):
        print(f"{name:54}{real:10.3f}{mean:12.3f}{'± ' + format(deviation, '.3f'):>12}")


if __name__ == "__main__":
    main()
