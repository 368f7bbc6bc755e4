"""Page open → coloured map, and filter move → redraw, in Chromium with software WebGL.

    python -m tests.benchmarks.browser --workspace data/workspace

Counts WebGL draw calls of large buffers (a city's outlines), so that neither a spinner nor an
empty canvas is taken for the map. Medians of three, after a first visit that warms the server: in
a window that has never seen the dashboard (`open_s`), and in one that has (`open_again_s`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.conftest import CHROMIUM, SOFTWARE_GL, serve

LARGE = 2000
"""Indices drawn in one call: more than anything but the outlines of a town."""

BUDGET = {"open": 2.0, "filter": 0.5}

COUNT_DRAWS = """
window.draws = [];
for (const kind of [WebGLRenderingContext, WebGL2RenderingContext]) {
  for (const name of ['drawElements', 'drawArrays', 'drawElementsInstanced',
                      'drawArraysInstanced']) {
    const plain = kind.prototype[name];
    if (!plain) continue;
    kind.prototype[name] = function (...args) {
      const size = name.startsWith('drawElements') ? args[1] : args[2];
      const picking = this.getParameter(this.FRAMEBUFFER_BINDING) !== null;
      window.draws.push([performance.now(), size, picking]);
      return plain.apply(this, args);
    };
  }
}
"""


def first_large_draw(page: Page, *, after: float = 0.0) -> float:
    """Milliseconds (page clock) of the first large draw to the screen after a moment."""
    wanted = f"window.draws.find(d => d[1] > {LARGE} && !d[2] && d[0] > {after})"
    page.wait_for_function(f"Boolean({wanted})", polling=10, timeout=60_000)
    return float(page.evaluate(f"{wanted}[0]"))


def new_window(browser: Browser, cookie: Any) -> BrowserContext:
    """A window with nothing in its cache, let in by its cookie."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    context.add_cookies([cookie])
    context.add_init_script(COUNT_DRAWS)
    return context


def open_map(window: BrowserContext, url: str) -> tuple[Page, float]:
    """The map in a new tab; seconds from navigation to the coloured stations."""
    page = window.new_page()
    page.goto(f"{url}/carte", wait_until="commit")
    return page, first_large_draw(page) / 1000


def move_filter(page: Page) -> float:
    """Seconds from a key pressed on the abstention slider to the map drawn anew by the answer."""
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(5):  # to 50 %, where each step takes stations away
        page.keyboard.press("PageUp")
    page.wait_for_timeout(2500)
    told = page.get_by_text("passent les filtres").or_(page.get_by_text("pass the filters"))
    before = told.inner_text()
    start = page.evaluate("performance.now()")
    page.keyboard.press("PageUp")
    drawn = first_large_draw(page, after=start)
    page.wait_for_timeout(1500)
    assert told.inner_text() != before, "the filter moved nothing"
    return (drawn - start) / 1000


def measure(workspace: Path, *, times: int = 3) -> dict[str, object]:
    """Medians in seconds, beside their budgets."""
    opened, again, moved = [], [], []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        server, url, cookie = serve(workspace, Path(folder) / "server.log")
        try:
            browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=SOFTWARE_GL)
            for _ in range(times + 1):
                window = new_window(browser, cookie)
                page, seconds = open_map(window, url)
                opened.append(seconds)
                moved.append(move_filter(page))
                page.close()
                again.append(open_map(window, url)[1])
                window.close()
        finally:
            server.terminate()
    return {
        "first_visit_s": round(opened[0], 2),
        "open_s": round(statistics.median(opened[1:]), 2),
        "open_again_s": round(statistics.median(again[1:]), 2),
        "filter_s": round(statistics.median(moved[1:]), 3),
        "all_open_s": [round(s, 2) for s in opened],
        "all_open_again_s": [round(s, 2) for s in again],
        "all_filter_s": [round(s, 3) for s in moved],
        "budget_s": BUDGET,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    print(json.dumps(measure(parser.parse_args().workspace)))


if __name__ == "__main__":
    main()
