"""The page as a reader meets it: every figure equals SQL on the marts, whatever is chosen."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.figures import LATEST, LATEST_RUN, NOTHING, duration, expected_tiles, tiles

pytestmark = pytest.mark.slow

BY_VENUE = (
    *("agg_venue_hourly", "reconciliation_hourly", "agg_wait_histogram_hourly", "agg_line_hourly"),
    *("agg_time_in_system_hourly", "agg_journey_hourly", "agg_occupancy_5min"),
)


def _choose(opened, field: str, label: str) -> None:
    option = opened.page.locator(f"#{field} option").filter(has_text=label).first
    opened.page.select_option(f"#{field}", value=option.get_attribute("value"))
    opened.settle()


def _set_hour(opened, field: str, hour: str) -> None:
    opened.page.fill(f"#{field}", hour)
    opened.page.locator(f"#{field}").blur()
    opened.settle()


def _brush(opened, start: float, end: float) -> None:
    opened.page.locator("#overview").scroll_into_view_if_needed()
    box = opened.page.locator("#overview svg").bounding_box()
    height = box["y"] + box["height"] / 3
    opened.page.mouse.move(box["x"] + box["width"] * start, height)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + box["width"] * (start + end) / 2, height, steps=4)
    opened.page.mouse.move(box["x"] + box["width"] * end, height, steps=4)
    opened.page.mouse.up()
    opened.settle()


def _ticks(chart: str) -> str:
    return f'#{chart} [aria-label="x-axis tick label"] text'


def _point(opened, chart: str, head: str) -> str:
    """Move the mouse over a chart until its tooltip is of ``head``; return the tooltip."""
    opened.page.locator(f"#{chart}").scroll_into_view_if_needed()
    box = opened.page.locator(f"#{chart} svg").bounding_box()
    for x in range(55, int(box["width"]) - 15, 4):
        opened.page.mouse.move(box["x"] + x, box["y"] + box["height"] / 2)
        if (tooltip := opened.text(f"#{chart} .tip")).startswith(head):
            return tooltip
    raise AssertionError(f"no tooltip of {chart} is of {head}")


def _shown_range(opened) -> tuple[datetime, datetime]:
    words = opened.text("#range").split(" UTC")[0].split(" to ")
    start, end = (datetime.strptime(word, "%d %b %Y, %H:%M") for word in words)  # noqa: DTZ007 - UTC, as the marts
    return start, end


def _between(start: datetime, end: datetime) -> str:
    return f"hour_start >= '{start}' and hour_start < '{end}'"


def test_the_latest_run_is_chosen_at_first_and_every_tile_equals_sql(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    opened.shoot("light")
    assert opened.page.locator("#run option:checked").text_content().startswith(LATEST)
    assert tiles(opened) == expected_tiles(warehouse, LATEST_RUN)


def test_the_fields_choose_hours_in_utc_wherever_the_reader_is(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    assert opened.page.input_value("#from") == "2026-03-01T00:00"
    assert opened.page.input_value("#to") == "2026-03-04T00:00"
    _set_hour(opened, "from", "2026-03-02T00:00")
    _set_hour(opened, "to", "2026-03-03T00:00")
    assert tiles(opened) == expected_tiles(warehouse, f"{LATEST_RUN} and event_date = '2026-03-02'")
    assert opened.text("#range").startswith("2 Mar 2026, 00:00 to 3 Mar 2026, 00:00 UTC: 24 hours")
    labels = opened.page.locator(_ticks("arrivals")).all_text_contents()
    assert (labels[0], "3 Mar" in labels) == ("2 Mar", True)
    opened.shoot("dates")


def test_dates_in_the_wrong_order_follow_the_one_that_was_set_last(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    _set_hour(opened, "to", "2026-03-02T00:00")
    _set_hour(opened, "from", "2026-03-03T00:00")
    assert tiles(opened) == expected_tiles(warehouse, f"{LATEST_RUN} and event_date = '2026-03-03'")


def test_a_date_outside_of_the_data_is_put_back(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    _set_hour(opened, "from", "2019-01-01T00:00")
    assert opened.page.input_value("#from") == "2026-03-01T00:00"
    assert tiles(opened) == expected_tiles(warehouse, LATEST_RUN)


def test_a_brush_over_the_overview_chooses_hours_and_a_click_takes_it_away(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    _brush(opened, 0.3, 0.6)
    start, end = _shown_range(opened)
    assert timedelta(hours=18) < end - start < timedelta(hours=25)
    assert tiles(opened) == expected_tiles(warehouse, f"{LATEST_RUN} and {_between(start, end)}")
    assert opened.page.input_value("#from") == f"{start:%Y-%m-%dT%H:%M}"
    opened.shoot("brush")
    box = opened.page.locator("#overview svg").bounding_box()
    opened.page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + 20)
    opened.settle()
    assert tiles(opened) == expected_tiles(warehouse, LATEST_RUN)


def test_the_brush_shows_what_the_dates_chose(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    _set_hour(opened, "from", "2026-03-03T00:00")
    brush = opened.page.locator(".brush .chosen").bounding_box()
    bars = opened.page.locator("#overview .bars").first.bounding_box()
    assert brush["width"] == pytest.approx(bars["width"] / 3, rel=0.03)
    assert brush["x"] + brush["width"] == pytest.approx(bars["x"] + bars["width"], abs=4)


def test_a_preset_chooses_the_last_day_and_says_that_it_is_pressed(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    opened.page.get_by_role("button", name="Last 24 hours").click()
    opened.settle()
    assert tiles(opened) == expected_tiles(warehouse, f"{LATEST_RUN} and event_date = '2026-03-03'")
    assert opened.page.get_by_role("button", name="Last 24 hours").get_attribute("aria-pressed") == "true"
    assert opened.page.get_by_role("button", name="All").get_attribute("aria-pressed") == "false"


def test_another_venue_another_run_and_all_runs_equal_sql(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    _choose(opened, "venue", "south")
    assert tiles(opened) == expected_tiles(warehouse, f"{LATEST_RUN} and venue_id = 'south'")
    _choose(opened, "run", "spring-rehearsal")
    assert tiles(opened) == expected_tiles(warehouse, "run_id = 'spring-rehearsal' and venue_id = 'south'")
    assert opened.text("#range").startswith("27 Feb 2026, 10:00 to 28 Feb 2026, 06:00 UTC: 20 hours")
    opened.shoot("other-run")
    _choose(opened, "venue", "all 2 venues")
    _choose(opened, "run", "all 2 runs")
    assert tiles(opened) == expected_tiles(warehouse, "true")


def test_the_average_durations_are_weighted_by_visitors(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    _set_hour(opened, "to", "2026-03-02T00:00")
    opened.page.get_by_role("button", name="Table: Average durations").click()
    for row in opened.page.locator("#averages-table tbody tr").all():
        key, *figures = row.locator("td").all_inner_texts()
        visitors, mean = warehouse.ask(
            f"""select sum({key}_visitors), sum({key}_visitor_us) / sum({key}_visitors)
            from marts.agg_venue_hourly where {LATEST_RUN} and event_date = '2026-03-01'"""
        )
        assert figures == [f"{visitors}", f"{mean / 1e6:.2f}"]
        said = duration(mean, "min" if key == "wait_in_seller_line" else "s")
        assert said in opened.page.locator("#averages").get_attribute("aria-label")
        assert said in opened.page.locator("#averages svg").text_content()


def test_the_tooltip_of_an_hour_tells_its_visitors(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    tooltip = _point(opened, "arrivals", "2 Mar 2026, 13:00")
    arrived, admitted = warehouse.ask(
        f"""select sum(visitors_arrived), sum(visitors_admitted) from marts.agg_venue_hourly
        where {LATEST_RUN} and hour_start = '2026-03-02 13:00'"""
    )
    assert tooltip.split() == ["2", "Mar", "2026,", "13:00", "Arrived", f"{arrived:,}", "Admitted", f"{admitted:,}"]


def test_hours_that_were_not_loaded_are_told_and_break_the_line(warehouse, open_page: Callable) -> None:
    gap = "hour_start >= '2026-03-02 03:00' and hour_start < '2026-03-02 09:00'"
    warehouse.execute(f"delete from marts.agg_venue_hourly where {gap}")
    opened = open_page(warehouse.path)
    assert opened.text("#range").endswith("72 hours, 66 of them loaded")
    opened.page.get_by_text("Show the averages of each activity").click()
    path = opened.page.locator("#mean-wait-seller .line path").first.get_attribute("d")
    assert path.count("M") == 2


def _buckets(opened) -> tuple[int, str]:
    """Return how many values the keys lead through in the chart of arrivals, and what its title says of them."""
    opened.page.locator("#arrivals").focus()
    opened.page.keyboard.press("Home")
    seen = [opened.text("#arrivals .tip")]
    while True:
        opened.page.keyboard.press("ArrowRight")
        if (tooltip := opened.text("#arrivals .tip")) == seen[-1]:
            return len(seen), opened.text("#arrivals-title .hint")
        seen.append(tooltip)


def test_more_than_ten_days_are_drawn_by_the_day_and_ten_by_the_hour(long_warehouse, open_page: Callable) -> None:
    opened = open_page(long_warehouse.path)
    assert _buckets(opened) == (40, "by day")
    opened.shoot("long")
    _set_hour(opened, "from", "2026-03-31T00:00")
    assert _buckets(opened) == (240, "by hour")
    _set_hour(opened, "from", "2026-03-30T00:00")
    assert _buckets(opened) == (11, "by day")


#: The view of figures against receipts, as a table that a test can change; the view itself is tested with dbt.
FIGURES = """create table marts.reconciliation_marts_hourly as
    select run_id, venue_id, hour_start, event_date, 'agg_venue_hourly' as mart, 'visitors_admitted' as measure,
        'scan_tickets' as event_type, visitors_admitted as expected, visitors_admitted as actual, 'proved' as state,
        null::varchar as difference
    from marts.agg_venue_hourly"""

A_WRONG_FIGURE = """update marts.reconciliation_marts_hourly
    set state = 'wrong', difference = 'agg_venue_hourly.visitors_admitted is 5812, by the receipt 812'
    where run_id = 'spring-rehearsal' and venue_id = 'south' and hour_start = '2026-02-27 13:00'"""


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ([], "proved", "Every hour equals its receipts\n1,288 proved, 0 unproved, 0 wrong"),
        (
            ["update marts.reconciliation_hourly set state = 'unproved' where event_type = 'bus_arrival'"],
            "unproved",
            "Some hours have no receipt\n1,104 proved, 184 unproved, 0 wrong",
        ),
        (
            [
                "update marts.reconciliation_hourly set state = 'unproved' where event_type = 'bus_arrival'",
                "update marts.reconciliation_hourly set state = 'wrong', difference = '812 expected, 811 there' where "
                "run_id = 'spring-rehearsal' and venue_id = 'south' and event_type = 'scan_tickets' "
                "and hour_start = '2026-02-27 13:00'",
            ],
            "wrong",
            "1 receipt differs from the warehouse\n1,103 proved, 184 unproved, 1 wrong",
        ),
        (
            [FIGURES],
            "proved",
            "Every hour equals its receipts\n1,288 proved, 0 unproved, 0 wrong\nfigures: 184 proved, 0 wrong",
        ),
        (
            [FIGURES, A_WRONG_FIGURE],
            "wrong",
            "1 figure differs from the receipts\n1,288 proved, 0 unproved, 0 wrong\nfigures: 183 proved, 1 wrong",
        ),
        (
            [FIGURES, "update marts.reconciliation_marts_hourly set state = 'unproved', actual = null"],
            "unproved",
            "Some hours stand in no mart yet\n1,288 proved, 0 unproved, 0 wrong",
        ),
        (
            ["update marts.reconciliation_hourly set state = 'counted'"],
            "counted",
            "Hours equal receipts in number and duration\n0 proved, 1,288 counted, 0 unproved, 0 wrong",
        ),
        (
            ["delete from marts.reconciliation_hourly"],
            "unchecked",
            "No hour has been checked yet\n0 proved, 0 unproved, 0 wrong",
        ),
    ],
)
def test_the_badge_gives_the_verdict_in_words_and_counts(
    warehouse, open_page: Callable, changes: list[str], verdict: str, words: str
) -> None:
    for change in changes:
        warehouse.execute(change)
    opened = open_page(warehouse.path)
    opened.shoot(f"badge-{verdict}")
    assert opened.page.locator("#badge").get_attribute("data-verdict") == verdict
    assert opened.text("#badge").strip() == words


def test_a_difference_in_another_run_is_shown_although_the_filter_hides_its_hours(
    warehouse, open_page: Callable
) -> None:
    warehouse.execute(
        "update marts.reconciliation_hourly set state = 'wrong', difference = '812 expected, 811 there' "
        "where run_id = 'spring-rehearsal' and venue_id = 'south' and event_type = 'scan_tickets' "
        "and hour_start = '2026-02-27 13:00'"
    )
    opened = open_page(warehouse.path)
    assert opened.page.locator('[data-state-row="wrong"] td').all_inner_texts() == ["0", "1", "0"]
    rows = opened.page.locator("#offending tbody tr")
    assert rows.count() == 1
    assert [text.strip() for text in rows.first.locator("td").all_inner_texts()] == [
        "wrong",
        "spring-rehearsal",
        "south",
        "27 Feb 2026, 13:00",
        "scan_tickets",
        "812 expected, 811 there",
    ]
    _choose(opened, "run", "spring-rehearsal")
    assert opened.page.locator('[data-state-row="wrong"] td').all_inner_texts() == ["1", "1", "0"]
    assert opened.page.locator('[data-state-row="proved"] td').all_inner_texts() == ["279", "1,287", "0"]


def test_a_figure_that_differs_from_its_receipt_is_listed_with_both_values(warehouse, open_page: Callable) -> None:
    warehouse.execute(FIGURES)
    warehouse.execute(A_WRONG_FIGURE)
    opened = open_page(warehouse.path)
    [row] = opened.page.locator("#offending tbody tr").all()
    assert [text.strip() for text in row.locator("td").all_inner_texts()] == [
        "wrong",
        "spring-rehearsal",
        "south",
        "27 Feb 2026, 13:00",
        "agg_venue_hourly.visitors_admitted",
        "agg_venue_hourly.visitors_admitted is 5812, by the receipt 812",
    ]
    opened.shoot("wrong-figure")
    assert [cell.inner_text() for cell in opened.page.locator('[data-state-row="wrong"] td').all()] == ["0", "0", "1"]


def test_a_span_of_two_hours_has_no_label_finer_than_an_hour_and_none_twice(warehouse, open_page: Callable) -> None:
    warehouse.execute("delete from marts.agg_venue_hourly where hour_start >= '2026-03-01 02:00'")
    warehouse.execute("delete from marts.reconciliation_hourly where hour_start >= '2026-03-01 02:00'")
    opened = open_page(warehouse.path)
    for chart in ("overview", "arrivals", "wait-seller"):
        labels = opened.page.locator(_ticks(chart)).all_text_contents()
        assert labels == ["1 Mar", "01:00", "02:00"]


def test_names_that_look_like_markup_are_shown_as_text(warehouse, open_page: Callable) -> None:
    nasty = "</script><img src=x onerror=alert(1)>'\"&amp;"
    quoted = nasty.replace("'", "''")
    for table in BY_VENUE:
        warehouse.execute(f"update marts.{table} set run_id = '{quoted}', venue_id = venue_id || '<b>'")
    warehouse.execute(f"update marts.reconciliation_hourly set state = 'wrong', difference = '{quoted}'")
    opened = open_page(warehouse.path)
    assert nasty in opened.page.locator("#run option:checked").text_content()
    assert opened.page.locator("#offending tbody tr").first.locator("td").nth(1).inner_text() == nasty
    assert opened.page.locator("img").count() == 0
    assert tiles(opened) == expected_tiles(warehouse, "true")


def test_a_run_without_a_single_sale_has_dashes_and_not_zeros(warehouse, open_page: Callable) -> None:
    warehouse.execute("delete from marts.agg_wait_histogram_hourly where stage = 'seller'")
    opened = open_page(warehouse.path)
    assert opened.text("#kpi-seller-p95") == NOTHING
    assert opened.text("#wait-seller") == "Nobody waited at the sellers in these hours."


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_to_complain_about(warehouse, open_page: Callable, dark: bool) -> None:
    warehouse.execute("update marts.reconciliation_hourly set state = 'unproved' where event_type = 'bus_arrival'")
    warehouse.execute("update marts.reconciliation_hourly set state = 'wrong' where event_type = 'scan_tickets'")
    opened = open_page(warehouse.path, dark=dark)
    opened.shoot("dark" if dark else "light-wrong")
    for button in opened.page.get_by_role("button", name=re.compile("^Table: ")).all():
        button.click()
    opened.page.get_by_role("button", name="SQL: How long visitors wait").click()
    opened.page.get_by_text("Show the averages of each activity").click()
    results = Axe().run(opened.page)
    assert results.violations_count == 0, results.generate_report()


def test_the_colours_follow_when_the_reader_turns_the_light_off(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    line = opened.page.locator("#arrivals .bars rect").first
    by_day = line.evaluate("(path) => getComputedStyle(path).fill")
    _set_hour(opened, "from", "2026-03-02T00:00")
    opened.page.emulate_media(color_scheme="dark")
    opened.settle()
    assert line.evaluate("(path) => getComputedStyle(path).fill") != by_day
    assert opened.page.locator("#arrivals svg").count() == 1
    where = f"{LATEST_RUN} and event_date >= '2026-03-02'"
    assert tiles(opened) == expected_tiles(warehouse, where)


@pytest.mark.parametrize("width", [360, 768, 1024, 1440, 1920])
def test_nothing_is_wider_than_the_screen(warehouse, open_page: Callable, width: int) -> None:
    for table in ("agg_venue_hourly", "reconciliation_hourly"):
        warehouse.execute(f"update marts.{table} set run_id = run_id || '-with-a-very-long-name-that-nobody-shortened'")
    warehouse.execute("update marts.reconciliation_hourly set state = 'unproved' where event_type = 'bus_arrival'")
    opened = open_page(warehouse.path, width=width, height=800)
    opened.shoot(f"width-{width}")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    for chart in opened.page.locator(".chart").all():
        outer, inner = chart.bounding_box(), chart.locator("svg").bounding_box()
        assert inner["width"] <= outer["width"] + 1


def test_the_page_of_an_empty_warehouse_opens_and_names_the_cure(warehouse, open_page: Callable) -> None:
    warehouse.execute("drop schema marts cascade")
    opened = open_page(warehouse.path)
    opened.shoot("empty")
    assert "marts.agg_venue_hourly" in opened.text("main")
    assert "ticketsim demo" in opened.text("main")
    assert Axe().run(opened.page).violations_count == 0


def test_who_is_still_on_the_way_is_who_came_and_was_not_admitted_before_the_end(
    warehouse, open_page: Callable
) -> None:
    opened = open_page(warehouse.path, chosen="#venue=south&from=2026-03-01T20&to=2026-03-02T09")
    inside, cents = warehouse.ask(
        f"""select sum(visitors_arrived - visitors_admitted),
            sum(revenue_cents) filter (where hour_start >= '2026-03-01 20:00')
        from marts.agg_venue_hourly
        where {LATEST_RUN} and venue_id = 'south' and hour_start < '2026-03-02 09:00'"""
    )
    assert opened.text("#sub-arrived").endswith(f" admitted, {inside} still on the way")
    assert opened.text(".kpis :nth-child(2) dt") == "Revenue on site"
    assert opened.text("#kpi-revenue") == f"${(cents + 50) // 100:,}"
    warehouse.execute("delete from marts.agg_venue_hourly where hour_start = '2026-03-01 05:00' and venue_id = 'south'")
    opened = open_page(warehouse.path, chosen="#venue=south&from=2026-03-01T20&to=2026-03-02T09")
    assert "hours are missing" in opened.text("#sub-arrived")


def test_what_is_chosen_stands_in_the_address_and_survives_reloading_and_going_back(
    warehouse, open_page: Callable
) -> None:
    opened = open_page(warehouse.path)
    page = opened.page
    first = tiles(opened)
    _choose(opened, "venue", "south")
    _set_hour(opened, "from", "2026-03-02T07:00")
    _set_hour(opened, "to", "2026-03-02T10:00")
    assert page.evaluate("location.hash") == "#venue=south&from=2026-03-02T07&to=2026-03-02T10"
    chosen = tiles(opened)
    where = f"{LATEST_RUN} and venue_id = 'south' and hour_start between '2026-03-02 07:00' and '2026-03-02 09:00'"
    assert chosen == expected_tiles(warehouse, where)
    assert "south" in page.title()
    page.locator("#badge").click()
    assert page.evaluate("location.hash").startswith("#venue=south")
    page.reload()
    opened.settle()
    assert tiles(opened) == chosen
    assert page.input_value("#from") == "2026-03-02T07:00"
    for _ in range(3):
        page.go_back()
    opened.settle()
    assert tiles(opened) == first


def test_times_are_said_in_the_reader_s_own_zone_when_asked(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path, chosen="#from=2026-03-02T08&to=2026-03-03T08")
    figures = tiles(opened)
    _choose(opened, "zone", "my time zone")
    assert opened.text("#range") == "2 Mar 2026, 00:00 to 3 Mar 2026, 00:00 America/Los_Angeles: 24 hours"
    assert opened.page.input_value("#from") == "2026-03-02T00:00"
    assert opened.page.locator(_ticks("arrivals")).all_text_contents()[0] == "2 Mar"
    assert tiles(opened) == figures
    assert opened.page.evaluate("location.hash").endswith("&tz=local")


def test_a_new_drag_inside_the_brush_starts_a_new_one_and_its_ends_move_by_mouse_and_keys(
    warehouse, open_page: Callable
) -> None:
    opened = open_page(warehouse.path, chosen="#from=2026-03-01T12&to=2026-03-03T12")
    _brush(opened, 0.4, 0.6)
    start, end = _shown_range(opened)
    assert timedelta(hours=12) < end - start < timedelta(hours=17)
    box = opened.page.locator(".brush .chosen").bounding_box()
    opened.page.mouse.move(box["x"] + box["width"], box["y"] + 10)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 1.5 * box["width"], box["y"] + 10, steps=3)
    opened.page.mouse.up()
    opened.settle()
    assert _shown_range(opened)[0] == start
    assert _shown_range(opened)[1] > end
    handle = opened.page.get_by_role("slider", name="Start of the range")
    handle.focus()
    for key, hours in (("ArrowRight", 1), ("ArrowRight", 1), ("ArrowLeft", -1), ("Shift+ArrowLeft", -24)):
        opened.page.keyboard.press(key)
        start += timedelta(hours=hours)
        assert _shown_range(opened)[0] == max(start, datetime(2026, 3, 1))  # noqa: DTZ001 - UTC, as the marts
    assert handle.evaluate("(handle) => handle === document.activeElement")
    assert tiles(opened) == expected_tiles(warehouse, f"{LATEST_RUN} and {_between(*_shown_range(opened))}")


def test_the_wheel_scrolls_and_changes_nothing_that_is_chosen(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path, chosen="#from=2026-03-01T12&to=2026-03-03T12", height=500)
    figures = tiles(opened)
    box = opened.page.locator("#overview svg").bounding_box()
    opened.page.mouse.move(box["x"] + 300, box["y"] + 20)
    for _ in range(4):
        opened.page.mouse.wheel(0, 60)
    opened.page.wait_for_function("scrollY > 100")
    opened.settle()
    assert tiles(opened) == figures


def _touch(opened, kind: str, x: float = 0, y: float = 0) -> None:
    points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
    opened.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_finger_brushes_what_it_drags_over_and_a_tap_tells_a_figure(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path, width=390, height=800, touch=True)
    opened.session = opened.page.context.new_cdp_session(opened.page)
    opened.page.locator("#overview").scroll_into_view_if_needed()
    box = opened.page.locator("#overview svg").bounding_box()
    y = box["y"] + 30
    _touch(opened, "touchStart", box["x"] + 0.25 * box["width"], y)
    for step in range(1, 11):
        _touch(opened, "touchMove", box["x"] + (0.25 + 0.05 * step) * box["width"], y + step)
    _touch(opened, "touchEnd")
    opened.settle()
    start, end = _shown_range(opened)
    assert end - start == pytest.approx(
        timedelta(hours=72 * 0.5 * box["width"] / (box["width"] - 20)), abs=timedelta(hours=1)
    )
    assert tiles(opened) == expected_tiles(warehouse, f"{LATEST_RUN} and {_between(start, end)}")
    opened.page.locator("#arrivals").scroll_into_view_if_needed()
    box = opened.page.locator("#arrivals svg").bounding_box()
    _touch(opened, "touchStart", box["x"] + box["width"] / 2, box["y"] + 30)
    _touch(opened, "touchEnd")
    opened.page.wait_for_selector("#arrivals .tip:not([hidden])")
    assert "Arrived" in opened.text("#arrivals .tip")
    opened.shoot("phone-tap")


def test_hours_in_which_nothing_happened_are_a_sentence_and_no_empty_charts(warehouse, open_page: Callable) -> None:
    measures = warehouse.ask(
        """select string_agg(column_name || ' = 0', ', ') from information_schema.columns
        where table_name = 'agg_venue_hourly' and data_type in ('BIGINT', 'HUGEINT')"""
    )
    early = "hour_start < '2026-03-01 06:00'"
    warehouse.execute(f"update marts.agg_venue_hourly set {measures[0]} where {early}")
    for table in set(BY_VENUE) - {"agg_venue_hourly", "reconciliation_hourly"}:
        warehouse.execute(f"delete from marts.{table} where {early}")
    opened = open_page(warehouse.path, chosen="#to=2026-03-01T05&from=2026-03-01T00")
    assert opened.text("#nothing").startswith("Nothing happened in these hours")
    assert opened.text("#kpi-seller-p50") == NOTHING
    assert opened.page.locator("#arrivals").count() == 0
    assert opened.page.locator("#receipts").is_visible()
    opened.shoot("nothing-happened")


def test_hours_that_differ_from_their_receipts_are_marked_and_the_tail_is_not_connected(
    warehouse, open_page: Callable
) -> None:
    warehouse.execute(
        "update marts.reconciliation_hourly set state = 'wrong' where event_type = 'scan_tickets' "
        "and hour_start in ('2026-03-02 03:00', '2026-03-02 04:00', '2026-03-02 09:00')"
    )
    warehouse.execute(
        "update marts.agg_venue_hourly set buses = 0, visitors_arrived = 0, visitors_admitted = 7 "
        "where hour_start > '2026-03-03 20:00'"
    )
    opened = open_page(warehouse.path)
    assert opened.page.locator("#arrivals .band rect").count() == 2
    assert opened.page.locator("#wait-seller .band rect").count() == 2
    assert "differs from its receipts" in opened.text("[aria-labelledby=arrivals-title] .legend")
    assert "last bus" in opened.page.locator("#arrivals svg").text_content()
    opened.page.get_by_text("Show the averages of each activity").click()
    assert opened.page.locator("#mean-wait-seller .line.tail path").count() == 1
    box = opened.page.locator("#mean-wait-seller svg").bounding_box()
    line = opened.page.locator("#mean-wait-seller .line:not(.tail) path").first.bounding_box()
    assert line["x"] + line["width"] < box["x"] + box["width"] - 16 - 2.5 / 72 * (box["width"] - 68)
    opened.shoot("tail")
    warehouse.execute("update marts.dim_venues set final_hour = null")
    opened = open_page(warehouse.path)
    assert "last bus" not in opened.page.locator("#arrivals svg").text_content()
    assert opened.page.locator("#mean-wait-seller .line.tail path").count() == 0


def test_a_printed_page_has_light_colours_no_controls_and_charts_that_fit_their_cards(
    warehouse, open_page: Callable
) -> None:
    opened = open_page(warehouse.path, dark=True, width=1440)
    page = opened.page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 703, "height": 1000})
    opened.settle()
    opened.shoot("print")
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#run").is_visible()
    assert not page.locator("#overview").is_visible()
    assert LATEST in opened.text(".range")
    for chart in page.locator(".chart svg:visible").all():
        card = chart.locator("xpath=ancestor::section[1]").bounding_box()
        box = chart.bounding_box()
        assert card["x"] <= box["x"]
        assert box["x"] + box["width"] <= card["x"] + card["width"] + 0.5
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert 1 <= sheets <= 3


def test_nothing_may_run_or_load_but_what_the_page_names_by_its_hash(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    policy = opened.page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    refused = opened.page.evaluate("""() => new Promise((resolve) => {
        addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "document.title = 'planted'";
        document.head.append(script);
    })""")
    assert refused == "script-src-elem"
    assert opened.page.title() != "planted"
    opened.problems.clear()  # the browser has told of it
