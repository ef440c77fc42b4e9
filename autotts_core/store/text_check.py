"""Checking that a store's texts give its intervals and answers again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotts_core.decoded_text import DecodedText, before_first
from autotts_core.errors import OptionError
from autotts_core.store.check import SHOWN, Problem
from autotts_core.store.manifest import ANSWERS, BRANCHES, PROBES, Manifest, read_manifest
from autotts_core.store.replay_store import read_table
from autotts_core.store.texts import TEXTS, read_texts

if TYPE_CHECKING:
    from autotts_core.benchmark import Benchmark
    from autotts_core.model_tokenizer import ModelTokenizer
    from autotts_core.traces import BranchText


def check_texts(store: Path, tokenizer: ModelTokenizer, benchmark: Benchmark) -> list[Problem]:
    """What is wrong with the texts of `store`, which `check_store` finds nothing wrong with.

    Cuts each branch's token ids into intervals again, decodes them, and parses the answers anew
    from what was written up to each probe and after it. Raises `OptionError` where `benchmark`
    is not what the store was made with, `StoreError` for a damaged store.
    """
    manifest = read_manifest(store)
    if TEXTS not in manifest.files:
        return [Problem(TEXTS, "is not there: the store was made without texts")]
    if (benchmark.prompt_form(), benchmark.probe_suffix()) != (manifest.prompt, manifest.probe):
        raise OptionError(
            f"{store}: was asked and probed in another form than benchmark {benchmark.name!r} has "
            f"with these options: its probe is {manifest.probe!r}, the benchmark's "
            f"{benchmark.probe_suffix()!r}. Give the options that it was made with."
        )
    check = _Check(manifest, tokenizer, benchmark)
    problems = (
        Problem(TEXTS, found, row.question, row.branch)
        for row, answers in zip(read_texts(store), _answers(store, manifest), strict=True)
        for found in check.problems(row.written, answers)
    )
    return list(islice(problems, SHOWN))


def _answers(store: Path, manifest: Manifest) -> Iterator[list[str]]:
    """The answers of each branch's probes, and its final one, as they are stored."""

    def columns(name: str, *wanted: str) -> Iterator[Any]:
        table = read_table(store, name, manifest.files.get(name), list(wanted))
        return zip(*(table[column].to_pylist() for column in wanted), strict=True)

    given = read_table(store, ANSWERS, manifest.files.get(ANSWERS))
    keys = zip(given["question"].to_pylist(), given["answer"].to_pylist(), strict=True)
    texts = dict(zip(keys, given["text"].to_pylist(), strict=True))
    probes = columns(PROBES, "question", "answer")
    for question, intervals, final in columns(BRANCHES, "question", "intervals", "final_answer"):
        own = [*islice(probes, intervals), (question, final)]
        yield [texts.get(key, "") for key in own]


class _Check:
    """What does not depend on the branch."""

    def __init__(self, manifest: Manifest, tokenizer: ModelTokenizer, benchmark: Benchmark) -> None:
        stop = (manifest.sampling or {}).get("stop")
        self._stop = stop if isinstance(stop, list) else ()
        self._interval = manifest.interval_tokens
        self._nothing = DecodedText(tokenizer.decode, tokenizer.unsettled)
        self._probe = benchmark.probe_suffix()
        self._parse = benchmark.parse_answer

    def problems(self, written: BranchText, stored: Sequence[str]) -> Iterator[str]:
        """What is wrong with a branch, in words."""
        ids, decoded = written.token_ids, self._nothing
        for k, after in enumerate(written.probes):
            decoded = decoded.plus(ids[k * self._interval : (k + 1) * self._interval])
            found = self._parse(decoded.text + self._probe + after)
            if found != stored[k]:
                yield f"probe {k + 1} answers {found!r} by its text, and {stored[k]!r} in {PROBES}"
        decoded = decoded.plus(ids[len(written.probes) * self._interval :])
        if before_first(self._stop, decoded.text) != written.text:
            yield "the token ids do not decode to the text"
        final = self._parse(written.text)
        if not final and written.final_probe is not None:
            final = self._parse(written.text + self._probe + written.final_probe)
        if final != stored[-1]:
            yield f"answers {final!r} by its text, and {stored[-1]!r} in {BRANCHES}"
