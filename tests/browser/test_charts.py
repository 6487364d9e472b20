"""The charts as a reader meets them: each is the table that its own SQL gives, whatever is chosen."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.browser.figures import LATEST, LATEST_RUN, expected_tiles, percentile, said, tiles
from tests.browser.more_marts import add_marts

pytestmark = pytest.mark.slow

START = datetime(2026, 2, 27, 10)  # noqa: DTZ001 - UTC, as the marts

EVERY_CHART = {
    *("people", "arrivals", "wait-seller", "wait-scanner", "waits", "calendar", "lines", "venues", "journey"),
    *("averages", "processing", "matrix", "quarantine"),
}


def _open_all(opened) -> None:
    closed = opened.page.locator('.exports button[aria-expanded="false"]')
    closed.evaluate_all("buttons => buttons.forEach(button => button.click())")
    opened.settle()


def _cells(opened, chart: str) -> list[list[str]]:
    return opened.page.locator(f"#{chart}-table tbody").evaluate(
        "body => [...body.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )


def _equal(cell: str, value: object) -> bool:
    if value is None:
        return cell == ""
    if isinstance(value, str):
        return cell == value
    decimals = len(cell.partition(".")[2])
    return abs(float(cell) - float(value)) <= 0.501 * 10**-decimals


def _assert_every_table_is_what_its_sql_gives(warehouse, opened) -> set[str]:
    """Return the charts that have one."""
    _open_all(opened)
    charts = {element.get_attribute("id")[: -len("-sql")] for element in opened.page.locator("pre[id$=-sql]").all()}
    for chart in charts:
        sql = opened.page.locator(f"#{chart}-sql").text_content()
        names, rows = warehouse.table(sql)
        heads = opened.page.locator(f"#{chart}-table thead th").all_text_contents()
        assert heads == names, chart
        shown = _cells(opened, chart)
        assert len(shown) == min(len(rows), 1000), (chart, sql)
        for cells, row in zip(shown, rows, strict=False):
            assert all(map(_equal, cells, row)), (chart, cells, row, sql)
    return charts


def test_every_chart_has_a_table_that_equals_its_sql(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    assert _assert_every_table_is_what_its_sql_gives(warehouse, opened) == EVERY_CHART


def test_by_the_day_and_with_the_most_of_each_hour_tables_equal_sql_too(long_warehouse, open_page: Callable) -> None:
    add_marts(long_warehouse.path)
    opened = open_page(long_warehouse.path)
    assert "most at once in each hour" in opened.text("#people-title")
    assert _assert_every_table_is_what_its_sql_gives(long_warehouse, opened) == EVERY_CHART - {"venues"}
    opened.shoot("by-day")


choices = st.fixed_dictionaries(
    {},
    optional={
        "run": st.sampled_from(["spring-rehearsal", "all"]),
        "venue": st.sampled_from(["north", "south"]),
        "range": st.tuples(st.integers(0, 110), st.integers(1, 72)),
        "channel": st.sampled_from(["box_office", "online"]),
        "stage": st.sampled_from(["seller", "scanner"]),
        "line": st.integers(1, 3),
        "by": st.sampled_from(["visitors", "busy"]),
        "tz": st.just("local"),
        "target": st.integers(1, 60),
    },
)


def _hash(choice: dict) -> str:
    parts = {name: value for name, value in choice.items() if name not in ("range", "run")}
    if "run" in choice:
        parts["runs" if choice["run"] == "all" else "run"] = choice["run"]
    if "range" in choice:
        start, hours = choice["range"]
        parts["from"] = f"{START + timedelta(hours=start):%Y-%m-%dT%H}"
        parts["to"] = f"{START + timedelta(hours=start + hours):%Y-%m-%dT%H}"
    return urlencode(parts)


def _utc(field: str, local: bool) -> str:
    """Return the hour of a field, in the browser's time zone or in UTC, as SQL says it."""
    hour = datetime.fromisoformat(field).replace(tzinfo=ZoneInfo("America/Los_Angeles") if local else UTC)
    return f"{hour.astimezone(UTC):%Y-%m-%d %H:%M}"


def _conditions(opened, choice: dict) -> dict[str, str]:
    """Return the conditions of ``expected_tiles``, of the hours that the page says it shows."""
    run = choice.get("run")
    conditions = ["true" if run == "all" else f"run_id = '{run or LATEST}'"]
    if "venue" in choice:
        conditions.append(f"venue_id = '{choice['venue']}'")
    start, end = (_utc(opened.page.input_value(f"#{which}"), "tz" in choice) for which in ("from", "to"))
    conditions.append(f"hour_start >= '{start}' and hour_start < '{end}'")
    of_line = choice.get("stage") and choice.get("line")
    return {
        "where": " and ".join(conditions),
        "line": f"(stage <> '{choice['stage']}' or line = {choice['line']})" if of_line else "true",
        "channel": f"channel = '{choice['channel']}'" if "channel" in choice else "true",
    }


