"""The replay as a reader meets it: what was equals SQL on the facts, what would be equals the model."""

import re
from collections.abc import Callable

import duckdb
import pyarrow as pa
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from simulator.scenario import load_scenario
from ticketsim_assets.dashboard.replay import ReplayDay

from ..ticketsim_assets.dashboard.replay_model import Staffing, run_model, simulated
from .test_dashboard import LATEST

pytestmark = pytest.mark.slow

FACTS = f"from marts.fct_visitor_journeys where run_id = '{LATEST}' and venue_id = 'north'"


@pytest.fixture(scope="module")
def day() -> ReplayDay:
    """Three hours of the published venue: lines grow from the first bus on."""
    return simulated(load_scenario("original"), hours=3)


@pytest.fixture
def replayed(warehouse, day: ReplayDay):
    """The warehouse with facts of the day on which most come, the last one of both venues."""
    columns = (
        *("group_id", "first_visitor_id", "bus_id", "arrived_us", "channel", "seller_line", "scanner_line"),
        *("walk_to_seller_us", "wait_in_seller_line_us", "buy_tickets_us", "walk_to_scanner_us"),
        *("wait_in_scanner_line_us", "scan_tickets_us"),
    )
    rows = [
        (
            *(number, number * 100 + place, group.bus_id, group.arrived_us),
            *(("box_office", group.seller_line) if group.buys else ("online", None)),
            group.scanner_line,
            *((group.walk_to_seller, group.wait_at_seller, group.sale) if group.buys else (None, None, None)),
            *(group.walk_to_scanner, group.waits_at_scanner[place], scan),
        )
        for number, group in enumerate(day.groups)
        for place, scan in enumerate(group.scans)
    ]
    journeys = pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
    with duckdb.connect(warehouse.path) as connection:
        connection.register("journeys", journeys)
        connection.execute(f"""
            create table marts.fct_visitor_journeys as
            select
                *, '{LATEST}' as run_id, venue_id, 1 as party_size, true as is_complete,
                date '2026-03-03' as event_date,
                timestamp '2026-03-03' + to_microseconds(arrived_us) as arrived_at
            from journeys, (select unnest(['north', 'south']) as venue_id)
        """)
        connection.execute("alter table marts.dim_venues add column sellers bigint")
        connection.execute("alter table marts.dim_venues add column scanners bigint")
        connection.execute("update marts.dim_venues set sellers = 6, scanners = 4")
        # so that the newest day is the busiest, too
        connection.execute("update marts.agg_venue_hourly set visitors_arrived = 0 where event_date < '2026-03-03'")
    return warehouse


def _opened(open_page: Callable, warehouse, **how):
    opened = open_page(warehouse.path, **how)
    opened.page.locator("#replay-section").scroll_into_view_if_needed()
    opened.page.wait_for_selector("#what-if")
    return opened


def _figures(opened, column: int) -> dict[str, str]:
    """The figures of a column of the comparison, by name: 0 is what was, 1 what would be."""
    return {
        row.get_attribute("id").removeprefix("what-if-"): row.locator("td").nth(column).inner_text()
        for row in opened.page.locator("#what-if tbody tr").all()
    }


