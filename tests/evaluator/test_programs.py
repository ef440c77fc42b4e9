"""Random programs: compiled, interpreted and audited replay agree on all of them.

They have the types of sensible programs, so that most compile, and little sense otherwise. Mostly
they keep to what is allowed, so that episodes become long; now and then they name branches that
were never opened, advance what is pruned, divide by zero, reach beyond their lists, vote for and
return what was never revealed.
"""

from pathlib import Path
from textwrap import indent

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from autotts_core.controller_source import check_source
from autotts_core.errors import ControllerError
from autotts_core.evaluator import Evaluator, audit, parent
from autotts_core.evaluator.parent import ControllerSource, Replayed
from autotts_core.recipe.schema import Limits
from autotts_core.replay.ledger import performed
from autotts_core.store import ReplayStore
from autotts_core.testing import assert_same_outcomes, toy_store
from autotts_core.traces import BranchTrace

_START = """\
i, j, n, m = episode.branch(), -1, p.width, 0
x, y = p.sure, 0.5
votes = episode.tally()
seen = [i]
weights = np.zeros(4)
"""
_WHOLE = st.sampled_from(["i", "j", "n", "m"])
_REAL = st.sampled_from(["x", "y"])


def _formatted(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda values: form.format(*values))


def _forms(*parts: st.SearchStrategy[str], forms: str) -> list[st.SearchStrategy[str]]:
    """A strategy for each line of `forms`, whose {0}, {1}, … are drawn from `parts`."""
    return [_formatted(form.strip(), *parts) for form in forms.strip().splitlines()]


# Bounded, because compiled integers have 64 bits and Python's have no end.
_number = st.integers(-2, 9).map(str) | st.sampled_from(["1000000007", "2147483648"])
_leaf = st.one_of(_WHOLE, _WHOLE, _number, st.sampled_from(["p.width", "episode.branches"]))
_open = st.sampled_from(["0", "(episode.branches - 1)"]) | _formatted(
    "({0} % episode.branches)", _WHOLE
)
_branch = st.one_of(*[_open] * 80, _WHOLE, _number)


def _wholes(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        *_forms(
            part,
            part,
            _branch,
            forms="""
                ({0} + {1})
                ({0} - {1})
                ({0} * {1} % 1009)
                ({0} // max({1}, 1))
                ({0} % 5)
                ({0} % {1})
                min({0}, {1})
                max({0}, {1}, 0)
                abs({0})
                seen[{0} % max(len(seen), 1)]
                seen[{0} % max(len(seen), 1)]
                seen[{0}]
                votes.count({0})
                episode.answer({2})
                episode.depth({2})
                episode.tokens({2})
                votes.leader()
                votes.runner_up()
                votes.votes()
                majority(seen)
                len(seen)
                episode.spent
                (episode.remaining % 10)
            """,
        )
    )


whole = st.recursive(_leaf, _wholes, max_leaves=4)
_small = _formatted("({0} % 7 - 1)", whole)
_real_leaf = st.one_of(_REAL, st.sampled_from(["0.25", "1.0", "-0.5", "0.0", "p.sure"]))


def _reals(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        *_forms(
            part,
            part,
            whole,
            _branch,
            forms="""
                ({0} + {1})
                ({0} - {1})
                ({0} * {1})
                ({0} / 3.0)
                ({2} / max({2}, 1))
                ({2} / 4)
                votes.confidence()
                beta_confidence(abs({2}), 2)
                beta_confidence({2}, n)
                moving_average({0}, {1}, 0.5)
                max({0}, {1})
                math.sqrt(abs({0}))
                weights[{2} % 4]
                weights[{2}]
                float(weights.sum())
                float(np.max(weights))
                episode.signal({3})
                episode.confidence({3})
            """,
        )
    )


real = st.recursive(_real_leaf, _reals, max_leaves=3)


