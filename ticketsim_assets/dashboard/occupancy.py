"""Visitors between bus and gate over time, as the page has them: every five minutes, and at most within each hour."""

from datetime import date
from typing import Any, Final

from ticketsim_assets.dashboard.bins import STAGES
from ticketsim_assets.dashboard.hours import hours_since_epoch, is_recent
from ticketsim_assets.warehouse.protocol import Reader

OCCUPANCY_TABLE: Final = "marts.agg_occupancy_5min"

#: How many days, back from the newest, the page has every five minutes of.
OCCUPANCY_DAYS: Final = 31

_STATES: Final = ("walking", "waiting", "serving")
_SLOT_S: Final = 300

#: Columns of the page: visitors of each stage by what they do.
PEOPLE: Final = tuple(f"{stage}_{state}" for stage in STAGES for state in _STATES)


def read_occupancy(reader: Reader, newest: date) -> list[tuple[Any, ...]]:
    """Read the visitors at the start of every five minutes of the newest days.

    Args:
        reader: The warehouse.
        newest: The newest day with hours.

    Returns:
        Rows of run_id, venue_id, hour (since the epoch), slot (0 to 11) and PEOPLE, in order of time.
    """
    people = ", ".join(f"sum(case when stage = '{stage}' then {state} end)" for stage in STAGES for state in _STATES)
    rows = reader.execute(
        f"""
        select run_id, venue_id, hour_start, slot_start, {people}
        from {reader.named(OCCUPANCY_TABLE)}
        where {is_recent(newest, OCCUPANCY_DAYS)}
        group by 1, 2, 3, 4
        order by 4, 1, 2
        """  # noqa: S608 constants of this package, and a date
    ).fetchall()
    return [
        (run, venue, hours_since_epoch(hour), int((slot - hour).total_seconds()) // _SLOT_S, *counts)
        for run, venue, hour, slot, *counts in rows
    ]


def read_occupancy_by_hour(reader: Reader, newest: date) -> list[tuple[Any, ...]]:
    """Read the most visitors at once within every hour.

    Returns:
        Rows of run_id, venue_id, hour (since the epoch), PEOPLE, and the most of all of them together when five minutes
        begin; in order of time.
    """
    most = [f"{stage}_{state}" for stage in STAGES for state in _STATES]
    of_slot = ", ".join(
        f"max(case when stage = '{stage}' then {state}_max end) as {stage}_{state}"
        for stage in STAGES
        for state in _STATES
    )
    rows = reader.execute(
        f"""
        select run_id, venue_id, hour_start, {", ".join(f"max({column})" for column in most)}, max(people)
        from (
            select run_id, venue_id, hour_start, slot_start, {of_slot}, sum(walking + waiting + serving) as people
            from {reader.named(OCCUPANCY_TABLE)}
            group by 1, 2, 3, 4
        ) as slots
        group by 1, 2, 3
        order by 3, 1, 2
        """  # noqa: S608 constants of this package
    ).fetchall()
    return [(run, venue, hours_since_epoch(hour), *counts) for run, venue, hour, *counts in rows]
