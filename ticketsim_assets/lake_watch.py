"""What the lake sensor does: follow the table's versions, report what came, find complete hours, ask for those due.

The cursor is small JSON. A tick reads only commits after the cursor's version and the receipts of hours that are
pending; its cost does not grow with the table's history. If the log before the cursor was cleaned, or there is too
much of it, the tick resynchronises from the table's state.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg
import msgspec
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from streaming.exceptions import LogCleaned
from streaming.hour import Hour
from streaming.lake import Lake, Snapshot
from streaming.layout import QUARANTINE
from ticketsim_assets.completeness import is_late, missing_receipts, short_by_type
from ticketsim_assets.due import DueHour, Request, plan_requests
from ticketsim_assets.evidence import hour_evidence
from ticketsim_assets.keys import COMPLETE_BY, LAKE_COMPLETE, LAKE_KEYS, RAW_EVENTS, RAW_QUARANTINE
from ticketsim_assets.run_history import last_reported, outcome_of, successful_loads

#: More commits than this are caught up from the table's state: a day has 720.
MAX_COMMITS: Final = 1_500

#: Reports of rows in a tick: writing one event takes 6-7 ms, and a tick has 60 s.
MAX_REPORTS: Final = 1_500

#: Pending hours looked at in a tick: reading the receipts of one takes about 20 ms.
MAX_PENDING: Final = 500

#: The open hour changes with every commit; a report every few minutes is enough to see it grow.
OPEN_HOUR_INTERVAL: Final = timedelta(minutes=5)


class PendingHour(msgspec.Struct, frozen=True):
    """An hour with rows that was not complete at the last look."""

    version: int  #: newest Delta version that changed data in the hour
    committed_at: float  #: when, in seconds since the Unix epoch


class WatchCursor(msgspec.Struct):
    """How far the watch has come; hours by their partition key."""

    version: int = -1
    pending: dict[str, PendingHour] = {}
    due: dict[str, DueHour] = {}
    quarantine: dict[str, DueHour] = {}
    unreported: dict[str, list[str]] = {}
    open_reported_at: float = 0.0
    early_rows: int = 0

    @classmethod
    def from_json(cls, text: str | None) -> "WatchCursor":
        """Read a cursor; an empty one is a fresh start."""
        return msgspec.json.decode(text, type=cls) if text else cls()

    def to_json(self) -> str:
        """Write the cursor."""
        return msgspec.json.encode(self).decode()


@dataclass(frozen=True, slots=True)
class Watched:
    """What one tick found."""

    cursor: WatchCursor
    reports: tuple[dg.AssetMaterialization, ...] = ()
    hourly: tuple[Request, ...] = ()
    quarantine: tuple[Request, ...] = ()
    notes: tuple[str, ...] = field(default=())  #: why hours are pending, rows that have no partition


@dataclass(frozen=True, slots=True)
class _Touch:
    """The newest commit that changed an event type's rows of an hour."""

    version: int
    committed_at: datetime


_Touched = dict[tuple[str, Hour], _Touch]


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
    touched, cursor.version = _touched(lake, snapshot, cursor.version, instance)
    notes: list[str] = []
    early = {key for key in touched if key[1].start < first_hour}
    if early:
        cursor.early_rows += sum(_rows(snapshot, event_type, hour) for event_type, hour in early)
        notes.append(
            f"{cursor.early_rows} rows lie before the first partition, {first_hour.isoformat()}, and are not loaded. "
            "Set TICKETSIM_FIRST_HOUR earlier to load them."
        )
    for (event_type, hour), touch in touched.items():
        if (event_type, hour) in early:
            continue
        cursor.unreported.setdefault(hour.key, [])
        cursor.unreported[hour.key] = sorted({*cursor.unreported[hour.key], event_type})
        if event_type == QUARANTINE:
            cursor.quarantine[hour.key] = DueHour(touch.version, touch.committed_at.timestamp(), reload=True)
        else:
            known = cursor.pending.get(hour.key)
            if known is None or known.version < touch.version:
                cursor.pending[hour.key] = PendingHour(touch.version, touch.committed_at.timestamp())

    reports = _report_rows(snapshot, cursor, now)
    reports += _report_complete(
        snapshot, instance, cursor, lambda committed_at: is_late(committed_at, now, lateness, lag), notes
    )
    _settle(instance, RAW_EVENTS, cursor.due)
    _settle(instance, RAW_QUARANTINE, cursor.quarantine)
    hourly = plan_requests(_by_hour(cursor.due), now, first_loads=first_loads, debounce=debounce)
    quarantine = plan_requests(_by_hour(cursor.quarantine), now, first_loads=True, debounce=debounce)
    _mark(cursor.due, hourly)
    _mark(cursor.quarantine, quarantine)
    return Watched(cursor, tuple(reports), tuple(hourly), tuple(quarantine), tuple(notes))


def _touched(lake: Lake, snapshot: Snapshot, version: int, instance: dg.DagsterInstance) -> tuple[_Touched, int]:
    """What changed after ``version``, and the version up to which that was read."""
    touched: _Touched = {}
    if snapshot.version - version > MAX_COMMITS:
        return _resynchronise(snapshot, instance), snapshot.version
    try:
        for commit in lake.commits(version, snapshot.version):
            version = commit.version
            for file in commit.added:
                touched[file.event_type, file.hour] = _Touch(commit.version, commit.committed_at)
            if len(touched) >= MAX_REPORTS:
                break
    except LogCleaned:
        return _resynchronise(snapshot, instance), snapshot.version
    return touched, version


