"""The report in a browser: every number is the run's, every control does what it says."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from autotts_core.discovery.run_directory import RunDirectory
from autotts_core.frontier import Frontier

if TYPE_CHECKING:
    from conftest import Open, Opened, Opening

# A run and a browser for all of them.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(small_run: Path) -> Path:
    return small_run / "report.html"


@pytest.fixture(scope="module")
def page(report: Path, opening: Opening) -> Iterator[Opened]:
    """One page for tests that set what they look at themselves."""
    with opening() as open_report:
        yield open_report(report)


@pytest.fixture(scope="module")
def results(small_run: Path) -> Any:
    return json.loads((small_run / "results.json").read_bytes())


def written(value: float, form: str) -> list[Any]:
    """A number as the page has it: in full, and in `form`."""
    return [value, format(value, form).replace("-", "−")]


def numbers(cells: list[list[Any]]) -> list[Any]:
    return [number for cell in cells for number in cell[1:]]


def average(row: dict[str, Any]) -> list[Any]:
    """The numbers of a row of results.json in the order in which the page's table has them."""
    accuracy = row["accuracy"]
    return [
        *([] if row["beta"] is None else [written(row["beta"], "g")]),
        written(accuracy["mean"], ".2f"),
        written(accuracy["low"], ".1f"),
        written(accuracy["high"], ".1f"),
        *costs(row),
    ]


def costs(row: dict[str, Any]) -> list[Any]:
    return [
        written(row["tokens"], ",.0f"),
        written(row["sequential_tokens"], ",.0f"),
        written(row["saved"], ".1f"),
    ]


def in_table(row: dict[str, Any]) -> list[Any]:
    stores = ([written(store["accuracy"], ".2f"), *costs(store)] for store in row["stores"])
    return [*average(row), *(number for store in stores for number in store)]


@pytest.mark.parametrize("of", ["search", "held_out"])
def test_the_tables_hold_the_numbers_of_the_results(of: str, results: Any, page: Opened) -> None:
    every = page.rows(f"{of}-every")
    assert [numbers(row) for row in every] == [in_table(row) for row in results[of]["rows"]]
    shown = [numbers(row) for row in page.rows(of)]
    assert 4 <= len(shown) < len(every)
    assert all(row in map(in_table, results[of]["rows"]) for row in shown)
    versus = [
        [
            *([] if each["baseline_beta"] is None else [written(each["baseline_beta"], "g")]),
            written(each["beta"], "g"),
            *(
                written(each["comparison"][quantity][end], "+.2f")
                for quantity in ("accuracy", "saved", "sequential_saved")
                for end in ("mean", "low", "high")
            ),
        ]
        for each in results[of]["versus"]
    ]
    assert [numbers(row) for row in page.rows(f"{of}-versus")] == versus
    areas = [
        [
            written(each[axis][end], "+.2f")
            for axis in ("tokens", "sequential_tokens")
            for end in ("mean", "low", "high")
        ]
        for each in results[of]["areas"]
    ]
    assert [numbers(row) for row in page.rows(f"{of}-areas")] == areas


def test_the_best_of_each_column_is_bold(page: Opened) -> None:
    columns = page.page.evaluate(
        """() => {
          const rows = [...document.querySelector('[data-table=held_out]').tBodies[0].rows];
          return [...rows[0].cells].map((_, k) => rows.map(row => row.cells[k])
            .filter(cell => cell.querySelectorAll('data').length === 1 && cell.cellIndex > 1)
            .map(cell => [Number(cell.querySelector('data').value),
              cell.classList.contains('best')])) }"""
    )
    measured = [column for column in columns if column]
    # Accuracy, tokens, sequential, saved: for the average and for two stores.
    assert len(measured) == 12
    for k, column in enumerate(measured):
        best = (min if k % 4 in (1, 2) else max)(value for value, _ in column)
        assert [value == best for value, _ in column] == [bold for _, bold in column]


