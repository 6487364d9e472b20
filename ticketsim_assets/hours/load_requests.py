"""The runs to ask for: the hours that are due, without those that a run is loading or has loaded."""

from datetime import datetime, timedelta
from typing import Final

import dagster as dg
import msgspec

from streaming.hour import Hour
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.hours.due import DueHour, Request, plan_requests, settled
from ticketsim_assets.hours.run_history import hours_under_way, is_loaded, outcome_of
from ticketsim_assets.hours.run_tags import offer
from ticketsim_assets.keys import HOURLY_JOB, QUARANTINE_JOB, RAW_EVENTS, RAW_QUARANTINE

#: The asset whose hours a job loads.
_LOADED_BY: Final = {HOURLY_JOB: RAW_EVENTS, QUARANTINE_JOB: RAW_QUARANTINE}


def request_loads(
    instance: dg.DagsterInstance,
    cursor: LakeCursor,
    *,
    now: datetime,
    debounce: timedelta,
    first_loads: bool,
    sound: bool = True,
) -> tuple[list[Request], list[Request]]:
    """Plan the runs that load the hours due, and note them in ``cursor`` under their run keys.

    Args:
        instance: Dagster's instance, for how the runs went that were asked for.
        cursor: holds the hours that are due, and gets the offers.
        now: the wall clock.
        debounce: how long after its first change an hour is loaded again.
        first_loads: ask for first loads too; otherwise they are offered in the cursor, and only reloads are asked for.
        sound: whether the lake holds each consumed offset once; while it does not, loads would be refused, and nothing
            is asked for.

    Returns:
        Runs of the hourly job, and runs of the quarantine's.
    """
    hourly, quarantine = [], []
    if sound:
        # What a due hour has received since is not complete yet: a load would be refused.
        unfinished = {Hour.from_key(key) for key in cursor.pending}
        hourly = _plan(instance, HOURLY_JOB, cursor.due, now, debounce, unfinished)
        quarantine = _plan(instance, QUARANTINE_JOB, cursor.quarantine, now, debounce, set())
    cursor.offered = None
    if not first_loads:
        cursor.offered = [offer(HOURLY_JOB, request) for request in hourly if request.reason == "hour_complete"]
        hourly = [request for request in hourly if request.reason == "late_data"]
    return hourly, quarantine


def _plan(  # noqa: PLR0917
    instance: dg.DagsterInstance,
    job_name: str,
    due: dict[str, DueHour],
    now: datetime,
    debounce: timedelta,
    unfinished: set[Hour],
) -> list[Request]:
    """Plan the runs to request, and note them in ``due`` under their run keys."""
    if not due:
        return []
    key = _LOADED_BY[job_name]
    _settle(instance, key, due)
    by_hour = {Hour.from_key(hour_key): state for hour_key, state in due.items()}
    not_now = unfinished | hours_under_way(instance, job_name, key)
    requests = plan_requests(by_hour, now, debounce=debounce, not_now=not_now)
    for request in requests:
        for hour, state in by_hour.items():
            if request.first <= hour <= request.last:
                due[hour.key] = msgspec.structs.replace(state, run_key=request.run_key)
    return requests


def _settle(instance: dg.DagsterInstance, key: dg.AssetKey, due: dict[str, DueHour]) -> None:
    """Drop hours that a successful run has loaded; count runs that failed or crashed."""
    outcomes = {state.run_key: outcome_of(instance, state.run_key) for state in due.values() if state.run_key}
    for hour_key, state in list(due.items()):
        if is_loaded(instance, key, Hour.from_key(hour_key), state):
            del due[hour_key]
        elif state.run_key:
            due[hour_key] = settled(state, outcomes[state.run_key])
