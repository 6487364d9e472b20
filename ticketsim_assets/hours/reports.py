"""Reports to Dagster: rows per event type and hour, and complete hours."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import dagster as dg

from streaming.hour import Hour
from streaming.lake.reader import Snapshot
from ticketsim_assets.dagster_internals import DATA_VERSION_TAG
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.hours.pending import CompleteHour
from ticketsim_assets.keys import COMPLETE_BY, FORGOTTEN_RUNS, LAKE_COMPLETE, LAKE_KEYS

#: Row reports per tick: writing one event takes 6-7 ms, and a tick must end within 60 s.
MAX_REPORTS: Final = 1_500

#: The open hour changes with every commit; a report every few minutes is enough to see it grow.
OPEN_HOUR_INTERVAL: Final = timedelta(minutes=5)


def report_rows(snapshot: Snapshot, cursor: LakeCursor, now: datetime) -> list[dg.AssetMaterialization]:
    """Report rows, files and bytes of changed hours; of open hours at most every OPEN_HOUR_INTERVAL."""
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


def forgotten_metadata(run_ids: Sequence[str]) -> dict[str, dg.MetadataValue]:
    """Return the metadata that names the runs that an hour was reported or loaded without; nothing for most hours."""
    return {FORGOTTEN_RUNS: dg.MetadataValue.json(list(run_ids))} if run_ids else {}


def report_complete(complete: Iterable[CompleteHour]) -> list[dg.AssetMaterialization]:
    """Report the hours that became complete, each with its fingerprint as its data version."""
    return [
        dg.AssetMaterialization(
            LAKE_COMPLETE,
            partition=each.hour.key,
            metadata={
                "dagster/row_count": each.rows,
                COMPLETE_BY: each.complete_by,
                "missing": list(each.missing),
                "delta_version": each.version,
                **forgotten_metadata(each.forgotten),
            },
            tags={DATA_VERSION_TAG: str(each.version)},
        )
        for each in complete
    ]
