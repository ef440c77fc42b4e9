"""What an interval-advance costs as a policy does more around it.

    uv run python benchmarks/parts.py --traces STORES

Each policy opens 64 branches and deepens them for 25 rounds; each does one thing more than the
one before. Nanoseconds of processor time for each interval, the best of several runs.
"""

import time
from pathlib import Path
from typing import Any

import click

from autotts_core.controller import Controller, Params
from autotts_core.episode import Episode
from autotts_core.replay.compiled import kernel_of
from autotts_core.replay.engine import replay
from autotts_core.store import ReplayStore, find_stores
from autotts_core.voting import majority


class Part(Controller):
    summary = "A part of Parallel-Probe"

    def schedule(self, beta: float) -> Params:
        return {"branches": 64, "rounds": 25}


class Open(Part):
    name = "open 64 branches"

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.branches):
            episode.branch()
        return -1


class Advance(Part):
    name = "and advance them"

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.branches):
            episode.branch()
        for _ in range(p.rounds):
            for i in range(episode.branches):
                episode.advance(i)
        return -1


class Read(Part):
    name = "and read finished"

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.branches):
            episode.branch()
        for _ in range(p.rounds):
            for i in range(episode.branches):
                if not episode.finished(i):
                    episode.advance(i)
        return -1


class Keep(Part):
    name = "and keep lists"

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.branches):
            episode.branch()
        votes = [episode.answer(i) for i in range(episode.branches)]
        running = [i for i in range(episode.branches) if not episode.finished(i)]
        for _ in range(p.rounds):
            for i in running:
                episode.advance(i)
            for i in running:
                votes[i] = episode.answer(i)
            running = [i for i in running if not episode.finished(i)]
        return votes[0]


class Vote(Part):
    name = "and vote each round"

    @staticmethod
    def policy(episode: Episode, p: Any) -> int:
        for _ in range(p.branches):
            episode.branch()
        votes = [episode.answer(i) for i in range(episode.branches)]
        running = [i for i in range(episode.branches) if not episode.finished(i)]
        winner = -1
        for _ in range(p.rounds):
            for i in running:
                episode.advance(i)
            for i in running:
                votes[i] = episode.answer(i)
            running = [i for i in running if not episode.finished(i)]
            winner = majority(votes)
        return winner


@click.command()
@click.option("--traces", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--repeat", default=6, show_default=True)
def main(traces: Path, repeat: int) -> None:
    """Measure the parts on the stores in TRACES."""
    stores = [ReplayStore.open(path) for path in find_stores([traces])]
    for cls in (Open, Advance, Read, Keep, Vote):
        controller = cls.configure({})
        kernel_of(controller)
        times, intervals = [], 0
        for _ in range(repeat):
            started = time.process_time()
            outcomes = [replay(controller, s, 0.0, range(100), workers=1) for s in stores]
            times.append(time.process_time() - started)
            intervals = sum(int(o.intervals.sum()) for o in outcomes)
        print(f"{cls.name:22}{1e9 * min(times) / intervals:6.1f} ns per interval")


if __name__ == "__main__":
    main()
