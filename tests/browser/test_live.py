"""A page that is served takes the newer one by itself, and its reader keeps filters, focus and place."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ticketsim.stack.page_server import page_url, serving
from ticketsim.stack.ports import free_port
from ticketsim_assets.dashboard.data import read_marts
from ticketsim_assets.dashboard.page import write_page

pytestmark = pytest.mark.slow

#: It asks every ten seconds.
_SOON_MS = 40_000


@pytest.fixture
def served(warehouse, tmp_path: Path, chromium: Browser):
    """A page over HTTP, and what builds it again; at the end nothing may have gone wrong in the browser."""
    file, port = tmp_path / "dashboard" / "index.html", free_port()
    problems: list[str] = []

    def build() -> None:
        write_page(read_marts(warehouse.path), file)

    build()
    with serving(file, port):
        page = chromium.new_page(viewport={"width": 1280, "height": 600})
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{page_url(port)}#venue=south&from=2026-03-02T00&to=2026-03-03T00")
        page.wait_for_selector('html[data-state="ready"]', state="attached")
        yield page, build
        page.close()
    assert problems == []


def test_a_newer_page_is_shown_with_the_same_filters_focus_and_place(warehouse, served: tuple[Page, Callable]) -> None:
    page, build = served
    page.locator("details.fold summary").click()
    page.locator("#processing-title").scroll_into_view_if_needed()
    page.locator("#walk").focus()
    place = page.evaluate("scrollY")
    assert place > 0
    before = page.locator("#kpi-arrived").inner_text()
    warehouse.execute("update marts.agg_venue_hourly set visitors_arrived = visitors_arrived + 1000")
    build()
    expect(page.locator("#kpi-arrived")).not_to_have_text(before, timeout=_SOON_MS)
    assert page.locator("#kpi-arrived").inner_text() == f"{int(before.replace(',', '')) + 24_000:,}"
    assert page.url.endswith("#venue=south&from=2026-03-02T00&to=2026-03-03T00")
    expect(page.locator("#walk")).to_be_focused()
    assert page.evaluate("scrollY") == place
    assert page.locator("details").first.get_attribute("open") is not None


def test_a_page_that_is_still_the_newest_stays(served: tuple[Page, Callable]) -> None:
    page, _ = served
    page.evaluate("window.same = true")
    with page.expect_response(lambda answer: answer.request.method == "HEAD", timeout=_SOON_MS):
        pass
    page.wait_for_timeout(500)
    assert page.evaluate("window.same") is True