def test_the_trajectory_holds_every_proposal(small_run: Path, results: Any, page: Opened) -> None:
    run = RunDirectory(small_run)
    expected = []
    for entry in (each for number in run.finished_rounds() for each in run.kept(number)):
        assert entry.frontier is not None
        best = entry.frontier.best
        expected.append(
            [
                written(results["selection"]["values"][entry.name], ".2f"),
                written(best.accuracy, ".2f"),
                written(best.beta or 0, "g"),
                written(best.tokens, ",.0f"),
            ]
        )
    assert [numbers(row) for row in page.rows("proposals")] == expected
    page.see("[data-view=trajectory]")
    page.page.wait_for_selector("[data-view=trajectory] .main-svg")
    told: dict[int, int] = {}
    for event in run.noted():
        if event["event"] == "progress":
            told[event["round"]] = max(told.get(event["round"], 0), event["candidates"])
    tried = sum(told.values())
    assert tried > 0
    assert page.data()["runs"][0]["progress"][-1]["candidates"] == tried
    label = page.page.locator("[data-view=trajectory] .plot").nth(2).get_attribute("aria-label")
    assert f"{tried} in" in label


@pytest.mark.parametrize("of", ["search", "held_out"])
@pytest.mark.parametrize("store", [None, 0, 1])
def test_the_frontiers_table_has_what_the_plot_draws(
    of: str, store: int | None, results: Any, page: Opened
) -> None:
    root = page.page.locator("[data-view=frontiers]")
    root.locator(f"[data-control=set] [data-value={of}]").click()
    if store is not None:
        root.locator("[data-control=store]").select_option(str(store))
    shown = [numbers(row) for row in page.rows("frontiers")]
    expected = []
    for row in results[of]["rows"]:
        if store is None:
            expected.append(average(row))
            continue
        score = row["stores"][store]
        interval = {
            "mean": score["accuracy"],
            "low": score["accuracy_low"],
            "high": score["accuracy_high"],
        }
        expected.append(average(score | {"accuracy": interval, "beta": row["beta"]}))
    assert sorted(shown) == sorted(expected)
    drawn = page.page.evaluate(
        """() => document.querySelector('[data-plot=frontiers]').data
          .filter(trace => trace.mode === 'markers').flatMap(trace => trace.y)"""
    )
    of_rows = [
        row["accuracy"]["mean"] if store is None else row["stores"][store]["accuracy"]
        for row in results[of]["rows"]
    ]
    assert sorted(drawn) == sorted(of_rows)
    root.locator("[data-control=cost] [data-value=sequential_tokens]").click()
    across = page.page.evaluate(
        """() => document.querySelector('[data-plot=frontiers]').data
          .filter(trace => trace.mode === 'markers').flatMap(trace => trace.x)"""
    )
    rows = (
        results[of]["rows"] if store is None else [r["stores"][store] for r in results[of]["rows"]]
    )
    assert sorted(across) == sorted(row["sequential_tokens"] for row in rows)


def traces(page: Opened) -> list[str]:
    names: list[str] = page.page.evaluate(
        "() => document.querySelector('[data-plot=frontiers]').data.map(trace => trace.name)"
    )
    return names


def ranges(page: Opened) -> list[float]:
    found: list[float] = page.page.evaluate(
        """() => { const layout = document.querySelector('[data-plot=frontiers]')._fullLayout;
          return [...layout.xaxis.range, ...layout.yaxis.range] }"""
    )
    return found


