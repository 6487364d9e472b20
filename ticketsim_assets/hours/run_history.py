"""Run history: which hours Dagster's instance knows as complete or loaded, and how runs ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg
from dagster import AssetRecordsFilter, DagsterRunStatus, RunsFilter

from streaming.hour import Hour
from ticketsim_assets.dagster_internals import (
    CRASH_REASONS,
    DATA_VERSION_TAG,
    FAILURE_REASON_TAG,
    FINISHED,
    NOT_FINISHED,
    RUN_KEY_TAG,
)
from ticketsim_assets.hours.due import DueHour, Outcome
from ticketsim_assets.hours.run_tags import hours_of_tags
from ticketsim_assets.keys import COMPLETE_BY, FORGOTTEN_RUNS, LAKE_COMPLETE

#: Newest loads of an hour that are searched for a success: automatic attempts are bounded, manual ones are few.
_LOADS_LOOKED_AT = 10

_NOT_BEGUN = (DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED)


@dataclass(frozen=True, slots=True)
class Reported:
    """The last report of lake/complete for an hour."""

    fingerprint: int  #: newest Delta version that changed data in the hour
    rows: int  #: of the hour at that version
    complete_by: str  #: ``receipts`` or ``lateness``
    forgotten: tuple[str, ...] = ()  #: ids of the forgotten runs that it is complete without


class Load(NamedTuple):
    """A load of an hour by a run that succeeded."""

    fingerprint: int  #: at which it was loaded
    forgotten: tuple[str, ...]  #: ids of the forgotten runs that were left out


class Materialization(NamedTuple):
    """A materialisation of an asset, by a run that may have failed later."""

    run_id: str  #: Dagster's
    at: datetime  #: UTC
    version: int | None  #: of the lake, if the asset has that as its data version


def last_reported(instance: dg.DagsterInstance, hour: Hour) -> Reported | None:
    """Return the newest report that ``hour`` is complete; None if there is none."""
    wanted = AssetRecordsFilter(asset_key=LAKE_COMPLETE, asset_partitions=[hour.key])
    records = instance.fetch_materializations(wanted, limit=1).records
    if not records or (event := records[0].asset_materialization) is None:
        return None
    return Reported(
        fingerprint=int((event.tags or {})[DATA_VERSION_TAG]),
        rows=int(str(event.metadata["dagster/row_count"].value)),
        complete_by=str(event.metadata[COMPLETE_BY].value),
        forgotten=_forgotten(event),
    )


def successful_loads(instance: dg.DagsterInstance, key: dg.AssetKey, hour: Hour) -> list[Load]:
    """Return the loads of ``hour`` of asset ``key`` by successful runs, newest first.

    A red check leaves its asset materialised, so the run's status counts, not the materialisation.
    """
    wanted = AssetRecordsFilter(asset_key=key, asset_partitions=[hour.key])
    loads = []
    for record in instance.fetch_materializations(wanted, limit=_LOADS_LOOKED_AT).records:
        event = record.asset_materialization
        run = instance.get_run_by_id(record.run_id)
        if event is not None and run is not None and run.status is DagsterRunStatus.SUCCESS:
            loads.append(Load(int((event.tags or {})[DATA_VERSION_TAG]), _forgotten(event)))
    return loads


def materializations(
    instance: dg.DagsterInstance, key: dg.AssetKey, hours: Sequence[Hour] = (), *, limit: int = _LOADS_LOOKED_AT
) -> dict[str | None, list[Materialization]]:
    """Return the newest materialisations of an asset, newest first, by partition key; None if it has no hours.

    Args:
        instance: Dagster's instance.
        key: The asset.
        hours: The hours of which to return some; none of an asset that has no hours.
        limit: The number of records that are read of each hour.
    """
    wanted = AssetRecordsFilter(asset_key=key, asset_partitions=[hour.key for hour in hours] or None)
    found: dict[str | None, list[Materialization]] = {}
    for record in instance.fetch_materializations(wanted, limit=limit * max(1, len(hours))).records:
        found.setdefault(record.partition_key, []).append(_materialization(record))
    return found


def first_materialized_after(
    instance: dg.DagsterInstance, key: dg.AssetKey, moment: datetime
) -> Materialization | None:
    """Return the first materialisation of an asset after ``moment``, aware; None if there was none."""
    wanted = AssetRecordsFilter(asset_key=key, after_timestamp=moment.timestamp())
    records = instance.fetch_materializations(wanted, limit=1, ascending=True).records
    return _materialization(records[0]) if records else None


def is_loaded(instance: dg.DagsterInstance, key: dg.AssetKey, hour: Hour, state: DueHour) -> bool:
    """Return whether a successful run has loaded ``hour`` of asset ``key`` as ``state`` wants it.

    Forgetting can be undone, so the last load must have left out exactly the runs that are forgotten.
    """
    loads = successful_loads(instance, key, hour)
    return bool(loads) and (
        max(load.fingerprint for load in loads) >= state.fingerprint and loads[0].forgotten == state.forgotten
    )


def _materialization(record: dg.EventLogRecord) -> Materialization:
    event = record.asset_materialization
    version = ((event.tags if event else None) or {}).get(DATA_VERSION_TAG, "")
    at = datetime.fromtimestamp(record.timestamp, UTC)
    return Materialization(record.run_id, at, int(version) if version.isdigit() else None)


def _forgotten(event: dg.AssetMaterialization) -> tuple[str, ...]:
    """Return the ids of the runs that the event's hour was reported or loaded without."""
    recorded = event.metadata.get(FORGOTTEN_RUNS)
    return tuple(map(str, recorded.data or ())) if isinstance(recorded, dg.JsonMetadataValue) else ()


def outcome_of(instance: dg.DagsterInstance, run_key: str) -> Outcome:
    """Return the outcome of the newest run with ``run_key``; a run that a person cancelled has failed."""
    runs = instance.get_runs(RunsFilter(tags={RUN_KEY_TAG: run_key}), limit=1)
    if not runs:
        return "unknown"
    if runs[0].status not in FINISHED:
        return "under_way"
    if has_crashed(runs[0]):
        return "crashed"
    return "succeeded" if runs[0].status is DagsterRunStatus.SUCCESS else "failed"


def has_crashed(run: dg.DagsterRun) -> bool:
    """Return whether ``run`` was killed rather than failed; a run whose worker was killed has no failure reason."""
    return run.status is DagsterRunStatus.FAILURE and run.tags.get(FAILURE_REASON_TAG) in {None, *CRASH_REASONS}


def hours_under_way(instance: dg.DagsterInstance, job_name: str, key: dg.AssetKey, *, queued: bool = True) -> set[Hour]:
    """Return the hours of ``key`` that unfinished runs load: runs of ``job_name`` or of a selection in the UI.

    Args:
        instance: Dagster's instance.
        job_name: The job that loads hours.
        key: The asset that they are loaded into.
        queued: Whether to count runs that have not begun.
    """
    hours: set[Hour] = set()
    statuses = NOT_FINISHED if queued else [status for status in NOT_FINISHED if status not in _NOT_BEGUN]
    for run in instance.get_runs(RunsFilter(statuses=statuses)):
        if run.job_name == job_name or key in (run.asset_selection or ()):
            hours.update(hours_of_tags(run.tags))
    return hours
