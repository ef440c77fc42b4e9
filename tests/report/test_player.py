"""The page's own functions against the ones of Python that they repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotts_core.controller_spec import load_controllers
from autotts_core.replay.interpreted import replay_episode
from autotts_core.replay.picture import episode_picture
from autotts_core.report.episodes import Case, PlayedEpisode, embedded
from autotts_core.store import ReplayStore, find_stores

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def run(browser: Browser) -> Iterator[Run]:
    """Runs JavaScript that has the page's functions."""
    assets = files("autotts_core.report") / "assets"
    names = ("format.js", "dom.js", "player.js")
    code = "\n".join((assets / name).read_text(encoding="utf-8") for name in names)
    page = browser.new_page()
    page.goto("about:blank")
    page.add_script_tag(content=code)
    yield page.evaluate
    page.close()


@pytest.fixture(scope="module")
def store(small_run: Path) -> ReplayStore:
    found = find_stores([small_run.parent / "stores"])
    return ReplayStore.open(found[0])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.floats(-1e7, 1e7, allow_nan=False),
            # Halves, quarters and so on, where rounding has ties.
            st.integers(-(10**6), 10**6).map(lambda k: k / 64),
        ),
        min_size=20,
    ),
    st.integers(0, 4),
)
def test_numbers_are_written_as_python_writes_them(
    run: Run, values: list[float], digits: int
) -> None:
    got = run("([values, digits]) => values.map(v => fixed(v, digits))", [values, digits])
    # JSON has one zero only.
    expected = [format(value + 0.0 if value else 0.0, f".{digits}f") for value in values]
    assert [text.replace("−", "-") for text in got] == expected
    got = run("([values, digits]) => values.map(v => grouped(v, digits))", [values, digits])
    expected = [format(value if value else 0.0, f",.{digits}f") for value in values]
    assert [text.replace("−", "-") for text in got] == expected


SPECS = ["self-consistency:branches=16", "asc:max_branches=16", "esc", "parallel-probe", "cmc"]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("question", [0, 5])
def test_an_embedded_episode_becomes_the_picture_that_the_terminal_draws(
    spec: str, question: int, store: ReplayStore, run: Run
) -> None:
    controller = load_controllers(spec)[0]
    for seed in range(3):
        episode = replay_episode(controller, store, question, seed, 0.5)
        picture = episode_picture(episode, store, question, seed, spec, 0.5)
        case = Case("search", store, question, seed, None)
        case.played.append(PlayedEpisode(picture, episode.record.actions(), 0.5))
        (row,) = embedded([case])
        state = run(
            "([e, delta]) => stateAt(e, delta, Infinity)", [row["episodes"][0], row["delta"]]
        )
        assert state["tokens"] == picture.tokens
        assert state["sequential"] == picture.sequential_tokens
        texts = [answer["text"] for answer in row["answers"]]

        def told(answer: int | None, texts: list[str] = texts) -> str | int | None:
            return texts[answer] if answer is not None and answer >= 0 else answer

        def drawn(answer: int | None, picture: Any = picture) -> str | int | None:
            known = answer is not None and answer >= 0
            return picture.answers[answer].text if known else answer

        assert len(state["branches"]) == len(picture.branches)
        for got, expected in zip(state["branches"], picture.branches, strict=True):
            assert [told(a) for a in got["cells"]] == [drawn(a) for a in expected.cells]
            assert (got["finished"], got["pruned"]) == (expected.finished, expected.pruned)
            assert got["tokens"] == expected.tokens
        votes = {told(v["answer"]): (v["latest"], v["finished"]) for v in state["votes"]}
        assert votes == {
            answer.text: (answer.latest_votes, answer.final_votes)
            for answer in picture.answers
            if answer.latest_votes
        }
        steps = run(
            "([e, delta]) => e.ends.map((_, k) => { const s = stateAt(e, delta, k + 1);"
            " return [s.tokens, s.sequential] })",
            [row["episodes"][0], row["delta"]],
        )
        assert steps == sorted(steps)
        assert len({action.batch for action in episode.record.actions()}) == len(steps)
