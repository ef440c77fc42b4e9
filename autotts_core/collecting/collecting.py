"""One store, collected from an engine: asked for, sampled, resumed, graded and frozen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.collecting.collection import Collection
from autotts_core.collecting.collector import Collector, Tally
from autotts_core.collecting.journal import Journal
from autotts_core.errors import EngineError, StoreError
from autotts_core.model_tokenizer import ModelTokenizer
from autotts_core.plugins import registry
from autotts_core.retrying_engine import RetryingEngine
from autotts_core.store import write_store
from autotts_core.store.manifest import MANIFEST, Versioned
from autotts_core.traces import QuestionTrace, TraceSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autotts_core.engine_branch import BranchSettings
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
    if (out / MANIFEST).exists():
        raise StoreError(f"{out}: is there already, and a frozen store never changes.")
    tokenizer = ModelTokenizer(engine.tokenizer(collection.model))
    with _alone(out) as directory:
        settings = _settings(collection, engine, tokenizer)
        journal = Journal(directory, settings, collection.texts)
        retrying = RetryingEngine(engine)
        try:
            facts = await retrying.start(collection.model)
            _check_context(collection, facts, tokenizer)
            collector = Collector(
                retrying,
                collection.settings,
                collection.branches,
                collection.seed,
                collection.at_once,
                journal,
                report,
            )
            questions = collection.questions

            def asked(number: int) -> Any:
                return tokenizer.asked(collection.benchmark, questions[number].text)

            await collector.collect(len(questions), asked)
        finally:
            await retrying.close()
        _freeze(collection, facts, journal, out)
        journal.remove()
    return facts, collector.tally


@contextmanager
def _alone(out: Path) -> Iterator[Path]:
    """The directory of what is under way; `StoreError` where another process is at work there."""
    import fcntl

    directory = out.with_name(f".{out.name}.collecting")
    out.parent.mkdir(parents=True, exist_ok=True)
    lock = out.with_name(f".{out.name}.lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{out}: another process is collecting it.") from None
        try:
            yield directory
        finally:
            lock.unlink()


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


def _check_context(collection: Collection, facts: EngineFacts, tokenizer: ModelTokenizer) -> None:
    if facts.context is None:
        return
    asked = [tokenizer.asked(collection.benchmark, each.text) for each in collection.questions]
    longest = max(len(each.prompt) + len(each.probe) for each in asked)
    settings = collection.settings
    needed = longest + settings.max_tokens + settings.probe_tokens
    if needed > facts.context:
        raise EngineError(
            f"{collection.model}: its context of {facts.context:,} tokens is too short for the "
            f"longest prompt, {settings.max_tokens:,} tokens of a branch and a probe, {needed:,} "
            f"in all. Cut branches off at {facts.context - needed + settings.max_tokens:,}."
        )


def _freeze(collection: Collection, facts: EngineFacts, journal: Journal, out: Path) -> None:
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
