"""A warehouse with known figures, and a browser that may reach nothing but the page's file."""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from playwright.sync_api import Browser, CDPSession, Dialog, Page, Playwright

from tests.browser.more_marts import add_marts
from ticketsim.stack.chromium import find_chromium
from ticketsim_assets.dashboard.data import ACTIVITIES, MEASURES, read_marts
from ticketsim_assets.dashboard.page import write_page

EVENT_TYPES = ("bus_arrival", *(activity.key for activity in ACTIVITIES))

TYPICAL_SECONDS = {
    "walk_to_seller": 60,
    "wait_in_seller_line": 240,
    "buy_tickets": 61,
    "walk_to_scanner": 30,
    "wait_in_scanner_line": 95,
    "scan_tickets": 3,
}


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file with marts, changed and asked by SQL."""

    path: Path

    def execute(self, sql: str) -> None:
        with duckdb.connect(self.path) as connection:
            connection.execute(sql)

    def table(self, sql: str) -> tuple[list[str], list[tuple]]:
        """Return the names of the columns and the rows."""
        with duckdb.connect(self.path, read_only=True) as connection:
            result = connection.execute(sql)
            return [name for name, *_ in result.description], result.fetchall()

    def rows(self, sql: str) -> list[tuple]:
        with duckdb.connect(self.path, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def ask(self, sql: str) -> tuple:
        return self.rows(sql)[0]


def _venue_hour(run: str, venue: str, hour: datetime, number: int, size: float) -> tuple:
    """Figures that differ in every hour and follow the day, so that a wrong sum shows and a picture looks real."""
    of_day = math.exp(-(((hour.hour - 13) / 5) ** 2))
    arrived = int(size * (150 + 1900 * of_day)) + number % 17
    admitted = arrived - number % 5
    on_site = int(arrived * 0.4)
    row = {
        "buses": arrived // 100 + 1,
        "visitors_arrived": arrived,
        "groups_served": on_site // 2,
        "visitors_admitted": admitted,
        "revenue_cents": on_site * 1250,
        "time_in_system_us": admitted * int((200 + 300 * of_day) * 1_000_003),
    }
    for key, seconds in TYPICAL_SECONDS.items():
        visitors = on_site if key in ("walk_to_seller", "wait_in_seller_line", "buy_tickets") else admitted
        slower = 0.2 + 1.6 * of_day if key.startswith("wait") else 1 + (number % 7) / 100
        row[f"{key}_visitors"] = visitors
        row[f"{key}_visitor_us"] = visitors * int(seconds * slower * 1_000_000 + 37)
    return (run, venue, hour, hour.date(), *(row[measure] for measure in MEASURES))


def _fill(path: Path, runs: dict[str, tuple[datetime, int, float]], venues: tuple[str, ...]) -> None:
    rows = [
        _venue_hour(run, venue, start + timedelta(hours=i), i, size * share)
        for run, (start, hours, size) in runs.items()
        for venue, share in zip(venues, (1.0, 0.4), strict=False)
        for i in range(hours)
    ]
    names = ("run_id", "venue_id", "hour_start", "event_date", *MEASURES)
    with duckdb.connect(path) as connection:
        connection.register("figures", pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))))
        connection.execute("create schema marts")
        connection.execute("create table marts.agg_venue_hourly as from figures")
        connection.execute(
            f"""create table marts.reconciliation_hourly as
            select
                run_id, venue_id, hour_start, event_type,
                visitors_arrived as expected_count, visitors_arrived as actual_count,
                1::bigint as expected_duration_us, 1::bigint as actual_duration_us,
                'proved' as state, null::varchar as difference
            from marts.agg_venue_hourly, (select unnest({list(EVENT_TYPES)}) as event_type)"""
        )
        connection.execute(
            """create table marts.dim_venues as
            select run_id, venue_id, max(hour_start) as final_hour from marts.agg_venue_hourly group by all"""
        )


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Two runs, the later one over three days, two venues, every receipt proved."""
    path = tmp_path / "warehouse.duckdb"
    runs = {
        "spring-rehearsal": (datetime(2026, 2, 27, 10), 20, 0.5),  # noqa: DTZ001 - the marts hold naive UTC
        "7f3a90c1d2e4": (datetime(2026, 3, 1), 72, 1.0),  # noqa: DTZ001 - the marts hold naive UTC  # pragma: allowlist secret
    }
    _fill(path, runs, ("north", "south"))
    add_marts(path)
    return Warehouse(path)


@pytest.fixture
def long_warehouse(tmp_path: Path) -> Warehouse:
    """One run over 40 days: drawn by the day."""
    path = tmp_path / "long.duckdb"
    _fill(path, {"season": (datetime(2026, 3, 1), 960, 1.0)}, ("north",))  # noqa: DTZ001 - the marts hold naive UTC
    return Warehouse(path)


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium; a machine without one fails here, since a page that nobody opened is not tested."""
    found = find_chromium()
    if found is None:
        pytest.fail("no browser on this machine: install Chromium or set TICKETSIM_CHROMIUM to one")
    browser = playwright.chromium.launch(
        executable_path=found,
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    )
    yield browser
    browser.close()


@dataclass
class Opened:
    """A page in the browser, with everything it should not have done."""

    page: Page
    problems: list[str] = field(default_factory=list)
    session: CDPSession | None = None  #: to the browser itself, for what the page's own methods cannot do

    def settle(self) -> None:
        """Wait until the page has drawn what was chosen: at once, before the browser paints again."""
        self.page.wait_for_selector('html[data-state="ready"]', state="attached")
        self.page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page for whoever wants to look: in TICKETSIM_SCREENSHOTS, if that is set."""
        if folder := os.environ.get("TICKETSIM_SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def open_page(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Build the page of a warehouse and open it, offline and in Los Angeles; at the end nothing may have gone wrong.

    ``chosen`` is what the address says behind the file's name.
    """
    opened: list[Opened] = []

    def open_it(
        warehouse: Path,
        *,
        dark: bool = False,
        width: int = 1280,
        height: int = 900,
        chosen: str = "",
        touch: bool = False,
    ) -> Opened:
        destination = tmp_path / "page" / "index.html"
        write_page(read_marts(warehouse), destination)
        context = chromium.new_context(
            offline=True,
            timezone_id="America/Los_Angeles",
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": height},
            has_touch=touch,
        )
        page = context.new_page()
        result = Opened(page)
        opened.append(result)
        page.on("console", lambda message: result.problems.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: result.problems.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("file:", "data:", "blob:"))
                else result.problems.append(f"request: {request.url}")
            ),
        )

        def dismiss(dialog: Dialog) -> None:
            result.problems.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("dialog", dismiss)
        page.goto(destination.as_uri() + chosen)
        if page.locator("#badge").count():
            result.settle()
        return result

    yield open_it
    for result in opened:
        result.page.context.close()
        assert result.problems == []
