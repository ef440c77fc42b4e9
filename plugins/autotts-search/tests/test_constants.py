"""Constants are fitted by replay, and handed in where that carries over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from autotts_search.constants import Numbers

HASTY = '''\
"""Read branches until the vote is sure: far too soon."""

INCREASING = ("most", "sure")


def schedule(beta):
    return {"most": 3 + round(5 * beta), "sure": 0.8 + 0.05 * beta}  # 2 by 2


def policy(episode, p):
    votes = episode.tally()
    for _ in range(p.most):
        i = episode.read()
        if i < 0:
            break
        votes.add(episode.answer(i))
        if votes.confidence() > p.sure:
            return votes.leader()  # sure enough
    return votes.leader()  # read enough
'''

RECIPE = """\
stores:
  - {{backend: simulated, models: [sim-small, sim-large], benchmarks: [sim, other], branches: 32,
      options: {{questions: 24}}}}
search: ["*/sim"]
explorer: {{name: openai, options: {{base_url: '{url}/v1', key_variable: NONE}}}}
tune: {{name: constants, options: {{evaluations: 128, seeds: 8}}}}
rounds: 1
betas: [0, 0.5, 1]
seeds: 16
baselines: []
selection: {{folds: 2}}
"""


def test_numbers_of_the_schedule_move_and_nothing_else() -> None:
    numbers = Numbers.of(HASTY)
    assert numbers.values == (3, 5, 0.8, 0.05)
    assert numbers.moved([0, 0, 0, 0]) == HASTY
    moved = numbers.moved([1, -1, 0.5, 1])
    assert moved == HASTY.replace("3 + round(5 * beta)", "6 + round(2 * beta)").replace(
        "0.8 + 0.05 * beta", "0.868 + 0.125 * beta"
    )
    assert Numbers.of("def policy(episode, p):\n    return 5\n").values == ()
    wide = "def schedule(beta):\n    return {'π': 'ππ', 'a': 7}\n"
    assert Numbers.of(wide).moved([1.0]) == wide.replace("7", "14")
    assert Numbers.of(wide.replace("7", "-2.5")).moved([-1.0]) == wide.replace("7", "-1.25")


@pytest.mark.slow
def test_a_hasty_proposal_is_handed_in_again_with_better_numbers(tmp_path: Path) -> None:
    from autotts_core.agent.scripted_server import ScriptedServer, serving

    arguments = {"source": HASTY, "rationale": "Stops soon."}
    turn = {"calls": [{"name": "submit", "arguments": arguments}]}
    with serving(ScriptedServer({"conversations": [[turn]]})) as server:
        recipe = tmp_path / "tuned.yaml"
        recipe.write_text(RECIPE.format(url=server.url))
        command = [sys.executable, "-m", "autotts_core", "run", recipe, "--out", tmp_path / "run"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr
        assert len(server.asked) == 1
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    values = found["selection"]["values"]
    assert values["1.2"] > values["1.1"]
    assert found["selection"]["selected"] == "1.2"
    kept = json.loads((tmp_path / "run" / "rounds/1/journal/tuned-1.json").read_text())
    assert kept["source"] == (tmp_path / "run" / "selected.py").read_text()
    assert "points on questions they were not fitted on: Stops soon." in kept["rationale"]
