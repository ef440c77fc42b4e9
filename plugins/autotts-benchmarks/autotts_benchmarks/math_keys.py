"""The keys of the `math` grader: own reading first, then math-verify in killable processes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from autotts_benchmarks.key_cache import KeyCache
from autotts_benchmarks.latex import LONGEST, canonical
from autotts_benchmarks.leash import read_on_leash
from autotts_benchmarks.structure import UnreadableError, answer_key, formula_key
from autotts_benchmarks.value import NotReadError, TooLargeError, value_key
from autotts_core.grader import NO_READING


def math_keys(
    answers: Sequence[str], version: int, workers: int, seconds: float
) -> list[str | None]:
    """The key of each answer. Keys that took work are kept in the cache directory."""
    with KeyCache(f"math-{version}") as cache:
        short = {answer for answer in answers if len(answer) <= LONGEST}
        keys = cache.get(sorted(short))
        new = sorted(short - keys.keys())
        for answer, key in zip(new, _keys(new, workers, seconds), strict=True):
            keys[answer] = key
        cache.put({answer: keys[answer] for answer in new})
    return [keys.get(answer) for answer in answers]


def _keys(answers: Sequence[str], workers: int, seconds: float) -> list[str | None]:
    left: dict[str, None] = {}
    texts = [None if answer in NO_READING else canonical(answer) for answer in answers]
    for text in texts:
        _key(text, {}, left)
    verified = read_on_leash(list(left), workers, seconds)
    return [_key(text, verified, {}) for text in texts]


def _key(text: str | None, verified: dict[str, str | None], left: dict[str, None]) -> str | None:
    """The key of a canonical answer; scalars that only math-verify may read are put in `left`."""

    def scalar(part: str, sample: int) -> str:
        try:
            return value_key(part, sample)
        except TooLargeError:
            return formula_key(part)
        except NotReadError:
            if part not in verified:
                left[part] = None
            key = verified.get(part)
            return formula_key(part) if key is None else key

    if text is None:
        return None
    try:
        key = answer_key(text, scalar)
    except UnreadableError:
        return None
    # A key may be as long as the number is; what it names stays the same.
    return key if len(key) <= 200 else "sha256:" + hashlib.sha256(key.encode()).hexdigest()
