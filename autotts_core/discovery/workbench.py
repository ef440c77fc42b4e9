"""The workbench: all that an explorer sees of a run, and may do in it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autotts_core import __version__
from autotts_core.discovery.history import History
from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.discovery.selection import Means, Questions, value, where_tokens_fall
from autotts_core.errors import ControllerError
from autotts_core.evaluator.parent import EpisodeKey, Evaluator
from autotts_core.frontier import Frontier
from autotts_core.recipe.schema import Recipe, Selection
from autotts_core.replay.interpreted import ReplayedEpisode
from autotts_core.secrets import redacted
from autotts_core.store import ReplayStore

CONTROLLER = "controller"
"""What a proposed controller is called in its scores."""

Report = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, eq=False)
class Session:
    """What all rounds have in common that one process works on."""

    recipe: Recipe
    run: RunDirectory
    workers: int
    clock: Clock
    report: Report
    layers: tuple[str, ...]

    def evaluator(self, stores: Sequence[ReplayStore]) -> Evaluator:
        """What scores proposals on `stores`, as the recipe says."""
        return Evaluator(stores, self.recipe.seeds, self.recipe.limits, self.workers, self.layers)


@dataclass(frozen=True, eq=False)
class Workbench:
    """One round of a run, as its explorer sees it. Nothing of the held-out set is on it.

    `stores` is the search set, `history` everything proposed so far, `baselines` what there is
    to beat on the search set. Rounds count from 1.
    """

    stores: Sequence[ReplayStore]
    history: History
    baselines: Sequence[Frontier]
    round: int
    _session: Session

    @property
    def betas(self) -> tuple[float, ...]:
        """The β grid on which proposals are scored."""
        return self._session.recipe.betas

    @property
    def seeds(self) -> range:
        """The seeds with which each question is replayed."""
        return range(self._session.recipe.seeds)

    @property
    def rounds(self) -> int:
        """The number of rounds that the run has at most."""
        return self._session.recipe.rounds

    @property
    def seed(self) -> tuple[int, ...]:
        """For everything random in this round, as `numpy.random.default_rng` takes it."""
        return self._session.recipe.seed, self.round

    @property
    def workers(self) -> int:
        """The number of cores to use; results may not depend on it."""
        return self._session.workers

    def evaluate(self, source: str) -> Frontier:
        """Check `source` and score it on the search set, in a process of its own.

        Free of charge and remembered by content. Raises `ControllerError` that says what is
        wrong with the controller, and where: it does not parse, uses what a controller may not,
        has a schedule that is not deterministic or not monotone, fails in an episode, or spends
        fewer tokens at a larger β.
        """
        folder = self._session.run.evaluation(self._key(source))
        if not folder.exists():
            with self._session.run.new_folder(folder) as draft:
                try:
                    frontier = self._evaluator.evaluate(source, CONTROLLER, self.betas)
                    frontier.write(draft)
                    fault = where_tokens_fall(frontier)
                except ControllerError as error:
                    fault = str(error)
                if fault:
                    (draft / "fault.txt").write_text(fault, encoding="utf-8")
            self._session.run.note(
                "evaluated", round=self.round, explored=self._session.clock.seconds()
            )
        if (folder / "fault.txt").exists():
            raise ControllerError((folder / "fault.txt").read_text(encoding="utf-8"))
        return Frontier.read(folder)

    @contextmanager
    def variants(self, source: str, seeds: int) -> Iterator[Callable[[str], Frontier]]:
        """Scores sources that are `source` but for the numbers in their schedules.

        With seeds 0 to `seeds` - 1, at every β, many times faster than `evaluate`, for nothing
        is compiled again; and nothing is kept. Errors as `evaluate` has.
        """
        evaluator = replace(self._evaluator, seeds=min(seeds, len(self.seeds)))
        with evaluator.variants(source, CONTROLLER, self.betas) as scored:
            yield scored

    def check(self, source: str) -> list[dict[str, float]]:
        """Check `source` without scoring it; gives its parameters at each of `betas`.

        Raises `ControllerError` for what can be found without replaying anything.
        """
        return self._evaluator.schedule(source, CONTROLLER, self.betas)

    def episodes(self, source: str, keys: Sequence[EpisodeKey]) -> list[ReplayedEpisode]:
        """Episodes with every action and what it revealed; errors as `evaluate` has."""
        return self._evaluator.episodes(source, CONTROLLER, keys)

    @property
    def selection(self) -> Selection:
        """How the run will choose among all proposals."""
        return self._session.recipe.selection

    def value(
        self,
        frontier: Frontier | Means,
        questions: Questions | None = None,
        selection: Selection | None = None,
    ) -> float:
        """What the run's selection rule makes of a frontier: larger is better.

        Takes the means alone as well, for explorers that score candidates by the thousand.
        `questions` leaves all others of each store out, for cross-validation. `selection` is
        another rule than the run's, such as one that weighs latency otherwise.
        """
        means = Means.of(frontier) if isinstance(frontier, Frontier) else frontier
        return value(means, selection or self.selection, self.stores, self.seeds, questions)

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """The JSON value of `compute()`, computed once in the life of the run.

        It is on disk before this returns; when the round is taken up again after an
        interruption, the same `name` gives the same value and nothing is computed. Names are
        those of a round: letters, digits, '.', '-' and '_'.
        """
        return self._session.run.once(self.round, name, compute)

    def kept(self, name: str) -> Any | None:
        """What `once` computed under `name` in this round, None if it has not yet."""
        return next(iter(self._session.run.journal(name, range(self.round, self.round + 1))), None)

    @property
    def scratch(self) -> Path:
        """A directory for an explorer's own files in this round; nothing else looks at it."""
        path = self._session.run.round(self.round) / "scratch"
        path.mkdir(parents=True, exist_ok=True)
        return path.absolute()

    def earlier(self, name: str) -> list[Any]:
        """What earlier rounds kept under `name` with `once`, oldest first."""
        return self._session.run.journal(name, range(1, self.round))

    def charge(self, name: str, dollars: float) -> None:
        """Book `dollars`; charging the same `name` of a round again changes nothing."""
        self._session.run.charge(self.round, name, dollars)
        self._session.report({"kind": "charged", "dollars": self._session.run.dollars()})

    @property
    def dollars(self) -> float:
        """What this round was charged so far."""
        return self._session.run.dollars(self.round)

    @property
    def dollars_left(self) -> float:
        """What the budget leaves; infinite without one."""
        limit = self._session.recipe.budget.dollars
        return float("inf") if limit is None else limit - self._session.run.dollars()

    @property
    def seconds_left(self) -> float:
        """What the budget leaves; infinite without one."""
        limit = self._session.recipe.budget.seconds
        return float("inf") if limit is None else limit - self._session.clock.seconds()

    def progress(self, candidates: int, note: str = "") -> None:
        """Tell whoever watches the run how many candidates were tried so far in this round."""
        seconds = self._session.clock.seconds()
        self._session.run.note(
            "progress", round=self.round, candidates=candidates, explored=seconds
        )
        self._session.report(
            {"kind": "progress", "round": self.round, "candidates": candidates, "note": note}
        )

    def say(self, text: str) -> None:
        """Tell whoever watches the run, and `events.jsonl`, what happens, in a line for people."""
        text = redacted(text)
        self._session.run.note(
            "explorer", round=self.round, text=text, explored=self._session.clock.seconds()
        )
        self._session.report({"kind": "explorer", "text": text})

    def transcribe(self, facts: Mapping[str, Any]) -> None:
        """Append a line to the round's `transcript.jsonl`: what was said, as it comes in."""
        self._session.run.transcribe(self.round, facts)

    @property
    def _evaluator(self) -> Evaluator:
        return self._session.evaluator(self.stores)

    def _key(self, source: str) -> str:
        digest = hashlib.sha256()
        stores = [store.digest for store in self.stores]
        for part in (__version__, source, stores, self.betas, self._session.recipe.seeds):
            digest.update(repr(part).encode() + b"\0")
        return digest.hexdigest()[:32]


class Clock:
    """Seconds spent exploring, over all the processes that worked on a run."""

    def __init__(self, run: RunDirectory) -> None:
        self._before = max((line.get("explored", 0.0) for line in run.noted()), default=0.0)
        self._began = time.monotonic()

    def seconds(self) -> float:
        """So far."""
        return round(self._before + time.monotonic() - self._began, 3)
