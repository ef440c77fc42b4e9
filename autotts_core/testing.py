"""For the tests of plugin authors: distributions and stores that exist only for one test."""

import base64
import dataclasses
import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autotts_core.replay.outcomes import Outcomes
    from autotts_core.store import ReplayStore
    from autotts_core.traces import BranchTrace


def toy_store(
    directory: Path,
    *questions: Sequence["BranchTrace"],
    gold_answer: str = "a",
    accounting: str = "published",
    interval_tokens: int = 500,
) -> "ReplayStore":
    """A new store below `directory`, small enough to work out what a controller does on it.

    Each question is given as its branches, in the order in which seed 0 opens them.
    """
    from autotts_core.replay.orders import branch_orders
    from autotts_core.store import ReplayStore, write_store
    from autotts_core.traces import QuestionTrace, TraceSet

    traced = []
    for number, branches in enumerate(questions):
        placed = list(branches)
        order = branch_orders(len(branches), range(1))[0].tolist()
        for branch, place in zip(branches, order, strict=True):
            placed[place] = branch
        traced.append(QuestionTrace(str(number), f"question {number}", gold_answer, placed))
    path = Path(tempfile.mkdtemp(dir=directory)) / "store"
    traces = TraceSet("toy", "sums", interval_tokens, accounting, "made for a test", traced)
    write_store(path, traces)
    return ReplayStore.open(path)


def assert_same_outcomes(a: "Outcomes", b: "Outcomes") -> None:
    """Two replays came out the same, episode by episode and in every number."""
    import numpy as np

    for field in dataclasses.fields(a):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), field.name)


def install_distribution(
    directory: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    entry_points: Mapping[str, str],
) -> None:
    """Install a distribution into `directory` as an installer would, without network or pip.

    `files` maps a path below `directory` to its text, `entry_points` a name in the group
    `autotts` to the module it loads. A process with `directory` on its PYTHONPATH sees the
    distribution:

        install_distribution(
            tmp_path,
            "my-plugin",
            "1.0",
            files={"my_plugin.py": "AUTOTTS_CONTRACT = 1"},
            entry_points={"mine": "my_plugin"},
        )
        subprocess.run(
            [sys.executable, "-m", "autotts_core", "plugins"],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
    """
    info = f"{re.sub('[-_.]+', '_', name)}-{version}.dist-info"
    points = "".join(f"{key} = {module}\n" for key, module in entry_points.items())
    contents = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/INSTALLER": "autotts_core.testing\n",
        f"{info}/entry_points.txt": f"[autotts]\n{points}",
    }
    record = [f"{info}/RECORD,,"]
    for path, text in contents.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        target.write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(data)}")
    (directory / info / "RECORD").write_text("\n".join(record) + "\n", encoding="utf-8")
