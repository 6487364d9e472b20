"""How large the page is, how soon it is drawn, and how soon it follows a filter: this tree's beside an earlier one's.

The earlier page is built by its own code from the same warehouse::

    git worktree add ../before COMMIT
    .venv/bin/python -m benchmarks.page ../before

Both are opened in turns in one browser; the fastest turn of each counts. What is measured is until the browser has
painted.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import duckdb
from playwright.sync_api import Browser, Page, sync_playwright

from simulator.events import ACTIVITY_TYPES
from tests.duration_bins import create_duration_bins
from ticketsim.stack.chromium import find_chromium
from ticketsim_assets.dashboard.data import MEASURES

SPANS: Final = {"24 h": 24, "30 d": 720, "1 year": 8760}

_BUILD: Final = """
import sys
from pathlib import Path
from ticketsim_assets.dashboard.data import read_marts
from ticketsim_assets.dashboard.page import write_page
write_page(read_marts(Path(sys.argv[1])), Path(sys.argv[2]))
"""

_HOURS: Final = "select run_id, venue_id, hour_start, event_date"

#: Six sellers and four scanners, as in the scenario ``original``.
_LINES: Final = """(
    select 'seller' as stage, line, 'box_office' as channel from range(1, 7) as sellers(line)
    union all select 'scanner', line, channel
    from range(1, 5) as scanners(line), (values ('box_office'), ('online')) as channels(channel)
)"""

#: What the page has beside the figures of each hour: the marts' columns that it reads.
_DETAILS: Final = (
    f"""create table marts.agg_wait_histogram_hourly as
    {_HOURS}, stage, line, channel, from_us, to_us, 1 as waits, bin + 1 as visitors
    from marts.agg_venue_hourly, {_LINES}, (from marts.dim_duration_bins where bin between 10 and 17)""",
    f"""create table marts.agg_time_in_system_hourly as
    {_HOURS}, channel, from_us, to_us, bin + 1 as visitors
    from
        marts.agg_venue_hourly, (values ('box_office'), ('online')) as channels(channel),
        (from marts.dim_duration_bins where bin between 10 and 25)""",
    f"""create table marts.agg_journey_hourly as
    {_HOURS}, channel, step, 977::bigint as visitors, 977000000000 as visitor_us
    from
        marts.agg_venue_hourly, (values ('box_office'), ('online')) as channels(channel),
        (values ('walk_to_seller'), ('wait_in_seller_line'), ('buy_tickets'), ('walk_to_scanner'),
            ('wait_in_scanner_line'), ('scan_tickets'), ('between_steps')) as steps(step)""",
    f"""create table marts.agg_line_hourly as
    {_HOURS}, stage, line, 300 as visitors, 3000000000 as busy_us, 1 as servers
    from marts.agg_venue_hourly, (select distinct stage, line from {_LINES})""",  # noqa: S608 - constants above
    f"""create table marts.agg_occupancy_5min as
    {_HOURS}, hour_start + to_minutes((5 * slot)::int) as slot_start, stage, 40 + slot as walking,
        200 + slot as waiting, 6 as serving, 60 + slot as walking_max, 240 + slot as waiting_max, 6 as serving_max
    from marts.agg_venue_hourly, range(12) as slots(slot), (values ('seller'), ('scanner')) as stages(stage)""",
    """create table marts.agg_quarantine_hourly as
    select distinct hour_start, reason, 3 as messages
    from marts.agg_venue_hourly, (values ('bad_value:line'), ('not_json')) as reasons(reason)""",
)

#: Choose, and return the milliseconds until the page is drawn and the browser has painted it.
_CHOOSE: Final = """([id, value]) => new Promise((resolve) => {
    const control = document.getElementById(id);
    const start = performance.now();
    control.value = value;
    control.dispatchEvent(new Event("change", { bubbles: true }));
    const look = () => requestAnimationFrame(() => {
        if (document.documentElement.dataset.state !== "ready") return look();
        setTimeout(() => resolve(performance.now() - start));
    });
    look();
})"""


def fill(path: Path, hours: int) -> None:
    """Make a warehouse of one run and two venues over ``hours``, every receipt proved."""
    types = ", ".join(f"('{event_type.value}')" for event_type in ACTIVITY_TYPES)
    measures = ", ".join(
        f"({position} + (i * 131 + v * 17) % 977)::bigint * {10**9 if name.endswith('_us') else 1} as {name}"
        for position, name in enumerate(MEASURES)
    )
    with duckdb.connect(path) as connection:
        connection.execute("create schema marts")
        create_duration_bins(connection)
        connection.execute(
            f"""create table marts.agg_venue_hourly as
            select 'run' as run_id, 'venue-' || v as venue_id, {measures},
                timestamp '2026-01-01' + to_hours(i::int) as hour_start, cast(hour_start as date) as event_date
            from range({hours}) as hours(i), range(1, 3) as venues(v)"""  # noqa: S608 - constants of the project
        )
        connection.execute(
            f"""create table marts.reconciliation_hourly as
            select run_id, venue_id, hour_start, event_type, 1 as expected_count, 1 as actual_count, 'proved' as state,
                null::varchar as difference
            from marts.agg_venue_hourly, (values {types}) as types(event_type)"""  # noqa: S608 - constants of the project
        )
        for statement in _DETAILS:
            connection.execute(statement)
        connection.execute(
            """create table marts.dim_venues as
            select run_id, venue_id, max(hour_start) as final_hour from marts.agg_venue_hourly group by all"""
        )


def opened(browser: Browser, file: Path) -> tuple[Page, float]:
    """Open a page anew; return it with the milliseconds until it was painted."""
    page = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
    page.goto(file.as_uri())
    page.wait_for_selector('html[data-state="ready"]', state="attached")
    took = page.evaluate(
        "new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))))"
    )
    return page, took


def filtered(page: Page) -> float:
    """Return the milliseconds in which the page follows another venue, the slower one of both ways."""
    values = page.eval_on_selector_all("#venue option", "(options) => options.map((option) => option.value)")
    return max(page.evaluate(_CHOOSE, ["venue", value]) for value in (values[1], values[0]))


def main(arguments: list[str]) -> None:
    """Print a row for each span: sizes, times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="the tree of the earlier page")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args(arguments)
    print("| span | size, kB | open, ms | ratio | filter, ms | ratio |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        for span, hours in SPANS.items():
            warehouse = Path(folder) / f"{hours}.duckdb"
            fill(warehouse, hours)
            pages = {}
            for name, tree in (("before", options.before.resolve()), ("now", Path.cwd())):
                pages[name] = Path(folder) / f"{name}-{hours}.html"
                subprocess.run([sys.executable, "-c", _BUILD, warehouse, pages[name]], cwd=tree, check=True)
            opening: dict[str, list[float]] = {name: [] for name in pages}
            filtering: dict[str, list[float]] = {name: [] for name in pages}
            for _ in range(options.turns):
                for name, file in pages.items():
                    page, took = opened(browser, file)
                    opening[name].append(took)
                    filtering[name].append(min(filtered(page) for _ in range(3)))
                    page.context.close()
            size = {name: file.stat().st_size / 1000 for name, file in pages.items()}
            open_, filter_ = ({name: min(times) for name, times in of.items()} for of in (opening, filtering))
            print(
                f"| {span} | {size['before']:.0f} → {size['now']:.0f} "
                f"| {open_['before']:.0f} → {open_['now']:.0f} | {open_['now'] / open_['before']:.2f} "
                f"| {filter_['before']:.0f} → {filter_['now']:.0f} | {filter_['now'] / filter_['before']:.2f} |",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
