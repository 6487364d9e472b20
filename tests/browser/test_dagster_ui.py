"""Dagster's own pages in a browser: runs of the command line are where people look for runs."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ticketsim.stack.page_server import page_url, serving
from ticketsim.stack.ports import free_port

from ..dagster_dev import DagsterDev
from ..integration.conftest import CommandLine
from ..ticketsim_assets.conftest import LakeMaker, simulated

pytestmark = pytest.mark.slow

#: A webserver that loads the code location first shows a page without it.
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Everything loaded and the page built by the command line; no daemon has ever run."""
    home = tmp_path_factory.mktemp("ui") / "home"
    LakeMaker(home / "lake").append(simulated(hours=0.5, venues=1))
    answer = CommandLine(home, 9)("materialize", "--due", "--json")
    assert answer.code == 0, answer.err
    assert [run["job"] for run in answer.json["runs"]] == ["hourly", "rebuild_dashboard"]
    return home


@pytest.fixture(scope="module")
def ui(home):
    """The webserver alone, which starts no run, and the page as `ticketsim up` serves it."""
    port = free_port()
    settings = {"TICKETSIM_PAGE_URL": page_url(port)}
    served = DagsterDev(home, free_port(), settings, program=("dagster_webserver",))
    try:
        with serving(home / "dashboard" / "index.html", port):
            served.start()
            served.until_served()
            yield served.url
    finally:
        served.stop()


@pytest.fixture
def page(chromium: Browser) -> Page:
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


def test_the_timeline_shows_the_runs_of_the_command_line_and_no_other_job(page, ui):
    page.goto(f"{ui}/overview/activity/timeline")
    for job in ("hourly", "rebuild_dashboard"):
        expect(page.get_by_text(job, exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    assert "quarantine" not in page.inner_text("body")


def test_the_jobs_page_says_when_each_job_ran_last(page, ui):
    page.goto(f"{ui}/jobs")
    for job in ("hourly", "rebuild_dashboard"):  # the page's text has no spaces between its cells
        ran = re.compile(rf"{job}(a|an|a few|just|\d+) ?\w* ?(ago|now)")
        expect(page.locator("body")).to_contain_text(ran, timeout=PATIENCE_MS)
    expect(page.locator("body")).to_contain_text("compact_lakehourly")  # never ran


def test_the_page_s_asset_has_a_link_that_opens_the_page(page, ui):
    page.goto(f"{ui}/assets/dashboard?view=overview")
    with page.context.expect_page() as opened:
        page.locator(f'a[href^="http://127.0.0.1"][target="_blank"]:not([href^="{ui}"])').first.click()
    expect(opened.value.locator("#badge")).to_be_visible(timeout=PATIENCE_MS)
