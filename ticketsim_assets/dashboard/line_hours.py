"""What each line did hour by hour, as the page has it: of days that are not recent by station only."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from ticketsim_assets.dashboard.bins import ALL_LINES, STAGES
from ticketsim_assets.dashboard.hours import hours_since_epoch, is_recent
from ticketsim_assets.warehouse.protocol import Reader

LINES_TABLE: Final = "marts.agg_line_hourly"


def read_line_hours(reader: Reader, newest: date) -> list[tuple[Any, ...]]:
    """Read what lines did; of days that are not recent the lines of a station are one row, ALL_LINES.

    Hours of servers who are not known are a row of their own, with 0 servers: their busy time is a share of nothing.

    Returns:
        Rows of run_id, venue_id, hour (since the epoch), stage (by position), line, visitors served, busy_us and
        servers, in order.
    """
    rows: Sequence[Sequence[Any]] = reader.execute(
        f"""
        select run_id, venue_id, hour_start, stage, case when {is_recent(newest)} then line else {ALL_LINES} end,
            sum(visitors), sum(busy_us), sum(coalesce(servers, 0))
        from {reader.named(LINES_TABLE)}
        group by run_id, venue_id, hour_start, stage, 5, coalesce(servers, 0) > 0
        order by hour_start, run_id, venue_id, stage, 5
        """  # noqa: S608 constants of this package, and a date
    ).fetchall()
    return [
        (run_id, venue_id, hours_since_epoch(hour), STAGES.index(stage), line, *map(int, sums))
        for run_id, venue_id, hour, stage, line, *sums in rows
    ]
