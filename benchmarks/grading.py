"""Precision and recall of each grader on the corpus, and what raw math-verify gets wrong there.

python benchmarks/grading.py             # the graders
python benchmarks/grading.py --failures  # and math-verify by itself, pair by pair
"""

import json
import sys
from pathlib import Path

from autotts_core.plugins import registry

CORPUS = Path(__file__).parents[1] / "plugins/autotts-benchmarks/tests/corpus.jsonl"


def main() -> None:
    pairs = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    print(f"{len(pairs)} pairs, {sum(pair['same'] for pair in pairs)} of them the same")
    print(f"{'grader':16} precision  recall")
    for name in ("exact", "math", "numeric", "choice"):
        grader = registry().get("grader", name)()
        verdicts = []
        keys = grader.keys([pair[side] for pair in pairs for side in "ab"])
        for left, right in zip(keys[::2], keys[1::2], strict=True):
            verdicts.append(left is not None and left == right)
        report(f"{name}-{grader.version}", pairs, verdicts, shown=name == "math")
    if "--failures" in sys.argv:
        report("math-verify", pairs, [math_verify(pair) for pair in pairs], shown=True)


def math_verify(pair: dict[str, str]) -> bool:
    from math_verify import parse, verify

    gold, answer = (parse(f"${pair[side]}$") for side in "ab")
    return bool(verify(gold, answer))


def report(name: str, pairs: list[dict], verdicts: list[bool], shown: bool) -> None:
    hits = sum(v and pair["same"] for v, pair in zip(verdicts, pairs, strict=True))
    said, true = sum(verdicts), sum(pair["same"] for pair in pairs)
    precision = f"{hits / said:9.3f}" if said else "        -"
    print(f"{name:16} {precision}  {hits / true:6.3f}")
    for verdict, pair in zip(verdicts, pairs, strict=True):
        if shown and verdict != pair["same"]:
            said_same = "the same" if verdict else "different"
            print(f"    {pair['topic']}: {pair['a']!r} and {pair['b']!r} are called {said_same}")


if __name__ == "__main__":
    main()
