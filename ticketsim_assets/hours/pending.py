"""Hours with rows that are not known to be complete: taken up from the lake's new commits, given up when complete."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from streaming.hour import Hour
from streaming.lake.forgotten_runs import ForgottenRuns
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Lake, Snapshot
from ticketsim_assets.hours.changes import all_before, changes_since
from ticketsim_assets.hours.completeness import is_late
from ticketsim_assets.hours.cursor import AS_REPORTED, LakeCursor, PendingHour
from ticketsim_assets.hours.due import due_again
from ticketsim_assets.hours.receipts import Receipts, missing_by_type
from ticketsim_assets.hours.run_history import last_reported, successful_loads
from ticketsim_assets.keys import RAW_EVENTS

#: Pending hours looked at in a tick: reading the receipts of one takes about 20 ms.
MAX_PENDING: Final = 500


@dataclass(frozen=True, slots=True)
class CompleteHour:
    """An hour that became complete, and why."""

    hour: Hour
    version: int  #: newest Delta version that changed data in the hour
    rows: int
    complete_by: str  #: ``receipts`` or ``lateness``
    missing: tuple[str, ...] = ()  #: receipts and rows that it is complete without
    forgotten: tuple[str, ...] = ()  #: ids of the forgotten runs that it is complete without


def fold_forgotten(forgotten: ForgottenRuns, cursor: LakeCursor, first_hour: datetime) -> None:
    """Note in ``cursor`` the hours of runs about which something was decided since: they are evaluated again.

    Args:
        forgotten: what was decided.
        cursor: what is taken up already.
        first_hour: start of the first partition.
    """
    for run_id, record in forgotten.records.items():
        if cursor.forgotten.get(run_id) == record.revision:
            continue
        for hour in record.hours:
            if hour.start >= first_hour:
                cursor.pending.setdefault(hour.key, PendingHour(AS_REPORTED, record.decided_at.timestamp()))
        cursor.forgotten[run_id] = record.revision


def fold_commits(
    lake: Lake, snapshot: Snapshot, instance: dg.DagsterInstance, cursor: LakeCursor, first_hour: datetime
) -> list[str]:
    """Note in ``cursor`` the hours that changed since its version: pending, unreported, and those of the quarantine.

    Args:
        lake: whose log to read.
        snapshot: the version up to which it is read.
        instance: Dagster's instance, for what was reported before.
        cursor: where the last tick ended.
        first_hour: start of the first partition.

    Returns:
        One sentence if rows lie before the first partition.
    """
    changed, cursor.version = changes_since(lake, snapshot, cursor.version, instance)
    if cursor.first_hour is not None and first_hour < cursor.first_hour:
        changed = all_before(cursor.first_hour, snapshot, instance) | changed
        cursor.early_rows = 0  # all of them are counted again
    cursor.first_hour = first_hour
    early = {key for key in changed if key[1].start < first_hour}
    for (event_type, hour), change in changed.items():
        if (event_type, hour) in early:
            continue
        cursor.unreported[hour.key] = sorted({*cursor.unreported.get(hour.key, []), event_type})
        if event_type == QUARANTINE:
            before = cursor.quarantine.get(hour.key)
            cursor.quarantine[hour.key] = due_again(
                before, change.version, change.committed_at.timestamp(), reload=True
            )
        else:
            known = cursor.pending.get(hour.key)
            if known is None or known.version < change.version:
                cursor.pending[hour.key] = PendingHour(change.version, change.committed_at.timestamp())
    if not early:
        return []
    cursor.early_rows += sum(_rows(snapshot, event_type, hour) for event_type, hour in early)
    return [
        f"{cursor.early_rows} rows lie before the first partition, {first_hour.isoformat()}, and are not loaded. "
        "Set TICKETSIM_FIRST_HOUR earlier to load them."
    ]


def evaluate_pending(
    snapshot: Snapshot,
    instance: dg.DagsterInstance,
    cursor: LakeCursor,
    forgotten: ForgottenRuns,
    *,
    now: datetime,
    lateness: timedelta,
    lag: int | None,
) -> tuple[list[CompleteHour], list[str]]:
    """Move the hours that are complete from pending to due.

    Args:
        snapshot: the version whose receipts are read.
        instance: Dagster's instance, for what was reported and loaded before.
        cursor: holds the pending hours.
        forgotten: the runs that count for nothing.
        now: the wall clock.
        lateness: how long missing receipts hold an hour back after its last commit.
        lag: messages that the stream has not committed; None if unknown.

    Returns:
        The hours that became complete and were not reported so before; and one sentence per hour that waits.
    """
    complete: list[CompleteHour] = []
    notes: list[str] = []
    receipts = Receipts(snapshot, forgotten.ids)
    for key in sorted(cursor.pending)[:MAX_PENDING]:
        pending, hour = cursor.pending[key], Hour.from_key(key)
        known = last_reported(instance, hour)
        version, left_out = pending.version, forgotten.of(hour)
        if version == AS_REPORTED:
            if known is None:  # its commits are still to be folded
                del cursor.pending[key]
                continue
            version = known.fingerprint
        if known is None or (known.fingerprint, known.forgotten) != (version, left_out):
            missing = missing_by_type(receipts, hour)
            was_late = known is not None and known.fingerprint == version and known.complete_by == "lateness"
            changed_at = datetime.fromtimestamp(pending.committed_at, UTC)
            if missing and not was_late and not is_late(changed_at, now, lateness, lag):
                notes.append(f"{hour} is not complete: {'; '.join(missing)}")
                continue
            complete_by = "lateness" if missing else "receipts"
            rows = sum(count for name, count in snapshot.rows_by_type(hour).items() if name != QUARANTINE)
            complete.append(CompleteHour(hour, version, rows, complete_by, tuple(missing), left_out))
        del cursor.pending[key]
        before = cursor.due.get(key)
        if before is None or (before.fingerprint, before.forgotten) != (version, left_out):
            reload = bool(successful_loads(instance, RAW_EVENTS, hour))
            cursor.due[key] = due_again(before, version, pending.committed_at, reload=reload, forgotten=left_out)
    return complete, notes


def _rows(snapshot: Snapshot, event_type: str, hour: Hour) -> int:
    return sum(file.rows for file in snapshot.files(hour) if file.event_type == event_type)
