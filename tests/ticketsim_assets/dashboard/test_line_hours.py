"""Lines of days long past are one row a station, and no server who is not known is counted as one."""

from collections.abc import Callable
from datetime import timedelta

from tests.ticketsim_assets.dashboard.conftest import NOON, NOON_HOUR
from ticketsim_assets.dashboard.hours import RECENT_DAYS
from ticketsim_assets.dashboard.line_hours import LINES_TABLE, read_line_hours
from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader

COLUMNS = """run_id varchar, venue_id varchar, hour_start timestamp, event_date date, stage varchar, line bigint,
    visitors bigint, busy_us bigint, servers bigint"""
OF = ("r", "n", NOON, NOON.date())
RECENT, LONG_PAST = NOON.date() + timedelta(days=RECENT_DAYS - 1), NOON.date() + timedelta(days=RECENT_DAYS)


def test_recent_lines_are_told_apart_and_those_long_past_are_one_row(reader: DuckDBReader, fill: Callable) -> None:
    rows = [(*OF, "seller", 1, 20, 900, 1), (*OF, "seller", 2, 2, 90, 1), (*OF, "scanner", 1, 5, 7, 1)]
    fill(LINES_TABLE, COLUMNS, rows)
    of = ("r", "n", NOON_HOUR)
    assert read_line_hours(reader, RECENT) == [
        (*of, 1, 1, 5, 7, 1),
        (*of, 0, 1, 20, 900, 1),
        (*of, 0, 2, 2, 90, 1),
    ]
    assert read_line_hours(reader, LONG_PAST) == [(*of, 1, 0, 5, 7, 1), (*of, 0, 0, 22, 990, 2)]


def test_hours_of_servers_who_are_not_known_are_a_row_of_their_own(reader: DuckDBReader, fill: Callable) -> None:
    fill(LINES_TABLE, COLUMNS, [(*OF, "seller", 1, 20, 900, None), (*OF, "seller", 2, 2, 90, 3)])
    rows = read_line_hours(reader, LONG_PAST)
    assert sorted(row[4:] for row in rows) == [(0, 2, 90, 3), (0, 20, 900, 0)]
