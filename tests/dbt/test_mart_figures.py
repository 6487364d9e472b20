"""Figures of the marts against the sums that receipts state, read as `ticketsim reconcile` and the page read them."""

from datetime import UTC, datetime

import duckdb
import pytest

from tests.dbt.conftest import Warehouse
from ticketsim_assets.checks.reconciliation import read_reconciliation
from ticketsim_assets.dashboard.data import MEASURES
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader
from ticketsim_assets.warehouse.mart_figures import MartFigures, read_mart_figures

pytestmark = pytest.mark.slow

#: A venue's hour in the marts.
CELL = "venue_id = 'north' and hour_start = timestamp '2026-11-21'"

#: Hours of the two venues, the drain included, and how many figures are compared of each.
VENUE_HOURS, FIGURES = 5 + 4, 19 + 14

#: One row of each of a venue's hour.
FIRST_BIN = "from_us = 0 and line = 1 and channel = 'online'"
LAST_BIN = f"""
    channel = 'online'
    and from_us = (select max(from_us) from marts.agg_time_in_system_hourly where {CELL} and channel = 'online')
"""
SCANS = "channel = 'online' and step = 'scan_tickets'"

#: What the page shows of a venue's hour, and what lines, histograms and journeys add up to.
SHOWN = [
    *(("agg_venue_hourly", measure, "") for measure in MEASURES),
    *(("agg_venue_hourly", measure, "") for measure in ("arrivals_admitted", "arrivals_inside")),
    *(("agg_line_hourly", measure, " and line = 1") for measure in ("wait_count", "served", "visitors")),
    *(("agg_wait_histogram_hourly", measure, f" and {FIRST_BIN}") for measure in ("waits", "visitors")),
    *(("agg_time_in_system_hourly", measure, f" and {LAST_BIN}") for measure in ("visitors", "visitor_us")),
    *(("agg_journey_hourly", measure, f" and {SCANS}") for measure in ("visitors", "visitor_us")),
    ("agg_journey_hourly", "visitor_us", " and channel = 'online' and step = 'walk_to_scanner'"),
]


def found_in(warehouse: Warehouse) -> MartFigures:
    with duckdb.connect(warehouse.path, read_only=True) as connection:
        return read_mart_figures(DuckDBReader(connection))


def found_after(warehouse: Warehouse, statement: str) -> MartFigures:
    """What is found while ``statement`` has changed a mart; it is undone."""
    with duckdb.connect(warehouse.path) as connection:
        connection.begin()
        connection.execute(statement)
        found = read_mart_figures(DuckDBReader(connection))
        connection.rollback()
    return found


def test_every_figure_of_what_was_built_is_that_of_the_receipts(built):
    found = found_in(built)
    assert (found.proved, found.counted, found.unproved, found.wrong) == (VENUE_HOURS * FIGURES, 0, 0, 0)
    assert found.problems == ()


@pytest.mark.parametrize(("mart", "column", "rows"), SHOWN)
def test_a_figure_that_somebody_changed_by_one_is_named_with_both_values(built, mart, column, rows):
    found = found_after(built, f"update marts.{mart} set {column} = {column} + 1 where {CELL}{rows}")
    assert found.wrong == len(found.problems) > 0
    for problem in found.problems:
        assert (problem.state, problem.venue_id, problem.hour) == ("wrong", "north", datetime(2026, 11, 21, tzinfo=UTC))
        assert problem.mart == mart
        assert column in problem.measure.split(" + ")
        assert problem.actual - problem.expected == 1
        assert f"{problem.actual}, by the receipt {problem.expected}" in str(problem)


@pytest.mark.parametrize("mart", list(dict.fromkeys(mart for mart, _, _ in SHOWN)))
def test_rows_of_a_mart_that_are_gone_or_doubled_are_wrong(built, mart):
    gone = found_after(built, f"delete from marts.{mart} where {CELL}")
    doubled = found_after(built, f"insert into marts.{mart} from marts.{mart} where {CELL}")
    assert {problem.mart for problem in gone.problems} == {problem.mart for problem in doubled.problems} == {mart}
    assert all(problem.actual == 0 for problem in gone.problems)
    assert all(problem.actual == 2 * problem.expected for problem in doubled.problems)


def test_figures_of_two_venues_that_were_exchanged_are_wrong_at_both(built):
    found = found_after(
        built,
        "update marts.agg_venue_hourly set venue_id = case venue_id when 'north' then 'south' else 'north' end "
        "where hour_start = timestamp '2026-11-21'",
    )
    assert {problem.venue_id for problem in found.problems} == {"north", "south"}


def test_a_figure_that_somebody_emptied_is_wrong(built):
    found = found_after(
        built,
        f"""
        alter table marts.agg_venue_hourly alter column revenue_cents drop not null;
        update marts.agg_venue_hourly set revenue_cents = null where {CELL};
        """,
    )
    assert [(problem.measure, problem.actual) for problem in found.problems] == [("revenue_cents", 0)]


def test_an_hour_that_was_loaded_and_stands_in_no_mart_is_unproved_and_named(unbuilt, hour):
    unbuilt.build(hour(0))
    found = found_in(unbuilt)
    assert (found.wrong, found.unproved) == (0, (VENUE_HOURS - 2) * FIGURES)
    assert len(found.problems) == VENUE_HOURS - 2
    assert {problem.difference for problem in found.problems} == {"the hour stands in no mart"}


def test_hours_without_receipts_are_unproved_and_receipts_without_sums_are_counted(built):
    built.execute("delete from raw.events where event_type = 'hour_closed' and venue_id = 'south'")
    sums = ("visitors", "visitor_us", "revenue_cents", "time_in_system_us")
    found = found_after(built, f"update raw.events set {', '.join(f'{name} = null' for name in sums)}")
    # every receipt states the number of events
    assert (found.proved, found.counted, found.unproved, found.wrong) == (8 * 5, 25 * 5, FIGURES * 4, 0)


def test_a_changed_figure_makes_the_whole_comparison_wrong_and_leaves_the_events_proved(built):
    built.execute(
        "update marts.agg_venue_hourly "
        "set visitors_admitted = visitors_admitted + 5000, groups_served = groups_served + 1"
    )
    with duckdb.connect(built.path, read_only=True) as connection:
        found = read_reconciliation(DuckDBReader(connection))
    assert (found.state, found.wrong, found.figures.wrong) == ("wrong", 0, 2 * VENUE_HOURS)