def test_whatever_is_chosen_tiles_tables_and_tooltips_equal_sql(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(choice=choices, where=st.floats(0.05, 0.95))
    def follows(choice: dict, where: float) -> None:
        opened.page.evaluate("hash => { location.hash = hash; }", _hash(choice))
        opened.settle()
        assert tiles(opened) == expected_tiles(warehouse, **_conditions(opened, choice))
        for chart in _assert_every_table_is_what_its_sql_gives(warehouse, opened) & {"wait-seller", "wait-scanner"}:
            _assert_a_tooltip_equals_the_table(opened, chart, where)

    follows()


def _assert_a_tooltip_equals_the_table(opened, chart: str, where: float) -> None:
    chosen = opened.page.locator(f"#{chart}.chart")
    chosen.scroll_into_view_if_needed()
    box = chosen.locator("svg").bounding_box()
    opened.page.mouse.move(box["x"] + where * box["width"], box["y"] + box["height"] / 2)
    tip = dict(zip(*[iter(chosen.locator(".tip :is(dt, dd)").all_text_contents())] * 2, strict=True))
    if tip["Visitors who waited"] == "0":
        return
    unit = "min" if chart == "wait-seller" else "s"
    found = [
        [visitors, float(median), float(most)]
        for _, visitors, median, most in _cells(opened, chart)
        if f"{int(visitors):,}" == tip["Visitors who waited"]
    ]
    assert [f"{median:,.1f} {unit}" for _, median, _ in found].count(tip["Median"]) >= 1
    assert [f"{most:,.1f} {unit}" for *_, most in found].count(tip["95 %"]) >= 1


def test_the_csv_holds_what_the_table_shows(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name="CSV: How busy each line is").click()
    assert download.value.suggested_filename == "lines.csv"
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"), newline="")))
    _open_all(opened)
    assert rows[0][:3] == ["venue", "stage", "line"]
    assert rows[1:] == _cells(opened, "lines")


def _delta(opened, tile: str) -> str:
    return opened.text(f"#delta-{tile}")


def test_a_tile_tells_the_change_to_the_period_of_equal_length_before(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path, chosen="#from=2026-03-02T06&to=2026-03-02T18")
    (change,) = warehouse.ask(
        f"""select 100.0 * (sum(visitors_arrived) filter (where hour_start >= '2026-03-02 06:00')
            / sum(visitors_arrived) filter (where hour_start < '2026-03-02 06:00') - 1)
        from marts.agg_venue_hourly
        where {LATEST_RUN} and hour_start >= '2026-03-01 18:00' and hour_start < '2026-03-02 18:00'"""
    )
    assert _delta(opened, "arrived") == f"\N{BLACK UP-POINTING TRIANGLE} {change:.0f} % to the 12 hours before"
    waits = "agg_wait_histogram_hourly"
    then, now = (
        percentile(warehouse, waits, f"stage = 'seller' and {LATEST_RUN} and {hours}", 95)
        for hours in (
            "hour_start >= '2026-03-01 18:00' and hour_start < '2026-03-02 06:00'",
            "hour_start >= '2026-03-02 06:00' and hour_start < '2026-03-02 18:00'",
        )
    )
    share = f"{abs(100 * (now - then) / then):.0f} %"
    assert ("no change" if share == "0 %" else share) in _delta(opened, "seller-p95")
    assert opened.page.locator("#kpi-arrived ~ dd .sparkline").get_attribute("data-points") == "12"
    opened.shoot("deltas")


def test_without_an_earlier_period_or_with_hours_of_it_missing_no_change_is_told(
    warehouse, open_page: Callable
) -> None:
    chosen = "#from=2026-03-01T11&to=2026-03-01T23"
    opened = open_page(warehouse.path, chosen=chosen)
    assert _delta(opened, "arrived") == "no earlier period"
    warehouse.execute("delete from marts.agg_venue_hourly where hour_start = '2026-03-02 03:00'")
    opened = open_page(warehouse.path, chosen="#from=2026-03-02T06&to=2026-03-02T18")
    assert _delta(opened, "revenue") == "no earlier period"


def test_one_moment_is_pointed_at_in_all_charts_over_time(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    page = opened.page
    box = page.locator("#arrivals svg").bounding_box()
    page.locator("#arrivals").scroll_into_view_if_needed()
    box = page.locator("#arrivals svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20)
    over_time = ("people", "arrivals", "wait-seller", "wait-scanner", "lines", "matrix")
    for chart in over_time:
        assert page.locator(f"#{chart}.chart .crosshair").count() == 1, chart
    assert page.locator(".tip:not([hidden])").count() == 1
    assert page.locator("#calendar.chart .crosshair").count() == 0
    page.locator("#wait-seller.chart").focus()
    page.keyboard.press("Home")
    first = page.locator("#matrix.chart .crosshair").bounding_box()["x"]
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.locator("#matrix.chart .crosshair").bounding_box()["x"] > first
    page.keyboard.press("Escape")
    assert page.locator("#matrix.chart .crosshair").count() == 0


def test_a_click_on_a_line_or_a_venue_chooses_it_and_another_takes_it_back(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    page = opened.page
    page.locator("#venues-board").get_by_role("button", name="south").click()
    opened.settle()
    assert page.evaluate("location.hash") == "#venue=south"
    assert page.locator("#venues-board").count() == 0
    page.locator("#lines-board").get_by_role("button", name="seller 2").click()
    opened.settle()
    assert page.evaluate("location.hash") == "#venue=south&stage=seller&line=2"
    south = f"{LATEST_RUN} and venue_id = 'south'"
    wanted = percentile(warehouse, "agg_wait_histogram_hourly", f"{south} and stage = 'seller' and line = 2", 95)
    assert opened.text("#kpi-seller-p95") == said(wanted)
    assert page.locator("#wait-scanner").count() == 0
    opened.shoot("one-line")
    page.locator("#lines-board").get_by_role("button", name="seller 2").click()
    opened.settle()
    assert page.evaluate("location.hash") == "#venue=south"


def test_a_leaderboard_is_sorted_by_the_column_whose_head_is_clicked(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    board = opened.page.locator("#lines-board")
    for name, at in (("Visitors served", 0), ("Busy", 3)):
        board.get_by_role("button", name=name).click()
        shown = [row.locator("td").nth(at).inner_text() for row in board.locator("tbody tr").all()]
        values = [float(re.sub(r"[^\d.]", "", text)) for text in shown]
        assert values == sorted(values, reverse=True)
        assert board.locator('th[aria-sort="descending"]').inner_text().startswith(name)


def test_the_target_is_marked_and_told_and_stands_in_the_address(warehouse, open_page: Callable) -> None:
    opened = open_page(warehouse.path)
    opened.page.fill("#target", "4")
    opened.page.locator("#target").blur()
    opened.settle()
    assert opened.page.evaluate("location.hash") == "#target=4"
    # 240 s lie at half of the bin of 224 to 256 s
    (share,) = warehouse.ask(
        f"""select 100.0
            * sum(case when to_us <= 224000000 then visitors when from_us = 224000000 then visitors / 2 else 0 end)
            / sum(visitors)
        from marts.agg_wait_histogram_hourly where stage = 'seller' and {LATEST_RUN}"""
    )
    assert f"Within 4 min: {share:.1f} % at the sellers" in opened.text("#waits-words")
    assert "target 4 min" in opened.page.locator("#waits.chart svg").text_content()
    assert opened.page.locator("#wait-seller .target-line").count() == 1
    opened.page.fill("#target", "0")
    opened.page.locator("#target").blur()
    assert opened.page.input_value("#target") == "4"


def test_the_sentence_tells_when_waits_were_longest(warehouse, open_page: Callable) -> None:
    warehouse.execute(
        "delete from marts.agg_wait_histogram_hourly where from_us > 2048000000 and hour_start <> '2026-03-02 15:00'"
    )
    opened = open_page(warehouse.path, chosen="#venue=north")
    of = f"{LATEST_RUN} and venue_id = 'north' and stage = 'seller'"
    longest = percentile(warehouse, "agg_wait_histogram_hourly", f"{of} and hour_start = '2026-03-02 15:00'", 95)
    assert opened.text("#headline").startswith(
        "Waits at the sellers were longest in the hour from 2 Mar 2026, 15:00 UTC: "
        f"95 % of visitors waited up to {said(longest)}. In all these hours"
    )


@pytest.mark.parametrize(
    ("name", "start", "hours"), [("Busiest day", 24, 24), ("Rush", 36, 3), ("Today", 48, 24), ("Last 24 hours", 48, 24)]
)
def test_presets_choose_the_busiest_day_the_rush_and_the_last_day(
    warehouse, open_page: Callable, name: str, start: int, hours: int
) -> None:
    warehouse.execute(
        "update marts.agg_venue_hourly set visitors_arrived = visitors_arrived + 1000 "
        "where hour_start between '2026-03-02 12:00' and '2026-03-02 14:00'"
    )
    opened = open_page(warehouse.path)
    opened.page.get_by_role("button", name=name).click()
    opened.settle()
    begin = datetime(2026, 3, 1) + timedelta(hours=start)  # noqa: DTZ001 - UTC, as the marts
    assert opened.page.input_value("#from") == f"{begin:%Y-%m-%dT%H:%M}"
    assert opened.page.input_value("#to") == f"{begin + timedelta(hours=hours):%Y-%m-%dT%H:%M}"


def test_a_chart_whose_mart_is_missing_says_which(warehouse, open_page: Callable) -> None:
    warehouse.execute("drop table marts.agg_journey_hourly")
    opened = open_page(warehouse.path)
    assert opened.text("#journey").startswith("The warehouse has no marts.agg_journey_hourly yet")
    assert "marts.agg_journey_hourly" in opened.text("main .notice")