def test_legend_bands_hover_and_zoom(report: Path, results: Any, open_report: Open) -> None:
    page = open_report(report)
    root = page.page.locator("[data-view=frontiers]")
    assert sum("band" in name for name in traces(page)) == 1
    root.locator("[data-control=bands] [data-value=all]").click()
    assert sum("band" in name for name in traces(page)) == 4
    root.locator("[data-control=bands] [data-value=none]").click()
    assert sum("band" in name for name in traces(page)) == 0

    asc = root.locator("[data-curve=asc]")
    asc.click()
    assert asc.get_attribute("aria-pressed") == "false"
    assert "asc" not in traces(page)
    asc.click()
    assert "asc" in traces(page)

    before = ranges(page)
    root.locator("[data-control=zoom-in]").click()
    zoomed = ranges(page)
    assert zoomed[0] > before[0]
    assert zoomed[3] < before[3]
    root.locator("[data-control=zoom-out]").click()
    assert ranges(page) == pytest.approx(before)
    area = page.page.locator("[data-plot=frontiers] .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box
    page.page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 300, box["y"] + 250, steps=5)
    page.page.mouse.up()
    page.page.wait_for_function(
        "low => document.querySelector('[data-plot=frontiers]')._fullLayout.xaxis.range[0] > low",
        arg=before[0],
    )
    root.locator("[data-control=zoom-reset]").click()
    assert ranges(page) == pytest.approx(before)

    rows = results["held_out"]["rows"]
    others = [r["tokens"] for r in rows if r["kind"] == "baseline"]
    # Where no other point can be meant.
    row = max(
        (r for r in rows if r["kind"] == "selected"),
        key=lambda r: min(abs(math.log(r["tokens"] / tokens)) for tokens in others),
    )
    x, y = page.page.evaluate(
        """([x, y]) => { const plot = document.querySelector('[data-plot=frontiers]');
          const {xaxis, yaxis} = plot._fullLayout; const box = plot.getBoundingClientRect();
          return [box.x + xaxis._offset + xaxis.l2p(Math.log10(x)),
            box.y + yaxis._offset + yaxis.l2p(y)] }""",
        [row["tokens"], row["accuracy"]["mean"]],
    )
    page.page.mouse.move(x - 3, y - 3)
    page.page.mouse.move(x, y)
    page.page.wait_for_selector("[data-plot=frontiers] .hovertext")
    told = page.page.locator("[data-plot=frontiers] .hovertext").text_content()
    assert f"{row['accuracy']['mean']:.2f} %" in told
    assert f"{row['tokens']:,.0f} tokens" in told


def test_rounds_can_be_shown_on_the_search_set(report: Path, open_report: Open) -> None:
    page = open_report(report)
    root = page.page.locator("[data-view=frontiers]")
    root.locator("[data-control=set] [data-value=search]").click()
    of_round = root.locator("[data-curve^=round]").first
    assert of_round.get_attribute("aria-pressed") == "false"
    of_round.click()
    assert of_round.get_attribute("data-curve") in traces(page)


def test_copying_the_table_the_source_and_the_recipe(
    small_run: Path, results: Any, page: Opened
) -> None:

    def copied(selector: str) -> str:
        page.page.evaluate("document.querySelector('[data-part=said]').textContent = ''")
        page.page.locator(selector).first.click()
        page.page.wait_for_selector("[data-part=said]:not(:empty)")
        text: str = page.page.evaluate("navigator.clipboard.readText()")
        return text

    markdown = copied("[data-copy=markdown][data-set=held_out]").splitlines()
    assert markdown[0].startswith("| controller | β | average: accuracy % |")
    assert any(line.startswith("| selected (") and "**" in line for line in markdown)
    assert "grader exact-1, published accounting" in markdown[-1]
    latex = copied("[data-copy=latex][data-set=held_out]")
    assert r"\begin{tabular}{lrrrrrrrrrrrrr}" in latex
    assert r"accuracy \%" in latex
    rows = list(csv.DictReader(io.StringIO(copied("[data-copy=csv][data-set=held_out]"))))
    assert [float(row["average tokens"]) for row in rows] == [
        row["tokens"] for row in results["held_out"]["rows"]
    ]
    assert copied("[data-copy=source]") == (small_run / "selected.py").read_text()
    assert copied("[data-copy=recipe]") == (small_run / "recipe.yaml").read_text()


def test_the_grid_has_each_questions_numbers(small_run: Path, page: Opened) -> None:
    page.see("[data-view=questions]")
    page.page.wait_for_selector("[data-table=questions]")
    chosen = Frontier.read(small_run / "held_out" / "selected")
    selection = json.loads((small_run / "selection.json").read_bytes())
    point = next(each for each in chosen.points if each.beta == selection["best_beta"])
    for k in range(2):
        page.page.locator("[data-control=questions-store]").select_option(str(k))
        questions = point.questions[k]
        cells = [row[1][1:3] for row in page.rows("questions")]
        assert [[tokens[0], accuracy[0]] for tokens, accuracy in cells] == [
            [t, a] for t, a in zip(questions.tokens, questions.accuracy, strict=True)
        ]
        assert [accuracy for _, accuracy in cells] == [
            written(a, ".0f") for a in questions.accuracy
        ]


