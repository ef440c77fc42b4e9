"""The pictures of a report in docs/images, made from a run:

    uv run python docs/screenshots.py runs/aime24_qwen3_released_search-...

Needs Chromium, and makes the files small with pngquant where that is installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
DESKTOP = {"viewport": {"width": 1280, "height": 860}, "device_scale_factor": 1.5}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
SHOTS: dict[str, tuple[str, dict[str, Any]]] = {
    "overview-light": ("top", DESKTOP | {"color_scheme": "light"}),
    "overview-dark": ("top", DESKTOP | {"color_scheme": "dark"}),
    "frontiers-light": ("frontiers", DESKTOP | {"color_scheme": "light"}),
    "frontiers-dark": ("frontiers", DESKTOP | {"color_scheme": "dark"}),
    "table-light": ("table", DESKTOP | {"color_scheme": "light"}),
    "trajectory-light": ("trajectory", DESKTOP | {"color_scheme": "light"}),
    "controller-dark": ("controller", DESKTOP | {"color_scheme": "dark"}),
    "questions-light": ("questions", DESKTOP | {"color_scheme": "light"}),
    "episodes-light": ("episodes", DESKTOP | {"color_scheme": "light"}),
    "episodes-dark": ("episodes", DESKTOP | {"color_scheme": "dark"}),
    "overview-phone": ("top", PHONE | {"color_scheme": "light"}),
    "frontiers-phone": ("frontiers", PHONE | {"color_scheme": "dark"}),
    "episodes-phone": ("episodes", PHONE | {"color_scheme": "light"}),
}
"""Each picture's section, and the browser that it is seen in."""


def show(page: Page, section: str) -> None:
    """Bring `section` into view as a reader would have it."""
    if section == "top":
        return
    page.locator(f"#{section}-0 h2").scroll_into_view_if_needed()
    page.evaluate("id => document.getElementById(id).scrollIntoView()", f"{section}-0")
    page.evaluate("scrollBy(0, 28)")
    page.wait_for_timeout(700)
    if section == "frontiers":
        page.locator("[data-view=frontiers] [data-control=bands] [data-value=none]").click()
        plot = page.locator("[data-plot=frontiers] .nsewdrag").first.bounding_box()
        marks = page.locator("[data-plot=frontiers] .scatterlayer .trace").last.locator(".point")
        mark = marks.nth(marks.count() // 2).bounding_box()
        if plot and mark:
            page.mouse.move(mark["x"] + 1, mark["y"] + 1)
            page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    if section == "episodes":
        page.locator("[data-control=reason]").select_option("saved")
        page.locator("[data-control=step]").fill("18")
        page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(500)


def shoot(browser: Browser, report: Path, name: str) -> None:
    """Write one picture."""
    section, options = SHOTS[name]
    page = browser.new_context(offline=True, **options).new_page()
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("html[data-plotted]")
    page.add_style_tag(content="html { scroll-behavior: auto !important; }")
    show(page, section)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    page.context.close()
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--ext", ".png", "128", path], check=True)
    print(f"{path} {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Write all pictures."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    report = Path(sys.argv[1]) / "report.html"
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=arguments
        )
        for name in SHOTS:
            shoot(browser, report, name)


if __name__ == "__main__":
    main()
