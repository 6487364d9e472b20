"""Durations counted in bins, as the page has them: hour by hour, and of what is long past with less detail.

The bins are the warehouse's (``marts.dim_duration_bins``); the page has no edges of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from simulator.events import HOUR_US
from ticketsim_assets.warehouse.protocol import Reader

BINS_TABLE: Final = "marts.dim_duration_bins"
HISTOGRAM_TABLE: Final = "marts.agg_wait_histogram_hourly"

#: Where visitors wait, in the order in which they do.
STAGES: Final = ("seller", "scanner")

#: Where groups buy their tickets.
CHANNELS: Final = ("box_office", "online")

#: In place of a line and a channel (by position) where they are not told apart.
ALL_LINES: Final = 0
ALL_CHANNELS: Final = len(CHANNELS)

_SECOND_US: Final = HOUR_US // 3600


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins that durations are counted in."""

    edges: tuple[int, ...]  #: where each begins, whole seconds, ascending; the last one is open
    at: Mapping[int, int]  #: position by edge in microseconds, as the marts name bins


NO_BINS: Final = Bins((), {})


def read_bins(reader: Reader) -> Bins:
    """Read the bins; none from a warehouse without them."""
    if not reader.has(BINS_TABLE):
        return NO_BINS
    rows = reader.execute(f"select from_us from {reader.named(BINS_TABLE)} order by from_us").fetchall()  # noqa: S608
    edges = [edge for (edge,) in rows]
    return Bins(tuple(edge // _SECOND_US for edge in edges), {edge: position for position, edge in enumerate(edges)})


def read_waits(reader: Reader, bins: Bins, recent_from: date) -> list[tuple[Any, ...]]:
    """Read the visitors by the length of their wait, hour by hour.

    Lines and channels are told apart from the day ``recent_from`` on.

    Returns:
        Rows of run_id, venue_id, hour (since the epoch), stage, line, channel, bin and visitors, in order;
        all but the ids and the line are positions.
    """
    recent = f"event_date >= date '{recent_from}'"
    rows = reader.execute(
        f"""
        select run_id, venue_id, hour_start, stage,
            case when {recent} then line else {ALL_LINES} end as line,
            case when {recent} then channel end as channel,
            from_us, sum(visitors)
        from {reader.named(HISTOGRAM_TABLE)}
        group by 1, 2, 3, 4, 5, 6, 7
        order by hour_start, run_id, venue_id, stage, line, channel, from_us
        """  # noqa: S608 constants of this package, and a date
    ).fetchall()
    return [_placed(row, hours_since_epoch(row[2]), bins) for row in rows]


def read_waits_by_day(reader: Reader, bins: Bins, recent_from: date) -> list[tuple[Any, ...]]:
    """Read the same by line and channel and by the UTC day, of the days before ``recent_from``.

    Returns:
        Rows as of ``read_waits``; a day is its first hour.
    """
    rows = reader.execute(
        f"""
        select run_id, venue_id, event_date, stage, line, channel, from_us, sum(visitors)
        from {reader.named(HISTOGRAM_TABLE)}
        where event_date < date '{recent_from}'
        group by 1, 2, 3, 4, 5, 6, 7
        order by event_date, run_id, venue_id, stage, line, channel, from_us
        """  # noqa: S608 constants of this package, and a date
    ).fetchall()
    return [_placed(row, hours_since_epoch(datetime.combine(row[2], time())), bins) for row in rows]


def _placed(row: Sequence[Any], hour: int, bins: Bins) -> tuple[Any, ...]:
    run_id, venue_id, _, stage, line, channel, from_us, visitors = row
    of_channel = ALL_CHANNELS if channel is None else CHANNELS.index(channel)
    return run_id, venue_id, hour, STAGES.index(stage), line, of_channel, bins.at[from_us], int(visitors)


def hours_since_epoch(start: datetime) -> int:
    """Return the start of an hour, UTC with or without a time zone, in hours since the epoch."""
    return int(start.replace(tzinfo=UTC).timestamp()) // 3600
