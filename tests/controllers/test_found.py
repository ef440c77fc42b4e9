"""Controllers that the search found are shipped as they were found."""

from pathlib import Path

import numpy as np
import pytest
from autotts_search.space import Candidate
from autotts_search.writing import write
from autotts_sim.simulator import simulate

from autotts_core.controller_file import load_controller_source
from autotts_core.plugins import registry
from autotts_core.replay.engine import replay
from autotts_core.store import ReplayStore, write_store

FOUND = {
    "brevity": Candidate(
        ("weighs", "calms", "prunes", "waves"),
        {
            "width": (5, 18),
            "enough": (2, 2),
            "sure": (0.68, 2.45),
            "brevity": (0.76, 0.76),
            "calm": (6, 6),
            "warm_up": (14, 14),
            "patience": (25, 25),
            "most": (7, 51),
        },
    ),
    "deadline": Candidate(
        ("hurries",),
        {"width": (52, 58), "enough": (1, 1), "sure": (1.96, 3.12), "horizon": (18, 41)},
    ),
}


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", FOUND)
def test_they_do_what_the_search_handed_in(tmp_path: Path, name: str, beta: float) -> None:
    write_store(tmp_path / "store", simulate("medium", questions=12, branches=64))
    store = ReplayStore.open(tmp_path / "store")
    shipped = registry().get("controller", name)()
    handed_in = load_controller_source(write(FOUND[name]), "controller")()
    mine, theirs = (replay(each, store, beta, range(20)) for each in (shipped, handed_in))
    np.testing.assert_array_equal(mine.tokens, theirs.tokens)
    np.testing.assert_array_equal(mine.sequential_tokens, theirs.sequential_tokens)
    np.testing.assert_array_equal(mine.answer_class, theirs.answer_class)
