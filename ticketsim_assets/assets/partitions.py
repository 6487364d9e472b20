"""The graph's partitions: UTC hours from the first hour on."""

import warnings
from datetime import UTC, datetime

import dagster as dg

from streaming.hour import ONE_HOUR, Hour, hours_between
from ticketsim_assets.exceptions import UnknownHour


def hourly_partitions(first_hour: datetime) -> dg.HourlyPartitionsDefinition:
    """Build the hourly partitions from ``first_hour`` to the current hour.

    The current hour exists (``end_offset=1``) because the lake receives rows for it, and because an hour whose venues
    have all sent final receipts is complete before it has passed.
    """
    return dg.HourlyPartitionsDefinition(start_date=first_hour, timezone="UTC", end_offset=1)


#: A range of hours is one run, not one per hour.
SINGLE_RUN = dg.BackfillPolicy.single_run()

# backfill_policy is beta in 1.13, which Dagster says at every start of every process; the pin keeps it as tested.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)


def daily_partitions(first_hour: datetime) -> dg.DailyPartitionsDefinition:
    """Return the days that have closed, in UTC, from that of ``first_hour``."""
    return dg.DailyPartitionsDefinition(
        start_date=first_hour.replace(hour=0, minute=0, second=0, microsecond=0), timezone="UTC"
    )


def parse_hour(text: str) -> Hour:
    """Parse an hour: ``2026-11-20T03:00``, with or without minutes or a time zone, or a Dagster partition key.

    Raises:
        UnknownHour: ``text`` is not a time, or not the start of an hour.
    """
    try:
        return Hour.from_key(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        hour = Hour.containing(moment)
    except ValueError:
        raise UnknownHour(
            f"Invalid hour {text!r}; expected YYYY-MM-DDTHH:00 in UTC, for example 2026-11-20T03:00."
        ) from None
    if hour.start != moment:
        raise UnknownHour(f"Invalid hour {text!r}: not the start of an hour; expected for example {hour}.")
    return hour


def existing_hours(first: Hour, last: Hour, *, first_hour: datetime, now: datetime) -> list[Hour]:
    """Return the hours from ``first`` to ``last``, both included.

    Args:
        first: where the range begins.
        last: where it ends.
        first_hour: start of the first partition.
        now: the wall clock.

    Raises:
        UnknownHour: The range is empty, begins before the first partition or ends after the current hour.
    """
    earliest, latest = Hour.containing(first_hour), Hour.containing(now)
    if last < first:
        raise UnknownHour(f"Invalid range: it ends ({last}) before it begins ({first}). Swap them.")
    if first < earliest:
        raise UnknownHour(f"Hour {first} is before the first partition, {earliest}. Set TICKETSIM_FIRST_HOUR earlier.")
    if last > latest:
        raise UnknownHour(f"Hour {last} has not begun; the newest hour is {latest}.")
    return hours_between(first, last)


def hours_of_window(window: dg.TimeWindow) -> list[Hour]:
    """Return the hours of a run's partition range."""
    return hours_between(Hour.containing(window.start), Hour.containing(window.end - ONE_HOUR))