def test_sorting_and_filtering_questions(page: Opened) -> None:
    page.see("[data-view=questions]")
    page.page.wait_for_selector("[data-table=questions]")
    page.page.locator("[data-control=questions-store]").select_option("0")

    def column(k: int, place: int) -> list[float]:
        return [row[k][place][0] for row in page.rows("questions")]

    page.page.locator('[data-sort^="1 "]').click()
    assert column(1 + 1, 2) == sorted(column(1 + 1, 2), reverse=True)
    assert page.page.locator("[aria-sort=descending]").count() == 1
    page.page.locator('[data-sort="1 accuracy"]').click()
    assert column(1 + 1, 2) == sorted(column(1 + 1, 2))
    page.page.locator('[data-sort="1 accuracy"]').click()
    assert column(1 + 1, 1) == sorted(column(1 + 1, 1), reverse=True)
    page.page.locator("[data-sort=question]").click()

    total = len(page.rows("questions"))
    counts = {}
    for kind in ("never", "mixed", "always"):
        page.page.locator("[data-control=questions-filter]").select_option(kind)
        counts[kind] = len(page.rows("questions"))
    assert sum(counts.values()) == total == 8
    assert max(counts.values()) < total
    page.page.locator("[data-control=questions-filter]").select_option("all")
    page.page.locator("[data-control=questions-search]").fill("question 3 of")
    assert [row[0][0][:1] for row in page.rows("questions")] == ["3"]
    assert "1 of 8 questions" in page.page.locator("[data-part=count]").text_content()
    page.page.locator("[data-control=questions-search]").fill("")


def test_a_cell_opens_its_episode(page: Opened) -> None:
    page.see("[data-view=questions]")
    cell = page.page.locator('[data-table=questions] tr[data-question="2"] .cell.embedded').first
    cell.click()
    assert page.page.locator("[data-control=episode-question]").input_value() == "2"
    assert page.page.locator("[data-part=missing]").is_hidden()
    elsewhere = page.page.locator("[data-table=questions] .cell:not(.embedded)").first
    if elsewhere.count():
        elsewhere.click()
        assert "autotts episode --traces" in page.page.locator("[data-part=missing]").text_content()


def first_case(page: Opened) -> Any:
    """Show the first of the episodes, as a fresh page does."""
    page.see("[data-view=episodes]")
    page.page.wait_for_selector("[data-part=viewer]")
    case = page.data()["runs"][0]["cases"][0]
    page.page.locator("[data-control=reason]").select_option(case["why"] or "more")
    for side in ("left", "right"):
        page.page.locator(f"[data-control=controller-{side}]").select_option(
            str(("left", "right").index(side))
        )
    page.page.locator("[data-control=step-last]").click()
    return case


def sides(page: Opened) -> list[list[str]]:
    found: list[list[str]] = page.page.evaluate(
        """() => [...document.querySelectorAll('[data-part=side]')].map(side =>
          [...side.querySelectorAll('.running data')].map(d => d.value)
            .concat(side.querySelectorAll('.seg').length,
              side.querySelector('.outcome').textContent))"""
    )
    return found


def test_stepping_through_two_episodes_side_by_side(page: Opened) -> None:
    case = first_case(page)
    ended = sides(page)
    for side, episode in zip(ended, case["episodes"][:2], strict=True):
        assert [int(side[0]), int(side[1])] == [episode["tokens"], episode["sequential_tokens"]]
        assert episode["stop"] in side[3]
        assert ("✓ right" in side[3]) == episode["correct"]

    page.page.locator("[data-control=step-first]").click()
    assert [[int(n) for n in side[:3]] for side in sides(page)] == [[0, 0, 0], [0, 0, 0]]
    page.page.locator("[data-control=step-forward]").click()
    first = sides(page)
    assert all(int(side[0]) > 0 for side in first)
    page.page.locator("[data-control=step-forward]").press("ArrowRight")
    assert page.page.locator("[data-part=step]").text_content().startswith("step 2 of")
    page.page.locator("[data-control=step-forward]").press("ArrowLeft")
    assert sides(page) == first
    page.page.locator("[data-control=step-last]").click()
    assert sides(page) == ended
    page.page.locator("[data-control=step]").fill("1")
    assert sides(page) == first

    page.page.locator("[data-control=speed]").select_option("fast")
    page.page.locator("[data-control=play]").click()
    assert page.page.locator("[data-control=play]").get_attribute("aria-label") == "Pause"
    page.page.wait_for_selector('[data-control=play][aria-label="Play"]')
    assert sides(page) == ended

    page.page.locator("[data-control=controller-right]").select_option(
        str(len(case["episodes"]) - 1)
    )
    assert int(sides(page)[1][0]) == case["episodes"][-1]["tokens"]
    command = page.page.locator("[data-part=command]").text_content()
    assert command.startswith("autotts episode --traces ")
    assert f"--question {case['question']} --seed {case['seed']}" in command


