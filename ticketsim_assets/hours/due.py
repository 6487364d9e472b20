"""Due hours: the one rule that decides which runs to request, over plain data, for the sensor and all other callers.

An hour is *due* if it is complete and no run has succeeded at its fingerprint, without exactly the runs that are
forgotten (`streaming.lake.forgotten_runs`). Hours are requested as ranges, first loads and reloads apart; once a range
has failed, its hours are requested one by one, so that a red hour does not hold back others; after MAX_FAILURES an hour
is not requested again until its data changes, or a run of it is forgotten.

A request names exactly the hours to load, whatever the reason. Which hours of a mart depend on a reloaded one is known
to the mart, whose model widens its window itself: this module knows nothing about marts.
"""

import hashlib
from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from streaming.hour import Hour, contiguous_ranges

#: An hour that fails this often is red for a reason that a person must look into.
MAX_FAILURES: Final = 3

#: Runs that died without failing, when Dagster was killed, say nothing about the hour. A run that takes its machine
#: down each time must stop being retried at some point all the same.
MAX_CRASHES: Final = 20

#: Outcome of a run: ``unknown`` if there is none, ``crashed`` if it was killed rather than failed.
Outcome = Literal["unknown", "under_way", "succeeded", "failed", "crashed"]

Reason = Literal["hour_complete", "late_data", "by_hand"]


class DueHour(msgspec.Struct, frozen=True):
    """A complete hour whose current data no successful run has loaded."""

    fingerprint: int  #: newest Delta version that changed data in the hour
    changed_at: float  #: when the first change without a run was committed, seconds since the Unix epoch
    reload: bool = False  #: a run has succeeded at an earlier fingerprint of the hour
    asked: int = 0  #: runs requested at this fingerprint that have ended
    failures: int = 0  #: of those, runs that failed
    crashes: int = 0  #: of those, runs that were killed
    run_key: str | None = None  #: of the run that was requested and is not known to have ended
    forgotten: tuple[str, ...] = ()  #: ids of the forgotten runs with rows in the hour, in order

    @property
    def given_up(self) -> bool:
        """Whether no more runs are requested at this fingerprint."""
        return self.failures >= MAX_FAILURES or self.crashes >= MAX_CRASHES


class Request(msgspec.Struct, frozen=True):
    """A run to request."""

    first: Hour
    last: Hour
    run_key: str
    reason: Reason  #: ``late_data`` for a reload, ``hour_complete`` for a first load


def due_again(
    before: DueHour | None, fingerprint: int, changed_at: float, *, reload: bool, forgotten: tuple[str, ...] = ()
) -> DueHour:
    """Return a changed hour without attempts; a run in progress says nothing about the new data.

    A change that arrives while an earlier one is being debounced does not prolong the wait: otherwise a storm of
    changes without a pause would never be loaded.
    """
    if before is not None and before.run_key is None and not before.asked:
        changed_at = min(before.changed_at, changed_at)
    return DueHour(fingerprint, changed_at, reload=reload, forgotten=forgotten)


def settled(state: DueHour, outcome: Outcome) -> DueHour:
    """Return ``state`` after its run ended with ``outcome`` and the hour is still due.

    A run that succeeded has loaded an earlier fingerprint; it counts as an attempt, so that the next one gets a new run
    key. An unknown run was never created, so its key can be used again.
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
    """Return the runs to request now, oldest first.

    Args:
        due: The hours that are due; those with a run in progress are skipped.
        now: The wall clock.
        debounce: How long after its first change an hour is reloaded.
        not_now: Hours that some other run is loading, or whose load would be refused.
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
    forgotten = sorted({run_id for state in covered for run_id in state.forgotten})
    without = f"-{hashlib.sha256(repr(forgotten).encode()).hexdigest()[:8]}" if forgotten else ""
    return Request(
        first=first,
        last=last,
        run_key=f"{hours}@{fingerprint}{without}#{attempt}",
        reason="late_data" if due[first].reload else "hour_complete",
    )
