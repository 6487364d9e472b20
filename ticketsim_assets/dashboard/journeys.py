"""What visitors spend their time on between bus and gate, step by step, as the page has it."""

from datetime import date
from typing import Any, Final

from simulator.events import ACTIVITY_TYPES, EventType
from ticketsim_assets.dashboard.bins import channel_at
from ticketsim_assets.dashboard.hours import hour_or_day, hours_since_epoch
from ticketsim_assets.warehouse.protocol import Reader

JOURNEYS_TABLE: Final = "marts.agg_journey_hourly"

#: In the order in which a visitor takes them; the last is what lies between the others.
STEPS: Final = (
    *(event_type.value for event_type in ACTIVITY_TYPES if event_type is not EventType.BUS_ARRIVAL),
    "between_steps",
)


def read_journeys(reader: Reader, newest: date) -> list[tuple[Any, ...]]:
    """Read the visitors of each step and their time, hour by hour of recent days, of those before day by day.

    Returns:
        Rows of run_id, venue_id, hour (since the epoch; a day is its first), channel, step, visitors and visitor_us
        (microseconds times visitors); channel and step are positions.
    """
    rows = reader.execute(
        f"""
        select run_id, venue_id, {hour_or_day(newest)}, channel, step, sum(visitors), sum(visitor_us)
        from {reader.named(JOURNEYS_TABLE)}
        group by 1, 2, 3, 4, 5
        order by 3, 1, 2, 4, 5
        """  # noqa: S608 constants of this package, and a date
    ).fetchall()
    return [
        (run, venue, hours_since_epoch(start), channel_at(channel), STEPS.index(step), visitors, visitor_us)
        for run, venue, start, channel, step, visitors, visitor_us in rows
    ]
