"""One store, collected by several engines at a time, wherever an executor runs them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from autotts_core.collecting.collecting import (
    Report,
    freeze,
    opened_journal,
    sample,
    under_way,
)
from autotts_core.collecting.collection import Collection
from autotts_core.collecting.locks import at_work
from autotts_core.collecting.progress import Progress, watched

if TYPE_CHECKING:
    from autotts_core.collecting.collector import Tally
    from autotts_core.executor import Executor
    from autotts_core.trace_backend import Engine, EngineFacts


def collect_sharded(
    collection: Collection, engine: Engine, executor: Executor, out: Path, report: Report
) -> tuple[EngineFacts, Tally]:
    """Make the store that `collect` makes, with an engine like `engine` for each shard.

    A shard has every n-th question. `engine` itself is asked for its tokenizer only, and
    `report` is called from another thread.
    """
    questions = len(collection.questions)
    shards = _shards(questions, executor.workers)
    with under_way(collection, engine, out) as journal:
        progress = Progress(journal, questions, collection.branches)
        benchmark = collection.benchmark
        work = partial(
            collect_shard,
            # As it was made: what it has read since may be long, or not to be pickled.
            replace(collection, benchmark=type(benchmark)(benchmark.options)),
            type(engine),
            engine.options,
            journal.directory.absolute(),
        )
        with watched(progress, report):
            facts = dict(executor.map(work, shards))[0]
        tally = progress.tally()
        report(tally)
        freeze(collection, facts, journal, out)
    return facts, tally


def collect_shard(
    collection: Collection,
    backend: type[Engine],
    options: BaseModel,
    directory: Path,
    numbers: range,
) -> EngineFacts:
    """Sample what the journal in `directory` lacks of the questions `numbers`.

    Runs wherever the executor says, with an engine of its own. Done again, it goes on.
    """
    engine = backend(options)
    with at_work(directory):
        journal = opened_journal(collection, engine, directory)
        facts, _ = asyncio.run(sample(collection, engine, journal, numbers, lambda tally: None))
    return facts


def _shards(questions: int, workers: int) -> list[range]:
    """The numbers of each shard's questions; every n-th, so that shards are about as hard."""
    count = min(questions, workers)
    return [range(first, questions, count) for first in range(count)]
