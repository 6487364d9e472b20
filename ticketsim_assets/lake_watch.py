"""What the lake sensor does: follow the table's versions, report what came, find complete hours, ask for those due.

The cursor is small JSON. A tick reads only commits after the cursor's version and the receipts of hours that are
pending; its cost does not grow with the table's history. If the log before the cursor was cleaned, or there is too
much of it, the tick resynchronises from the table's state.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg
import msgspec

from streaming.hour import Hour
from streaming.lake import Lake, Snapshot
from streaming.layout import QUARANTINE
from ticketsim_assets.completeness import is_late
from ticketsim_assets.due import DueHour, Request, due_again, plan_requests
from ticketsim_assets.keys import RAW_EVENTS, RAW_QUARANTINE
from ticketsim_assets.lake_changes import changes_since
from ticketsim_assets.lake_reports import report_complete, report_rows
from ticketsim_assets.run_history import outcome_of, successful_loads
from ticketsim_assets.watch_cursor import PendingHour, WatchCursor


@dataclass(frozen=True, slots=True)
class Watched:
    """What one tick found."""

    cursor: WatchCursor
    reports: tuple[dg.AssetMaterialization, ...] = ()
    hourly: tuple[Request, ...] = ()
    quarantine: tuple[Request, ...] = ()
    notes: tuple[str, ...] = field(default=())  #: why hours are pending, rows that have no partition


def watch(
    lake: Lake,
    instance: dg.DagsterInstance,
    cursor: WatchCursor,
    *,
    now: datetime,
    first_hour: datetime,
    lateness: timedelta,
    lag: int | None,
    first_loads: bool,
    debounce: timedelta,
) -> Watched:
    """Look at the lake once.

    Args:
        lake: the lake; its table must exist.
        instance: Dagster's instance, for what was reported and loaded before.
        cursor: where the last look ended.
        now: the wall clock.
        first_hour: start of the first partition.
        lateness: how long missing receipts hold an hour back after its last commit.
        lag: messages that the stream has not committed; None if unknown.
        first_loads: ask for first loads too, not for reloads only.
        debounce: how long an hour must rest before it is asked for again.
    """
    snapshot = lake.snapshot()
    changed, cursor.version = changes_since(lake, snapshot, cursor.version, instance)
    notes: list[str] = []
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
    _settle(instance, RAW_EVENTS, cursor.due)
    _settle(instance, RAW_QUARANTINE, cursor.quarantine)
    hourly = plan_requests(_by_hour(cursor.due), now, first_loads=first_loads, debounce=debounce)
    quarantine = plan_requests(_by_hour(cursor.quarantine), now, first_loads=True, debounce=debounce)
    _mark(cursor.due, hourly)
    _mark(cursor.quarantine, quarantine)
    return Watched(cursor, tuple(reports), tuple(hourly), tuple(quarantine), tuple(notes))


def _settle(instance: dg.DagsterInstance, key: dg.AssetKey, due: dict[str, DueHour]) -> None:
    """Drop hours that a run has loaded with success by now; count failed runs as attempts."""
    for hour_key, state in list(due.items()):
        loads = successful_loads(instance, key, Hour.from_key(hour_key))
        if loads and max(loads) >= state.fingerprint:
            del due[hour_key]
        elif state.run_key is not None and (outcome := outcome_of(instance, state.run_key)) != "under_way":
            # One that succeeded has loaded an earlier fingerprint. One that is unknown was asked for but never made.
            failed = 1 if outcome == "failed" else 0
            due[hour_key] = msgspec.structs.replace(state, run_key=None, attempts=state.attempts + failed)


def _mark(due: dict[str, DueHour], requests: Iterable[Request]) -> None:
    """Note under which run key each hour is asked for."""
    for request in requests:
        for key, state in due.items():
            if request.first <= Hour.from_key(key) <= request.last:
                due[key] = msgspec.structs.replace(state, run_key=request.run_key)


def _by_hour(due: Mapping[str, DueHour]) -> dict[Hour, DueHour]:
    return {Hour.from_key(key): state for key, state in due.items()}


def _rows(snapshot: Snapshot, event_type: str, hour: Hour) -> int:
    return sum(file.rows for file in snapshot.files(hour) if file.event_type == event_type)
