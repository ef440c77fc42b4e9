"""Reads the released format: one JSON file for each model and benchmark."""

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from autotts_core.errors import StoreError
from autotts_core.trace_importer import TraceImporter
from autotts_core.traces import BranchTrace, QuestionTrace, TraceSet

_KEYS = {
    "question": (str, "a string"),
    "gold_answer": (str, "a string"),
    "probe_freq": (int, "a number of tokens above 0, such as 500"),
    "each_branch": (list, "a list of [probes, tokens, final answer]"),
    "final_answers_trace": (list, "a list with the final answer of each branch"),
}
_MOST_TOKENS = 2**31 - 1


class JsonImporter(TraceImporter):
    """Reads the files released with the AutoTTS paper, and any others of their form.

    A file is called `<model>/<benchmark>.json`, which is where both names are taken from. It
    is a list of questions: `question`, `gold_answer`, `probe_freq` (tokens in an interval),
    `each_branch` (triples of probes, tokens, final answer) and `final_answers_trace` (the
    final answers again). Costs are counted by the `published` convention.
    """

    name: ClassVar[str] = "autotts-json"
    summary: ClassVar[str] = "JSON files released with the AutoTTS paper: MODEL/BENCHMARK.json"

    def read(self, sources: Sequence[Path]) -> Iterator[TraceSet]:
        """The traces in `sources`, each a file or a tree of `.json` files, in order of path.

        Warns once of each key that the format does not have. Raises `StoreError` that names
        the file, question and branch that is wrong; both count from 0.
        """
        unknown: set[str] = set()
        for (model, benchmark), path in _files(sources).items():
            yield _read_file(path, model, benchmark, unknown)


def _files(sources: Sequence[Path]) -> dict[tuple[str, str], Path]:
    """The files in `sources` by model and benchmark."""
    files: dict[tuple[str, str], Path] = {}
    for source in sources:
        if source.is_dir():
            found = sorted(path for path in source.rglob("*.json") if not _hidden(path, source))
            if not found:
                raise StoreError(f"{source}: no .json file here, nor in any directory below it.")
        elif source.exists():
            found = [source]
        else:
            raise StoreError(f"{source}: no such file or directory.")
        for path in map(Path.absolute, found):
            pair = path.parent.name, path.stem
            if not pair[0]:
                raise StoreError(f"{path}: must lie in a directory that is called like the model.")
            if files.setdefault(pair, path) != path:
                raise StoreError(
                    f"{path}: is for model {pair[0]!r} and benchmark {pair[1]!r}, as "
                    f"{files[pair]} is. Import one of them, or rename its directory."
                )
    return files


def _hidden(path: Path, tree: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(tree).parts)


def _read_file(path: Path, model: str, benchmark: str, unknown: set[str]) -> TraceSet:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}.") from None
    items = _parse(path, content)
    if not isinstance(items, list) or not items:
        _fail(str(path), "the file must be", "a list of questions, at least one", items)
    questions = []
    first_seen: dict[str, int] = {}
    for number, item in enumerate(items):
        where = f"{path}: question {number}"
        _check_question(item, where, path, unknown)
        if item["probe_freq"] != items[0]["probe_freq"]:
            raise StoreError(
                f"{where}: 'probe_freq' is {item['probe_freq']}, but {items[0]['probe_freq']} in "
                "question 0. It must be the same in the whole file."
            )
        same = first_seen.setdefault(item["question"], number)
        if same != number:
            raise StoreError(
                f"{where}: has the same text as question {same}. Each question must come once."
            )
        branches = [
            _branch(branch, item["probe_freq"], f"{where}, branch {index}")
            for index, branch in enumerate(item["each_branch"])
        ]
        _check_finals(item["final_answers_trace"], branches, where)
        # The format has no ids; a question's place in the file is the same for every model.
        questions.append(
            QuestionTrace(str(number), item["question"], item["gold_answer"], branches)
        )
    return TraceSet(
        model=model,
        benchmark=benchmark,
        interval_tokens=items[0]["probe_freq"],
        accounting="published",
        source=f"{model}/{path.name}",
        questions=questions,
        source_sha256=hashlib.sha256(content).hexdigest(),
    )


