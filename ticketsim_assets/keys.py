"""Names of the assets, jobs and tags of the graph."""

from typing import Final

import dagster as dg

from simulator.events import EVENT_TYPES
from streaming.lake.layout import QUARANTINE

KAFKA_KEYS: Final = {event_type.value: dg.AssetKey(["kafka", event_type.value]) for event_type in EVENT_TYPES}

LAKE_KEYS: Final = {
    name: dg.AssetKey(["lake", name]) for name in (*(event_type.value for event_type in EVENT_TYPES), QUARANTINE)
}

LAKE_COMPLETE: Final = dg.AssetKey(["lake", "complete"])

LAKE_COMPACTION: Final = dg.AssetKey(["lake", "compaction"])

LAKE_VACUUM: Final = dg.AssetKey(["lake", "vacuum"])

RAW_EVENTS: Final = dg.AssetKey(["raw", "events"])

RAW_QUARANTINE: Final = dg.AssetKey(["raw", "quarantine"])

RAW_RECONCILIATION: Final = dg.AssetKey(["raw", "reconciliation"])

RAW_FORGOTTEN_RUNS: Final = dg.AssetKey(["raw", "forgotten_runs"])

DASHBOARD: Final = dg.AssetKey("dashboard")

HOURLY_JOB: Final = "hourly"

QUARANTINE_JOB: Final = "quarantine"

DASHBOARD_JOB: Final = "rebuild_dashboard"

COMPACTION_JOB: Final = "compact_lake"

VACUUM_JOB: Final = "vacuum_lake"

REPROCESS_JOB: Final = "reprocess_quarantine"

#: Metadata of a lake/complete materialisation: what made the hour complete, ``receipts`` or ``lateness``.
COMPLETE_BY: Final = "complete_by"

#: Metadata of a materialisation of lake/complete or raw/events: ids of the forgotten runs that were left out.
FORGOTTEN_RUNS: Final = "forgotten_runs"
