"""Untrusted source in a child process: what it gets, gives back, and cannot do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from autotts_core.controller_file import load_controller_source
from autotts_core.errors import ControllerError
from autotts_core.evaluation import evaluate
from autotts_core.evaluator import Evaluator, MachineryError, parent
from autotts_core.evaluator.messages import Loaded
from autotts_core.evaluator.parent import ControllerSource, EpisodeKey
from autotts_core.recipe.schema import Limits
from autotts_core.replay.interpreted import replay_episode
from autotts_core.store import ReplayStore
from autotts_core.testing import toy_store
from autotts_core.traces import BranchTrace

READ = '''\
"""Read until an answer leads."""

INCREASING = ("most",)


def schedule(beta):
    return {"most": 2 + round(2 * beta)}


def policy(episode, p):
    votes = episode.tally()
    for _ in range(p.most):
        i = episode.read()
        if i < 0:
            break
        votes.add(episode.answer(i))
    return votes.leader()  # read enough
'''

DEEPEN = '''\
"""Deepen two branches and prune one."""


def schedule(beta):
    return {"rounds": 1 + round(3 * beta)}


def policy(episode, p):
    a, b = episode.branch(), episode.branch()
    for _ in range(p.rounds):
        episode.advance(a)
        episode.advance(b, 2)
        if episode.answer(a) != episode.answer(b) and not episode.finished(b):
            episode.prune(b)
            return episode.answer(a)  # they disagree
    return episode.answer(b)  # enough
'''


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReplayStore:
    rng = np.random.default_rng(0)
    questions = []
    for _ in range(6):
        branches = []
        for _ in range(8):
            length = int(rng.integers(1, 6))
            probes = [str(answer) for answer in rng.choice(list("aabc"), length)]
            branches.append(BranchTrace(probes, 500 * length + 20, probes[-1]))
        questions.append(branches)
    return toy_store(tmp_path_factory.mktemp("stores"), *questions)


def evaluator(*stores: ReplayStore, seconds: float = 60) -> Evaluator:
    return Evaluator(stores, 5, Limits(seconds=seconds), 1)


@pytest.mark.parametrize("source", [READ, DEEPEN])
@pytest.mark.parametrize("worth_compiling", [1, 10**6])
def test_scores_are_those_of_a_trusted_evaluation(
    store: ReplayStore, source: str, worth_compiling: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_WORTH_COMPILING", worth_compiling)
    frontier = evaluator(store).evaluate(source, "mine", (0.0, 0.5, 1.0))
    controller = load_controller_source(source, "mine")()
    for point, beta in zip(frontier.points, (0.0, 0.5, 1.0), strict=True):
        assert point.scores[0] == evaluate(controller, store, beta, range(5))


def test_episodes_are_repeated_from_their_ledgers(store: ReplayStore) -> None:
    controller = load_controller_source(DEEPEN, "mine")()
    keys = [EpisodeKey(0, q, seed, 0.7) for q in range(6) for seed in range(3)]
    for key, episode in zip(keys, evaluator(store).episodes(DEEPEN, "mine", keys), strict=True):
        own = replay_episode(controller, store, key.question, key.seed, key.beta)
        assert episode.record.actions() == own.record.actions()
        assert (episode.answer_class, episode.stop) == (own.answer_class, own.stop)
        assert episode.record.sequential_tokens == own.record.sequential_tokens


def test_a_controller_without_beta_has_one_point(store: ReplayStore) -> None:
    source = READ.replace("2 + round(2 * beta)", "3")
    frontier = evaluator(store).evaluate(source, "mine", (0.0, 1.0))
    assert [point.beta for point in frontier.points] == [None]


def test_a_controller_that_does_not_compile_is_interpreted(
    store: ReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_WORTH_COMPILING", 1)
    source = READ.replace("    votes = ", '    mixed = {"a": 1, 2: "b"}\n    votes = ')
    with pytest.warns(UserWarning, match="interpreted, which is slow"):
        frontier = evaluator(store).evaluate(source, "mine", (1.0,))
    plain = evaluator(store).evaluate(READ, "mine", (1.0,))
    assert frontier.points[0].tokens == plain.points[0].tokens


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("p.most", "p.moist", "line 12: uses the attribute moist.* Did you mean 'most'"),
        ("votes.leader()  #", "99  #", "returned the id 99, which this episode never revealed"),
        ("2 + round(2 * beta)", "4 - round(2 * beta)", "is not increasing in most"),
        ("2 + round(2 * beta)", "2 // 0", "ZeroDivisionError"),
    ],
)
def test_faults_of_the_controller_are_told(
    store: ReplayStore, old: str, new: str, message: str
) -> None:
    with pytest.raises(ControllerError, match=message.replace("(", r"\(")):
        evaluator(store).evaluate(READ.replace(old, new), "mine", (1.0,))


def test_a_controller_that_never_ends_is_killed(store: ReplayStore) -> None:
    endless = READ.replace(
        "    votes = ",
        "    n = 1\n    while n > 0:\n        n += episode.branches + 1\n    votes = ",
    ).replace("n += episode.branches + 1", "n = 1 + episode.branches")
    with pytest.raises(ControllerError, match="did not finish within 4 seconds"):
        evaluator(store, seconds=4).evaluate(endless, "mine", (1.0,))


def test_a_controller_that_crashes_its_process_is_at_fault(
    store: ReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(self: parent.Worked, places: object) -> None:
        os.killpg(self.process.pid, signal.SIGSEGV)
        self.reply(Loaded, 0)

    monkeypatch.setattr(parent.Worked, "replayed", crash)
    with pytest.raises(ControllerError, match="crashed with SIGSEGV"):
        evaluator(store).evaluate(READ, "mine", (1.0,))


def test_a_child_that_is_killed_is_tried_again_and_is_no_fault_of_the_controller(
    store: ReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def shoot(self: parent.Worked, places: object) -> None:
        tries.append(places)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.reply(Loaded, 0)

    monkeypatch.setattr(parent.Worked, "replayed", shoot)
    with pytest.raises(MachineryError, match="ended early"):
        evaluator(store).evaluate(READ, "mine", (1.0,))
    assert len(tries) == 3


def test_the_child_has_no_gold_answers_no_keys_and_limits(
    store: ReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    sent = []
    send = parent.send
    monkeypatch.setattr(parent, "send", lambda *args: (sent.append(args[1:]), send(*args))[1])
    with evaluator(store).worked(ControllerSource("mine", READ)) as child:
        root = Path("/proc") / str(child.process.pid)
        assert b"secret" not in (root / "environ").read_bytes()
        limits = (root / "limits").read_text()
    assert any(line.startswith("Max file size") and " 0 " in line for line in limits.splitlines())
    right = store.load().class_correct
    for _, *arrays in sent:
        for array in (each for group in arrays for each in group):
            assert array.dtype != np.bool_
            assert array is not right


def test_no_child_outlives_the_process_that_evaluates(store: ReplayStore, tmp_path: Path) -> None:
    script = tmp_path / "evaluates.py"
    script.write_text(
        f"""
from pathlib import Path
from autotts_core.evaluator import Evaluator
from autotts_core.evaluator.parent import ControllerSource
from autotts_core.recipe.schema import Limits
from autotts_core.store import ReplayStore
store = ReplayStore.open(Path({str(store.path)!r}))
with Evaluator([store], 5, Limits(), 1).worked(ControllerSource("mine", {READ!r})) as child:
    print(child.process.pid, flush=True)
    import time
    time.sleep(60)
"""
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child is still running")
