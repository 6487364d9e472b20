"""What the lake sensor does: follow the table's versions, report what came, find complete hours, ask for those due.

The cursor is small JSON. A tick reads only commits after the cursor's version and the receipts of hours that are
pending; its cost does not grow with the table's history. If the log before the cursor was cleaned, or there is too
much of it, the tick resynchronises from the table's state. So it does with hours that had no partition until now.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import dagster as dg
import msgspec

from streaming.hour import Hour
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Lake, Snapshot
from ticketsim_assets.hours.changes import all_before, changes_since
from ticketsim_assets.hours.completeness import is_late
from ticketsim_assets.hours.cursor import LakeCursor, PendingHour
from ticketsim_assets.hours.due import DueHour, Request, due_again, plan_requests, settled
from ticketsim_assets.hours.reports import report_complete, report_rows
from ticketsim_assets.hours.run_history import hours_under_way, outcome_of, successful_loads
from ticketsim_assets.hours.run_tags import offer
from ticketsim_assets.keys import HOURLY_JOB, QUARANTINE_JOB, RAW_EVENTS, RAW_QUARANTINE

#: The asset whose hours a job loads.
_LOADED_BY: Final = {HOURLY_JOB: RAW_EVENTS, QUARANTINE_JOB: RAW_QUARANTINE}


@dataclass(frozen=True, slots=True)
class TickResult:
    """What one tick found."""

    cursor: LakeCursor
    reports: tuple[dg.AssetMaterialization, ...] = ()
    hourly: tuple[Request, ...] = ()
    quarantine: tuple[Request, ...] = ()
    notes: tuple[str, ...] = field(default=())  #: why hours are pending, rows that have no partition


def evaluate_lake(
    lake: Lake,
    instance: dg.DagsterInstance,
    cursor: LakeCursor,
    *,
    now: datetime,
    first_hour: datetime,
    lateness: timedelta,
    lag: int | None,
    first_loads: bool,
    debounce: timedelta,
    sound: bool = True,
) -> TickResult:
    """Look at the lake once.

    Args:
        lake: the lake; its table must exist.
        instance: Dagster's instance, for what was reported and loaded before.
        cursor: where the last look ended.
        now: the wall clock.
        first_hour: start of the first partition.
        lateness: how long missing receipts hold an hour back after its last commit.
        lag: messages that the stream has not committed; None if unknown.
        first_loads: ask for first loads too; otherwise they are offered in the cursor, and only reloads are asked for.
        debounce: how long after its first change an hour is loaded again.
        sound: whether the lake holds each consumed offset once; while it does not, loads would be refused, and nothing
            is asked for.
    """
    snapshot = lake.snapshot()
    changed, cursor.version = changes_since(lake, snapshot, cursor.version, instance)
    notes: list[str] = []
    if cursor.first_hour is not None and first_hour < cursor.first_hour:
        changed = all_before(cursor.first_hour, snapshot, instance) | changed
        cursor.early_rows = 0  # all of them are counted again
    cursor.first_hour = first_hour
    early = {key for key in changed if key[1].start < first_hour}
    if early:
        cursor.early_rows += sum(_rows(snapshot, event_type, hour) for event_type, hour in early)
        notes.append(
            f"{cursor.early_rows} rows lie before the first partition, {first_hour.isoformat()}, and are not loaded. "
            "Set TICKETSIM_FIRST_HOUR earlier to load them."
        )
    for (event_type, hour), change in changed.items():
        if (event_type, hour) in early:
            continue
        cursor.unreported.setdefault(hour.key, [])
        cursor.unreported[hour.key] = sorted({*cursor.unreported[hour.key], event_type})
        if event_type == QUARANTINE:
            before = cursor.quarantine.get(hour.key)
            cursor.quarantine[hour.key] = due_again(
                before, change.version, change.committed_at.timestamp(), reload=True
            )
        else:
            known = cursor.pending.get(hour.key)
            if known is None or known.version < change.version:
                cursor.pending[hour.key] = PendingHour(change.version, change.committed_at.timestamp())

    reports = report_rows(snapshot, cursor, now)
    reports += report_complete(
        snapshot, instance, cursor, lambda committed_at: is_late(committed_at, now, lateness, lag), notes
    )
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
    return TickResult(cursor, tuple(reports), tuple(hourly), tuple(quarantine), tuple(notes))


def _plan(  # noqa: PLR0917
    instance: dg.DagsterInstance,
    job_name: str,
    due: dict[str, DueHour],
    now: datetime,
    debounce: timedelta,
    unfinished: set[Hour],
) -> list[Request]:
    """The runs to ask for, noted in ``due`` under their run keys."""
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
    """Drop hours that a run has loaded with success by now; count runs that ended otherwise."""
    outcomes = {state.run_key: outcome_of(instance, state.run_key) for state in due.values() if state.run_key}
    for hour_key, state in list(due.items()):
        loads = successful_loads(instance, key, Hour.from_key(hour_key))
        if loads and max(loads) >= state.fingerprint:
            del due[hour_key]
        elif state.run_key:
            due[hour_key] = settled(state, outcomes[state.run_key])


def _rows(snapshot: Snapshot, event_type: str, hour: Hour) -> int:
    return sum(file.rows for file in snapshot.files(hour) if file.event_type == event_type)
