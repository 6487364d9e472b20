"""Durations counted in bins, as the page has them: hour by hour, and of what is long past with less detail.

The bins are the warehouse's (``marts.dim_duration_bins``); the page has no edges of its own.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from simulator.events import HOUR_US
from ticketsim_assets.dashboard.hours import hour_or_day, hours_since_epoch, is_recent
from ticketsim_assets.warehouse.protocol import Reader

BINS_TABLE: Final = "marts.dim_duration_bins"
HISTOGRAM_TABLE: Final = "marts.agg_wait_histogram_hourly"
TIME_IN_SYSTEM_TABLE: Final = "marts.agg_time_in_system_hourly"

#: Where visitors wait, in the order in which they do.
STAGES: Final = ("seller", "scanner")

#: Where groups buy their tickets.
CHANNELS: Final = ("box_office", "online")

#: In place of a line and a channel (by position) where they are not told apart.
ALL_LINES: Final = 0
ALL_CHANNELS: Final = len(CHANNELS)

_SECOND_US: Final = HOUR_US // 3600


def read_edges(reader: Reader) -> tuple[int, ...]:
    """Read where each bin begins, whole seconds, ascending; the last one is open. A warehouse may have none."""
    return tuple(edge // _SECOND_US for edge in _bins(reader)) if reader.has(BINS_TABLE) else ()


def _bins(reader: Reader) -> Mapping[int, int]:
    """Return the position of each bin by its lower edge in microseconds, as the marts name it."""
    rows = reader.execute(f"select from_us, bin from {reader.named(BINS_TABLE)} order by bin").fetchall()  # noqa: S608
    return dict(rows)


def read_waits(reader: Reader, newest: date) -> list[tuple[Any, ...]]:
    """Read the visitors by the length of their wait, hour by hour; of recent days lines and channels are told apart.

    Args:
        reader: The warehouse.
        newest: The newest day with hours.

    Returns:
        Rows of run_id, venue_id, hour (since the epoch), stage, line, channel, bin and visitors, in order; all but the
        ids and the line are positions.
    """
    bins, recent = _bins(reader), is_recent(newest)
    rows = reader.execute(
        f"""
        select run_id, venue_id, hour_start, stage,
            case when {recent} then line else {ALL_LINES} end, case when {recent} then channel end,
            from_us, sum(visitors)
        from {reader.named(HISTOGRAM_TABLE)}
        group by 1, 2, 3, 4, 5, 6, 7
        order by 3, 1, 2, 4, 5, 6, 7
        """  # noqa: S608 constants of this package, and a date
    ).fetchall()
    return [
        (run, venue, hours_since_epoch(start), STAGES.index(stage), line, channel_at(channel), bins[from_us], visitors)
        for run, venue, start, stage, line, channel, from_us, visitors in rows
    ]


def read_times_in_system(reader: Reader, newest: date) -> list[tuple[Any, ...]]:
    """Read the visitors by their time from bus to gate, hour by hour of recent days, of those before day by day.

    Returns:
        Rows of run_id, venue_id, hour (since the epoch; a day is its first), channel, bin and visitors, in order;
        channel and bin are positions.
    """
    bins = _bins(reader)
    rows = reader.execute(
        f"""
        select run_id, venue_id, {hour_or_day(newest)}, channel, from_us, sum(visitors)
        from {reader.named(TIME_IN_SYSTEM_TABLE)}
        group by 1, 2, 3, 4, 5
        order by 3, 1, 2, 4, 5
        """  # noqa: S608 constants of this package, and a date
    ).fetchall()
    return [
        (run, venue, hours_since_epoch(start), channel_at(channel), bins[from_us], visitors)
        for run, venue, start, channel, from_us, visitors in rows
    ]


def channel_at(channel: str | None) -> int:
    """Return the position of a channel; ALL_CHANNELS if none is named."""
    return ALL_CHANNELS if channel is None else CHANNELS.index(channel)
