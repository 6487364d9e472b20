"""What the watch reports to Dagster: rows per event type and hour, and hours that are complete."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from streaming.hour import Hour
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Snapshot
from ticketsim_assets.hours.completeness import missing_receipts, short_by_type
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.hours.due import due_again
from ticketsim_assets.hours.receipts import Receipts, hour_evidence
from ticketsim_assets.hours.run_history import last_reported, successful_loads
from ticketsim_assets.keys import COMPLETE_BY, LAKE_COMPLETE, LAKE_KEYS, RAW_EVENTS

#: Reports of rows in a tick: writing one event takes 6-7 ms, and a tick has 60 s.
MAX_REPORTS: Final = 1_500

#: Pending hours looked at in a tick: reading the receipts of one takes about 20 ms.
MAX_PENDING: Final = 500

#: The open hour changes with every commit; a report every few minutes is enough to see it grow.
OPEN_HOUR_INTERVAL: Final = timedelta(minutes=5)


def report_rows(snapshot: Snapshot, cursor: LakeCursor, now: datetime) -> list[dg.AssetMaterialization]:
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


def report_complete(
    snapshot: Snapshot,
    instance: dg.DagsterInstance,
    cursor: LakeCursor,
    late: Callable[[datetime], bool],
    notes: list[str],
) -> list[dg.AssetMaterialization]:
    """Move hours that are complete from pending to due, and report them."""
    reports = []
    receipts = Receipts(snapshot)
    for key in sorted(cursor.pending)[:MAX_PENDING]:
        pending, hour = cursor.pending[key], Hour.from_key(key)
        known = last_reported(instance, hour)
        complete_by = known.complete_by if known and known.fingerprint == pending.version else None
        if complete_by is None:
            evidence = hour_evidence(receipts, hour)
            rows = snapshot.rows_by_type(hour)
            rows.pop(QUARANTINE, None)
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
            cursor.due[key] = due_again(before, pending.version, pending.committed_at, reload=reload)
    return reports