def _rank(waits: list[int], share: float) -> int:
    return sorted(waits)[max(0, -int(-share * len(waits) // 1) - 1)]


def _settled(opened, address: Callable[[str], bool]) -> None:
    """Wait until the sliders rest and the address says so."""
    opened.page.wait_for_url(address)
    opened.settle()


def test_what_was_equals_sql_on_the_facts(replayed, open_page: Callable) -> None:
    opened = _opened(open_page, replayed)
    opened.shoot("replay")
    shown = _figures(opened, 0)
    for stage, column, unit, us in (
        ("sellers", "wait_in_seller_line_us", "min", 60e6),
        ("scanners", "wait_in_scanner_line_us", "s", 1e6),
    ):
        median, p95, within = replayed.ask(
            f"""select quantile_disc({column}, 0.5), quantile_disc({column}, 0.95),
            100.0 * count(*) filter (where {column} <= 300000000) / count({column}) {FACTS}"""
        )
        assert shown[f"{stage}-median"] == f"{median / us:.1f} {unit}"
        assert shown[f"{stage}-p95"] == f"{p95 / us:.1f} {unit}"
        assert shown[f"{stage}-within"] == f"{within:.1f} %"
    assert set(_figures(opened, 1).values()) == {"\N{EN DASH}"}


def test_the_people_waiting_at_the_chosen_moment_equal_sql(replayed, open_page: Callable) -> None:
    opened = _opened(open_page, replayed)
    opened.page.locator("#replay-time").focus()
    opened.page.keyboard.press("Home")
    for _ in range(2):
        opened.page.keyboard.press("PageUp")
    opened.page.keyboard.press("ArrowRight")
    assert opened.text("#replay-clock") == "02:01"
    (waiting,) = replayed.ask(
        f"""select count(*) {FACTS} and channel = 'box_office'
        and arrived_us + walk_to_seller_us <= 7260000000
        and arrived_us + walk_to_seller_us + wait_in_seller_line_us > 7260000000"""
    )
    assert _figures(opened, 0)["sellers-now"] == f"{waiting:,}"
    assert opened.text("#replay-where").startswith(f"{waiting:,} wait at the sellers")


def test_another_staffing_has_the_models_figures_and_is_in_the_address(replayed, open_page: Callable, day) -> None:
    opened = _opened(open_page, replayed)
    opened.page.locator("#what-if-sellers").focus()
    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("ArrowRight")
    opened.page.check("#what-if-shared")
    _settled(opened, lambda url: url.endswith("#s=8&shared=1"))
    shown = _figures(opened, 1)
    [[waits]] = run_model([(day, [Staffing(8, 4, True)])])
    of_visitors = [
        wait
        for group, wait in zip([group for group in day.groups if group.buys], waits.sellers, strict=True)
        for _ in group.scans
    ]
    assert shown["sellers-p95"] == f"{_rank(of_visitors, 0.95) / 60e6:.1f} min"
    assert shown["scanners-median"] == f"{_rank(waits.scanners, 0.5) / 1e6:.1f} s"
    again = _opened(open_page, replayed, chosen=opened.page.evaluate("location.hash"))
    assert _figures(again, 1) == shown
    again.shoot("replay-shared")
    again.page.click("#what-if-reset")
    _settled(again, lambda url: "s=8" not in url)
    assert set(_figures(again, 1).values()) == {"\N{EN DASH}"}


def test_the_filters_leave_the_staffing_alone_and_the_venue_of_the_page_is_the_one_replayed(
    replayed, open_page: Callable
) -> None:
    opened = _opened(open_page, replayed, chosen="#s=9")
    opened.page.select_option("#venue", label="south")
    opened.settle()
    assert opened.page.evaluate("location.hash") == "#venue=south&s=9"
    assert opened.page.locator("#replay-day option:checked").text_content() == "south, 3 Mar 2026"
    assert opened.page.locator(".staff output").first.inner_text() == "9"


def test_nothing_is_read_or_drawn_before_somebody_looks(replayed, open_page: Callable) -> None:
    opened = open_page(replayed.path, height=500)
    assert opened.page.locator("#replay-section canvas").count() == 0
    assert opened.page.locator("#replay-section").count() == 1


def test_it_plays_and_pauses_and_stands_still_between_pictures_for_who_wants_no_motion(
    replayed, open_page: Callable
) -> None:
    opened = _opened(open_page, replayed)
    page = opened.page
    page.locator("#replay-time").press("Home")
    page.click("#replay-play")
    expect(page.locator("#replay-clock")).not_to_have_text(re.compile("00:0[01]"))
    page.click("#replay-play")
    stopped = opened.text("#replay-where")
    page.wait_for_timeout(200)
    assert opened.text("#replay-where") == stopped

    page.emulate_media(reduced_motion="reduce")
    page.click("#replay-play")
    seen = {(page.wait_for_timeout(100), opened.text("#replay-where"))[1] for _ in range(9)}
    assert len(seen) <= 3
    page.click("#replay-play")


def test_a_page_without_facts_has_no_replay(warehouse, open_page: Callable) -> None:
    assert open_page(warehouse.path).page.locator("#replay-section").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_to_complain_about(replayed, open_page: Callable, dark: bool) -> None:
    opened = _opened(open_page, replayed, dark=dark, chosen="#s=8&x=3")
    opened.shoot(f"replay-{'dark' if dark else 'light'}")
    results = Axe().run(opened.page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [360, 390, 1920])
def test_it_fits_every_width(replayed, open_page: Callable, width: int) -> None:
    opened = _opened(open_page, replayed, width=width, chosen="#s=8")
    opened.shoot(f"replay-{width}")
    assert opened.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_printed_page_has_a_still_picture_in_light_colours(replayed, open_page: Callable) -> None:
    opened = open_page(replayed.path, dark=True, height=500)
    page = opened.page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_selector("#replay-section canvas")
    opened.settle()
    opened.shoot("replay-print")
    assert page.locator("#replay-play").is_hidden()
    colours = page.locator("canvas.stage").evaluate(
        """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const colours = new Set();
            for (let at = 0; at < data.length; at += 4) colours.add(data.slice(at, at + 4).join());
            return [...colours];
        }"""
    )
    assert "42,120,214,255" in colours
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert sheets <= 4
