"""What Dagster's instance knows about hours: which are complete, which were loaded with success, how a run ended."""

from dataclasses import dataclass
from typing import Literal

import dagster as dg
from dagster import AssetRecordsFilter, DagsterRunStatus, RunsFilter
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import RUN_KEY_TAG

from streaming.hour import Hour
from ticketsim_assets.keys import COMPLETE_BY, LAKE_COMPLETE

Outcome = Literal["unknown", "under_way", "succeeded", "failed"]

#: Loads of one hour looked at for a success: attempts at one fingerprint are bounded, by hand a few more may come.
_LOADS_LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class Reported:
    """What was last reported of lake/complete for an hour."""

    fingerprint: int  #: newest Delta version that changed data in the hour
    rows: int  #: of the hour at that version
    complete_by: str  #: ``receipts`` or ``lateness``


def last_reported(instance: dg.DagsterInstance, hour: Hour) -> Reported | None:
    """The newest report that ``hour`` is complete; None if it never was."""
    wanted = AssetRecordsFilter(asset_key=LAKE_COMPLETE, asset_partitions=[hour.key])
    records = instance.fetch_materializations(wanted, limit=1).records
    if not records or (event := records[0].asset_materialization) is None:
        return None
    return Reported(
        fingerprint=int((event.tags or {})[DATA_VERSION_TAG]),
        rows=int(str(event.metadata["dagster/row_count"].value)),
        complete_by=str(event.metadata[COMPLETE_BY].value),
    )


def successful_loads(instance: dg.DagsterInstance, key: dg.AssetKey, hour: Hour) -> list[int]:
    """Fingerprints at which runs that succeeded as a whole have loaded ``hour`` of asset ``key``, newest first.

    A red check leaves its asset materialised, so the run's status counts, not the materialisation.
    """
    wanted = AssetRecordsFilter(asset_key=key, asset_partitions=[hour.key])
    fingerprints = []
    for record in instance.fetch_materializations(wanted, limit=_LOADS_LOOKED_AT).records:
        event = record.asset_materialization
        run = instance.get_run_by_id(record.run_id)
        if event is not None and run is not None and run.status is DagsterRunStatus.SUCCESS:
            fingerprints.append(int((event.tags or {})[DATA_VERSION_TAG]))
    return fingerprints


def outcome_of(instance: dg.DagsterInstance, run_key: str) -> Outcome:
    """How the newest run that was asked for with ``run_key`` went; ``unknown`` if there is none."""
    runs = instance.get_runs(RunsFilter(tags={RUN_KEY_TAG: run_key}), limit=1)
    if not runs:
        return "unknown"
    if runs[0].status is DagsterRunStatus.SUCCESS:
        return "succeeded"
    return "failed" if runs[0].status in FINISHED_STATUSES else "under_way"