def _resynchronise(snapshot: Snapshot, instance: dg.DagsterInstance) -> _Touched:
    """Take every hour of the table as changed by this version, but those whose rows are as they were reported."""
    types: dict[Hour, set[str]] = {}
    rows: dict[Hour, int] = {}
    for file in snapshot.files():
        types.setdefault(file.hour, set()).add(file.event_type)
        if file.event_type != QUARANTINE:
            rows[file.hour] = rows.get(file.hour, 0) + file.rows
    now = datetime.now(UTC)
    touched: _Touched = {}
    for hour, event_types in types.items():
        known = last_reported(instance, hour)
        same = known is not None and known.rows == rows.get(hour, 0)
        version = known.fingerprint if known is not None and same else snapshot.version
        touched.update(dict.fromkeys(((name, hour) for name in event_types), _Touch(version, now)))
    return touched


def _report_rows(snapshot: Snapshot, cursor: WatchCursor, now: datetime) -> list[dg.AssetMaterialization]:
    """Rows, files and bytes of the hours that changed; of open hours at most every OPEN_HOUR_INTERVAL."""
    open_too = now.timestamp() - cursor.open_reported_at >= OPEN_HOUR_INTERVAL.total_seconds()
    reports: list[dg.AssetMaterialization] = []
    for key in sorted(cursor.unreported):
        hour = Hour.from_key(key)
        is_open = hour.end > now
        if (is_open and not open_too) or len(reports) >= MAX_REPORTS:
            continue
        if is_open:
            cursor.open_reported_at = now.timestamp()
        for event_type in cursor.unreported.pop(key):
            files = [file for file in snapshot.files(hour) if file.event_type == event_type]
            reports.append(
                dg.AssetMaterialization(
                    LAKE_KEYS[event_type],
                    partition=key,
                    metadata={
                        "dagster/row_count": sum(file.rows for file in files),
                        "files": len(files),
                        "bytes": sum(file.bytes for file in files),
                        "delta_version": snapshot.version,
                        "path": dg.MetadataValue.path(
                            f"{snapshot.root}/event_type={event_type}/event_date={hour.date}/event_hour={hour.start.hour}"
                        ),
                    },
                )
            )
    return reports


def _report_complete(
    snapshot: Snapshot,
    instance: dg.DagsterInstance,
    cursor: WatchCursor,
    late: Callable[[datetime], bool],
    notes: list[str],
) -> list[dg.AssetMaterialization]:
    """Move hours that are complete from pending to due, and report them."""
    reports = []
    for key in sorted(cursor.pending)[:MAX_PENDING]:
        pending, hour = cursor.pending[key], Hour.from_key(key)
        known = last_reported(instance, hour)
        complete_by = known.complete_by if known and known.fingerprint == pending.version else None
        if complete_by is None:
            evidence = hour_evidence(snapshot, hour)
            rows = _rows_by_type(snapshot, hour)
            missing = missing_receipts(evidence) + short_by_type(evidence.receipts, rows)
            if not missing:
                complete_by = "receipts"
            elif late(datetime.fromtimestamp(pending.committed_at, UTC)):
                complete_by = "lateness"
            else:
                notes.append(f"{hour} is not complete: {'; '.join(missing)}")
                continue
            reports.append(
                dg.AssetMaterialization(
                    LAKE_COMPLETE,
                    partition=key,
                    metadata={
                        "dagster/row_count": sum(rows.values()),
                        COMPLETE_BY: complete_by,
                        "missing": missing,
                        "delta_version": pending.version,
                    },
                    tags={DATA_VERSION_TAG: str(pending.version)},
                )
            )
        del cursor.pending[key]
        before = cursor.due.get(key)
        if before is None or before.fingerprint != pending.version:
            reload = bool(successful_loads(instance, RAW_EVENTS, hour))
            cursor.due[key] = DueHour(pending.version, pending.committed_at, reload=reload)
    return reports


def _settle(instance: dg.DagsterInstance, key: dg.AssetKey, due: dict[str, DueHour]) -> None:
    """Drop hours that a run has loaded with success by now; count failed runs as attempts."""
    for hour_key, state in list(due.items()):
        loads = successful_loads(instance, key, Hour.from_key(hour_key))
        if loads and max(loads) >= state.fingerprint:
            del due[hour_key]
        elif state.run_key is not None and (outcome := outcome_of(instance, state.run_key)) != "under_way":
            # A run that is unknown was asked for but never made: ask again, under the same key.
            failed = 0 if outcome == "unknown" else 1
            due[hour_key] = msgspec.structs.replace(state, run_key=None, attempts=state.attempts + failed)


def _mark(due: dict[str, DueHour], requests: Iterable[Request]) -> None:
    """Note under which run key each hour is asked for."""
    for request in requests:
        for key, state in due.items():
            if request.first <= Hour.from_key(key) <= request.last:
                due[key] = msgspec.structs.replace(state, run_key=request.run_key)


def _by_hour(due: Mapping[str, DueHour]) -> dict[Hour, DueHour]:
    return {Hour.from_key(key): state for key, state in due.items()}


def _rows_by_type(snapshot: Snapshot, hour: Hour) -> dict[str, int]:
    rows: dict[str, int] = {}
    for file in snapshot.files(hour):
        if file.event_type != QUARANTINE:
            rows[file.event_type] = rows.get(file.event_type, 0) + file.rows
    return rows


def _rows(snapshot: Snapshot, event_type: str, hour: Hour) -> int:
    return sum(file.rows for file in snapshot.files(hour) if file.event_type == event_type)
