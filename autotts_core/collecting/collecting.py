"""One store, collected from an engine: asked for, sampled, resumed, graded and frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.collecting.collection import Collection
from autotts_core.collecting.collector import Collector, Tally
from autotts_core.collecting.journal import Journal
from autotts_core.collecting.locks import alone
from autotts_core.engine_branch import check_room
from autotts_core.errors import StoreError
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.retrying_engine import RetryingEngine
from autotts_core.store import write_store
from autotts_core.store.manifest import MANIFEST, Versioned
from autotts_core.traces import QuestionTrace, TraceSet

if TYPE_CHECKING:
    from autotts_core.engine_branch import BranchSettings, EngineQuestion
    from autotts_core.store.manifest import Scalar
    from autotts_core.trace_backend import Engine, EngineFacts

Report = Callable[[Tally], None]


async def collect(
    collection: Collection, engine: Engine, out: Path, report: Report
) -> tuple[EngineFacts, Tally]:
    """Make the store of `collection` in the new directory `out`.

    What is finished is kept beside it until all is: the same call goes on after an interruption,
    and gives the same store, as far as the engine repeats itself for the same seed. Raises
    `AutoTTSError` where something is missing, or another process works on it.
    """
    with under_way(collection, engine, out) as journal:
        numbers = range(len(collection.questions))
        facts, tally = await sample(collection, engine, journal, numbers, report)
        freeze(collection, facts, journal, out)
    return facts, tally


@contextmanager
def under_way(collection: Collection, engine: Engine, out: Path) -> Iterator[Journal]:
    """The journal of the store `out`, for this process alone; removed once `out` is there."""
    if (out / MANIFEST).exists():
        raise StoreError(f"{out}: is there already, and a frozen store never changes.")
    with alone(out) as directory:
        journal = opened_journal(collection, engine, directory)
        yield journal
        journal.remove()


def opened_journal(collection: Collection, engine: Engine, directory: Path) -> Journal:
    """The journal in `directory`, begun if need be; raises where it holds something else."""
    tokenizer = ModelTokenizer(engine.tokenizer(collection.model))
    return Journal(directory, _settings(collection, engine, tokenizer), collection.texts)


async def sample(
    collection: Collection,
    engine: Engine,
    journal: Journal,
    numbers: Sequence[int],
    report: Report,
) -> tuple[EngineFacts, Tally]:
    """Start the engine, sample what the journal lacks of the questions `numbers`, and close it."""
    tokenizer = ModelTokenizer(engine.tokenizer(collection.model))
    retrying = RetryingEngine(engine)
    questions = collection.questions

    def asked(number: int) -> EngineQuestion:
        return tokenizer.asked(collection.benchmark, questions[number].text)

    try:
        facts = await retrying.start(collection.model)
        every = map(asked, range(len(questions)))
        check_room(collection.model, every, collection.settings, facts.context)
        collector = Collector(
            retrying,
            collection.settings,
            collection.branches,
            collection.seed,
            collection.at_once,
            journal,
            report,
        )
        await collector.collect(numbers, asked)
    finally:
        await retrying.close()
    return facts, collector.tally


def _settings(collection: Collection, engine: Engine, tokenizer: ModelTokenizer) -> dict[str, Any]:
    """All that branches hang on."""
    first = collection.questions[0]
    asked = tokenizer.asked(collection.benchmark, first.text)
    return collection.settings.described() | {
        "model": collection.model,
        "benchmark": collection.benchmark.name,
        "questions": collection.benchmark.origin(),
        "branches": collection.branches,
        "seed": collection.seed,
        "backend": engine.name,
        # How a question is asked, down to the tokenizer and its chat template.
        "first_prompt": list(asked.prompt),
        "probe": list(asked.probe),
        **collection.stops,
        **collection.kept,
    }


def freeze(collection: Collection, facts: EngineFacts, journal: Journal, out: Path) -> None:
    """Write the store `out` from a journal that has every branch."""
    benchmark, settings = collection.benchmark, collection.settings
    questions = []
    for number, question in enumerate(collection.questions):
        found = journal.branches(number)
        branches = [found[k] for k in range(collection.branches)]
        questions.append(QuestionTrace(question.id, question.text, question.gold_answer, branches))
    model, _, _ = collection.name.rpartition("/")
    traces = TraceSet(
        model=model,
        benchmark=benchmark.name,
        interval_tokens=settings.interval_tokens,
        accounting="exact",
        source=f"{benchmark.origin()}, sampled on {facts.name} {facts.version}",
        questions=questions,
    )
    write_store(
        out,
        traces,
        grader=registry().get("grader", benchmark.grader)(),
        unreadable="apart",
        sampling={
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "top_k": settings.top_k,
            "max_tokens": settings.max_tokens,
            "probe_tokens": settings.probe_tokens,
            "seed": collection.seed,
            **collection.stops,
            **_confidence(settings),
        },
        engine=Versioned(name=facts.name, version=facts.version),
        prompt=benchmark.prompt_form(),
        probe=benchmark.probe_suffix(),
        texts=map(journal.texts, range(len(questions))) if collection.texts else None,
    )


def _confidence(settings: BranchSettings) -> dict[str, Scalar | list[str]]:
    if not settings.top_logprobs:
        return {}
    return {
        "top_logprobs": settings.top_logprobs,
        "confidence_window": settings.confidence_window,
    }