def _truths(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(*_forms(part, part, forms="not {0}\n({0} and {1})\n({0} or {1})"))


truth = st.recursive(
    st.one_of(
        *_forms(whole, whole, forms="{0} < {1}\n{0} == {1}\n{0} >= {1}\n{0} in (1, 2)"),
        *_forms(real, real, forms="{0} < {1}\n{0} <= {1}"),
        *_forms(_branch, forms="episode.finished({0})\nepisode.pruned({0})\np.eager"),
    ),
    _truths,
    max_leaves=2,
)

_simple = st.one_of(
    *_forms(
        _WHOLE,
        _small,
        _REAL,
        real,
        _branch,
        _open,
        forms="""
            {0} = {1}
            {0} = episode.branch()
            {0} = episode.branch()
            {0} = episode.read()
            {2} = {3}
            i, j = j, i
            episode.advance({4})
            episode.advance({4}, {1})
            if not episode.pruned({5}): episode.advance({5})
            if not episode.pruned({5}): episode.advance({5}, 2)
            if not episode.pruned({5}): episode.advance({5}, 1 + n % 3)
            episode.prune({4})
            votes.add(episode.answer({4}))
            votes.add(episode.answer({4}))
            votes.add({1})
            seen.append({1})
            seen.append(episode.answer({4}))
            for k in range(episode.branches): seen.append(episode.answer(k))
            if {1} < len(seen): seen[{1}] = {0}
            if len(seen) > 1: {0} = seen.pop()
            weights[{1} % 4] = {3}
            weights[{1}] += {3}
            weights = weights + {2}
            order = list(range(episode.branches)); deepest_first(episode, order); {0} = order[0]
        """,
    )
)
_answer = st.one_of(
    *[_formatted("episode.answer({0})", _open)] * 6,
    *[st.sampled_from(["votes.leader()", "votes.runner_up()", "-1"])] * 6,
    st.just("majority(seen)"),
    whole,
)
_leaving = _formatted("return {0}", _answer)


def _block(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(inner, min_size=1, max_size=4).map(
        lambda lines: indent("\n".join(lines), "    ")
    )


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    looped = _block(st.one_of(inner, inner, inner, st.sampled_from(["break", "continue"])))
    body = _block(st.one_of(inner, inner, inner, inner, _leaving))
    return st.one_of(
        _formatted("if {0}:\n{1}", truth, body),
        _formatted("if {0}:\n{1}\nelse:\n{2}", truth, body, body),
        _formatted("for _ in range(min({0}, 4)):\n{1}", whole, looped),
        _formatted("for m in range(episode.branches):\n{0}", looped),
        _formatted("for _ in range(p.width):\n    if {0}:\n        break\n{1}", truth, looped),
    )


statement = st.recursive(_simple, lambda inner: st.one_of(inner, _compound(inner)), max_leaves=6)
program = st.builds(
    lambda lines, answer: _START + "\n".join([*lines, f"return {answer}"]) + "\n",
    st.lists(statement, min_size=2, max_size=8),
    _answer,
)
"""The body of a function of `episode` and `p`."""


def controller(programs: list[str]) -> str:
    """A controller that runs program number round(10 β), so that many share one compilation."""
    functions = "\n\n".join(
        f"def program{number}(episode, p):\n{indent(body, '    ')}"
        for number, body in enumerate(programs)
    )
    choices = "\n".join(
        f"    if p.number == {number}:\n        return program{number}(episode, p)"
        for number in range(len(programs))
    )
    return f"""\
import math

import numpy as np
from autotts_core.voting import beta_confidence, deepest_first, majority, moving_average


def schedule(beta):
    return {{"number": round(10 * beta), "width": 3, "sure": 0.75, "eager": beta > 0.25}}


{functions}

def policy(episode, p):
{choices}
    return -1
"""


SEEDS = 4

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="untrusted code is confined on Linux alone"
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[ReplayStore]:
    rng = np.random.default_rng(1)
    questions = []
    for branches in (1, 3, 6):
        question = []
        for _ in range(branches):
            length = int(rng.integers(1, 6))
            probes = [str(answer) for answer in rng.choice(list("aabc"), length)]
            tokens = 500 * length + int(rng.integers(-400, 900))
            question.append(BranchTrace(probes, max(1, tokens), probes[-1]))
        questions.append(question)
    folder = tmp_path_factory.mktemp("stores")
    return [
        toy_store(folder, *questions, accounting="published"),
        toy_store(folder, *questions, accounting="exact"),
    ]


def evaluator(stores: list[ReplayStore]) -> Evaluator:
    return Evaluator(stores, SEEDS, Limits(seconds=600, memory_gib=4), 1)


def replayed(
    stores: list[ReplayStore], source: str, betas: list[float], compiled: bool
) -> list[Replayed | str]:
    """What each β gives on each store: outcomes, or what was wrong with the controller."""
    found: list[Replayed | str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parent, "_WORTH_COMPILING", 1 if compiled else 10**9)
        with evaluator(stores).worked(ControllerSource("program", source)) as child:
            for beta in betas:
                for store in range(len(stores)):
                    try:
                        found += child.replayed([(beta, store)])
                    except ControllerError as error:
                        found.append(str(error))
    return found


def assert_same(one: Replayed | str, other: Replayed | str) -> None:
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert_same_outcomes(one.outcomes, other.outcomes)
    for question, seed in np.ndindex(one.ledgers.ends.shape):
        rows = [performed(each.ledgers.of(question, seed))[0] for each in (one, other)]
        assert rows[0] == rows[1]


def assert_audited(stores: list[ReplayStore], source: str, beta: float, fault: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parent, "_WORTH_COMPILING", 10**9)
        if fault:
            with pytest.raises(ControllerError):
                audit.audit(evaluator(stores), ControllerSource("program", source), (beta,))
        else:
            found = audit.audit(evaluator(stores), ControllerSource("program", source), (beta,))
            assert found.difference is None


def careful(max_examples: int) -> settings:
    return settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        # Shrinking compiles again and again; the programs are small as they are.
        phases=(Phase.explicit, Phase.generate),
    )


@pytest.mark.slow
@careful(25)
@given(body=program)
def test_interpreted_and_audited_replay_agree(stores: list[ReplayStore], body: str) -> None:
    source = controller([body])
    note(source)
    check_source(source)
    found = replayed(stores, source, [0.0], compiled=False)
    assert_audited(stores, source, 0.0, any(isinstance(each, str) for each in found))


@pytest.mark.slow
@careful(15)
@given(bodies=st.lists(program, min_size=3, max_size=3))
def test_compiled_and_interpreted_replay_agree(
    stores: list[ReplayStore], bodies: list[str]
) -> None:
    source = controller(bodies)
    note(source)
    check_source(source)
    betas = [number / 10 for number in range(len(bodies))]
    once = replayed(stores, source, betas, compiled=True)
    again = replayed(stores, source, betas, compiled=False)
    for one, other in zip(once, again, strict=True):
        assert_same(one, other)
