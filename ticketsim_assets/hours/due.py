"""Which hours to ask for: one rule over plain data, used by the sensor and by everyone else who asks.

An hour is *due* if it is complete and no run has succeeded at its fingerprint. Hours are asked for as ranges, first
loads and reloads apart; once a range has failed its hours are asked for one by one, so that a red hour holds back no
other; after MAX_FAILURES an hour is left alone until its data changes.

A request names exactly the hours to load, whatever the reason. Which hours of a mart depend on a reloaded one is known
to the mart, whose model widens its window itself: here nobody knows of marts.
"""

from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from streaming.hour import Hour, contiguous_ranges

#: What fails this often is red for a reason that a person must see.
MAX_FAILURES: Final = 3

#: Runs that died without failing, when Dagster was killed, say nothing about the hour. A run that takes its machine
#: down each time must end some day all the same.
MAX_CRASHES: Final = 20

#: How a run went: ``unknown`` if there is none, ``crashed`` if it was killed rather than failed.
Outcome = Literal["unknown", "under_way", "succeeded", "failed", "crashed"]

Reason = Literal["hour_complete", "late_data", "by_hand"]


class DueHour(msgspec.Struct, frozen=True):
    """A complete hour whose data no successful run has loaded yet."""

    fingerprint: int  #: newest Delta version that changed data in the hour
    changed_at: float  #: when the first change was committed that no run was asked for, seconds since the Unix epoch
    reload: bool = False  #: an earlier fingerprint of the hour has been loaded with success
    asked: int = 0  #: runs asked for at this fingerprint that have ended
    failures: int = 0  #: of those, runs that failed
    crashes: int = 0  #: of those, runs that were killed
    run_key: str | None = None  #: of the run asked for and not known to have ended

    @property
    def given_up(self) -> bool:
        """Whether no run is asked for any more at this fingerprint."""
        return self.failures >= MAX_FAILURES or self.crashes >= MAX_CRASHES


class Request(msgspec.Struct, frozen=True):
    """A run to ask for."""

    first: Hour
    last: Hour
    run_key: str
    reason: Reason  #: ``late_data`` for a reload, ``hour_complete`` for a first load


def due_again(before: DueHour | None, fingerprint: int, changed_at: float, *, reload: bool) -> DueHour:
    """An hour whose data changed, with all its attempts; a run that is under way says nothing about the new data.

    A change that comes while an earlier one waits to be asked for does not prolong the wait: a storm that never rests
    would never be loaded.
    """
    if before is not None and before.run_key is None and not before.asked:
        changed_at = min(before.changed_at, changed_at)
    return DueHour(fingerprint, changed_at, reload=reload)


def settled(state: DueHour, outcome: Outcome) -> DueHour:
    """``state`` once the run that it names went like ``outcome``, and the hour is due still.

    A run that succeeded has loaded an earlier fingerprint; it counts as asked for, so that the next one has a key of
    its own. One that is unknown was never made, and its key is free.
    """
    if outcome == "under_way":
        return state
    return msgspec.structs.replace(
        state,
        run_key=None,
        asked=state.asked + (outcome != "unknown"),
        failures=state.failures + (outcome == "failed"),
        crashes=state.crashes + (outcome == "crashed"),
    )


def plan_requests(
    due: Mapping[Hour, DueHour], now: datetime, *, debounce: timedelta, not_now: Container[Hour] = ()
) -> list[Request]:
    """The runs to ask for now, oldest first.

    Args:
        due: the hours that are due; those with a run under way are passed over.
        now: the wall clock.
        debounce: how long after its first change an hour is loaded again.
        not_now: hours that some run is loading, whoever asked for it, or that would be refused.
    """
    ready = {
        hour: state
        for hour, state in due.items()
        if state.run_key is None
        and hour not in not_now
        and not state.given_up
        and (not state.reload or now.timestamp() - state.changed_at >= debounce.total_seconds())
    }
    ranges = [(hour, hour) for hour, state in ready.items() if state.failures]
    for reload in (False, True):
        untried = [hour for hour, state in ready.items() if not state.failures and state.reload is reload]
        ranges += contiguous_ranges(untried)
    return [_request(first, last, ready) for first, last in sorted(ranges)]


def _request(first: Hour, last: Hour, due: Mapping[Hour, DueHour]) -> Request:
    covered = [state for hour, state in due.items() if first <= hour <= last]
    fingerprint = max(state.fingerprint for state in covered)
    attempt = 1 + max(state.asked for state in covered)
    hours = first.key if first == last else f"{first.key}...{last.key}"
    return Request(
        first=first,
        last=last,
        run_key=f"{hours}@{fingerprint}#{attempt}",
        reason="late_data" if due[first].reload else "hour_complete",
    )