def _parse(path: Path, content: bytes) -> Any:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise StoreError(
            f"{path}: byte {error.start} is not UTF-8. The file must be JSON in UTF-8."
        ) from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        offset = len(text[: error.pos].encode())
        cut = (
            " The file ends too early: copy or download it again."
            if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
            else ""
        )
        raise StoreError(
            f"{path}: not JSON at line {error.lineno}, column {error.colno} (byte {offset} of "
            f"{len(content)}): {error.msg}.{cut}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: not readable as JSON: {error}.") from None


def _check_question(item: Any, where: str, path: Path, unknown: set[str]) -> None:
    if not isinstance(item, dict):
        _fail(where, "must be", "an object with " + ", ".join(_KEYS), item)
    missing = [key for key in _KEYS if key not in item]
    if missing:
        raise StoreError(
            f"{where}: lacks {', '.join(map(repr, missing))}. A question has {', '.join(_KEYS)}."
        )
    extra = sorted(item.keys() - _KEYS - unknown)
    if extra:
        unknown.update(extra)
        warnings.warn(
            f"{path}: ignored {', '.join(map(repr, extra))}: the format has no such keys",
            stacklevel=2,
        )
    for key, (kind, meaning) in _KEYS.items():
        if type(item[key]) is not kind:
            _fail(where, f"{key!r} must be", meaning, item[key])
    if item["probe_freq"] <= 0:
        _fail(where, "'probe_freq' must be", _KEYS["probe_freq"][1], item["probe_freq"])
    if not item["each_branch"]:
        _fail(where, "'each_branch' must be", "a list of one branch or more", item["each_branch"])


def _branch(item: Any, interval_tokens: int, where: str) -> BranchTrace:
    if not isinstance(item, list) or len(item) != 3:
        _fail(where, "must be", "three values: [probes, tokens, final answer]", item)
    probes, tokens, final = item
    if not isinstance(probes, list):
        _fail(where, "its probes must be", "a list of strings", probes)
    for number, probe in enumerate(probes, start=1):
        if not isinstance(probe, str):
            _fail(where, f"probe {number} must be", "a string", probe)
    # bool is a kind of int in Python, but `true` is no number of tokens.
    if type(tokens) is not int or not 0 <= tokens <= _MOST_TOKENS:
        _fail(where, "its tokens must be", f"a whole number from 0 to {_MOST_TOKENS}", tokens)
    if not isinstance(final, str):
        _fail(where, "its final answer must be", "a string", final)
    fit = tokens // interval_tokens + 1
    if len(probes) > fit:
        raise StoreError(
            f"{where}: has {len(probes)} probes, but {tokens} tokens at {interval_tokens} an "
            f"interval allow at most {fit}."
        )
    return BranchTrace(probes, tokens, final)


def _check_finals(finals: list[Any], branches: Sequence[BranchTrace], where: str) -> None:
    if len(finals) != len(branches):
        raise StoreError(
            f"{where}: 'final_answers_trace' has {len(finals)} answers for {len(branches)} "
            "branches. It must repeat the final answer of each."
        )
    for number, (final, branch) in enumerate(zip(finals, branches, strict=True)):
        if final != branch.final:
            raise StoreError(
                f"{where}, branch {number}: ends with {branch.final!r}, but 'final_answers_trace' "
                f"says {final!r}. They must be equal."
            )


def _fail(where: str, what: str, wanted: str, found: Any) -> NoReturn:
    text = json.dumps(found, ensure_ascii=False)
    shown = text if len(text) <= 60 else text[:57] + "..."
    raise StoreError(f"{where}: {what} {wanted}; it is {shown}.")
