"""Which hours to ask for: one rule over plain data, used by the sensor and by everyone else who asks.

An hour is *due* if it is complete and no run has succeeded at its fingerprint. Hours are asked for as ranges, first
loads and reloads apart; once a range has failed its hours are asked for one by one, so that a red hour holds back no
other; after MAX_ATTEMPTS an hour is left alone until its data changes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from streaming.hour import Hour, contiguous_ranges

#: Crashes are retried by Dagster itself; what fails this often is red for a reason that a person must see.
MAX_ATTEMPTS: Final = 3

#: A storm of late commits, one every two minutes, becomes one run per hour and interval.
RELOAD_DEBOUNCE: Final = timedelta(minutes=2)


class DueHour(msgspec.Struct, frozen=True):
    """A complete hour whose data no successful run has loaded yet."""

    fingerprint: int  #: newest Delta version that changed data in the hour
    changed_at: float  #: when that was committed, seconds since the Unix epoch
    reload: bool = False  #: an earlier fingerprint of the hour has been loaded with success
    attempts: int = 0  #: runs asked for at this fingerprint that have failed
    run_key: str | None = None  #: of the run asked for and not known to have ended


def due_again(before: DueHour | None, fingerprint: int, changed_at: float, *, reload: bool) -> DueHour:
    """An hour whose data changed, with all its attempts; a run that is under way for it is waited for first."""
    return DueHour(fingerprint, changed_at, reload=reload, run_key=before.run_key if before else None)


class Request(msgspec.Struct, frozen=True):
    """A run to ask for."""

    first: Hour
    last: Hour
    run_key: str
    reason: str  #: ``hour_complete`` or ``late_data``


def plan_requests(
    due: Mapping[Hour, DueHour], now: datetime, *, first_loads: bool, debounce: timedelta
) -> list[Request]:
    """The runs to ask for now, oldest first.

    Args:
        due: the hours that are due; those with a run under way are passed over.
        now: the wall clock.
        first_loads: whether this caller asks for first loads too, or for reloads only.
        debounce: how long an hour must have been unchanged before it is asked for again.
    """
    ready = {
        hour: state
        for hour, state in due.items()
        if state.run_key is None
        and state.attempts < MAX_ATTEMPTS
        and _may_ask(state, now, first_loads=first_loads, debounce=debounce)
    }
    ranges = [(hour, hour) for hour, state in ready.items() if state.attempts]
    for reload in (False, True):
        untried = [hour for hour, state in ready.items() if not state.attempts and state.reload is reload]
        ranges += contiguous_ranges(untried)
    return [_request(first, last, ready) for first, last in sorted(ranges)]


def _may_ask(state: DueHour, now: datetime, *, first_loads: bool, debounce: timedelta) -> bool:
    if state.reload:
        return now.timestamp() - state.changed_at >= debounce.total_seconds()
    return first_loads


def _request(first: Hour, last: Hour, due: Mapping[Hour, DueHour]) -> Request:
    covered = [state for hour, state in due.items() if first <= hour <= last]
    fingerprint = max(state.fingerprint for state in covered)
    attempt = 1 + max(state.attempts for state in covered)
    hours = first.key if first == last else f"{first.key}...{last.key}"
    return Request(
        first=first,
        last=last,
        run_key=f"{hours}@{fingerprint}#{attempt}",
        reason="late_data" if due[first].reload else "hour_complete",
    )