def test_pruned_finished_and_voting_branches_are_marked(page: Opened) -> None:
    case = first_case(page)
    episode = case["episodes"][0]
    pruned = {code >> 3 for code in episode["actions"][::2] if (code >> 1) & 3 == 3}
    finished = {code >> 3 for code in episode["actions"][::2] if code & 1}
    left = page.page.locator("[data-part=side]").first
    assert left.locator(".end.cut").count() == len(pruned)
    assert left.locator(".end.finished").count() == len(finished - pruned)
    votes = [int(v) for v in left.locator(".votes td:nth-child(3) data").all_text_contents()]
    assert sum(votes) <= len({code >> 3 for code in episode["actions"][::2]} - pruned)
    assert votes == sorted(votes, reverse=True)


def test_themes(report: Path, open_report: Open) -> None:
    page = open_report(report, color_scheme="light")

    def background() -> str:
        text: str = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return text

    light = background()
    button = page.page.locator("[data-control=theme]")
    button.click()
    assert (button.inner_text().strip()[-5:], background()) == ("Light", light)
    button.click()
    assert background() != light
    ink = page.page.evaluate(
        "document.querySelector('[data-plot=frontiers]')._fullLayout.font.color"
    )
    assert ink == "#e8eaed"
    page.page.emulate_media(color_scheme="dark")
    button.click()
    assert "System" in button.inner_text()
    assert background() != light


def test_by_keyboard_alone(report: Path, open_report: Open) -> None:
    page = open_report(report)
    keyboard = page.page.keyboard
    keyboard.press("Tab")
    assert page.page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(60):
        keyboard.press("Tab")
        name = page.page.evaluate(
            """() => { const e = document.activeElement; return e.dataset.control || e.dataset.curve
              || e.dataset.copy || (e.parentElement.dataset.control ?? '') }"""
        )
        reached.add(name)
        if name == "asc":
            keyboard.press("Space")
            assert "asc" not in traces(page)
            keyboard.press("Enter")
            assert "asc" in traces(page)
    assert {
        "theme",
        "set",
        "cost",
        "store",
        "bands",
        "zoom-in",
        "zoom-reset",
        "markdown",
    } <= reached
    page.see("[data-view=questions]")
    page.page.locator('[data-sort^="0 "]').focus()
    keyboard.press("Enter")
    assert page.page.evaluate("document.activeElement.dataset.sort") == "0 accuracy"
    page.page.locator("[data-table=questions] .cell.embedded").first.focus()
    keyboard.press("Enter")
    assert page.page.evaluate("document.activeElement.dataset.control") == "step-first"
    keyboard.press("Enter")
    keyboard.press("ArrowRight")
    assert page.page.locator("[data-part=step]").text_content().startswith("step 1 of")


@pytest.mark.parametrize(
    "options",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    ],
    ids=["light", "dark", "phone"],
)
def test_nothing_serious_for_the_accessibility_checker(
    options: dict[str, Any], report: Path, open_report: Open
) -> None:
    page = open_report(report, **options)
    for name in ("trajectory", "schedule", "questions", "episodes"):
        page.see(f"[data-view={name}]")
    page.page.wait_for_selector("[data-view=schedule] .main-svg")
    page.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    page.page.wait_for_timeout(300)
    # Injected by the debugger, which no policy of the page forbids.
    violations = Axe().run(page.page).response["violations"]
    serious = [
        (each["id"], [node["html"][:200] for node in each["nodes"][:3]])
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
    overflow = page.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


def test_it_prints(page: Opened) -> None:
    printed = page.page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    page.page.emulate_media(media="print")
    assert page.page.locator(".bar").is_hidden()
    assert page.page.locator("[data-table=held_out]").is_visible()


def test_without_scripts_the_tables_are_there(report: Path, results: Any, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    shown = page.locator("[data-table=held_out] tbody tr.selected td data").all_text_contents()
    rows = [row for row in results["held_out"]["rows"] if row["kind"] == "selected"]
    assert any(f"{row['accuracy']['mean']:.2f}" in shown for row in rows)
    context.close()
