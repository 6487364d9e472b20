"""The assets lake/compaction and lake/vacuum: small files merged, and unused files removed."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import dagster as dg

from streaming.maintenance import CompactDay, Extent, Vacuum, extent_of_day, is_compact, removable, stored
from ticketsim_assets.keys import COMPACTION_JOB, LAKE_COMPACTION, LAKE_KEYS, LAKE_VACUUM, VACUUM_JOB
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.resources.spark import LakeSpark

#: One task at a time: several would only wait for each other, each with its own Spark.
POOL: Final = "lake_maintenance"


def compaction(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: LakeSpark
) -> Iterator[dg.MaterializeResult]:
    """A closed day's small files merged into one per event type and hour; no row changes. One day a partition."""
    day, opened = date.fromisoformat(context.partition_key), lake.open()
    snapshot = opened.snapshot()
    if is_compact(snapshot, day):
        context.log.info(f"{day} has no event type and hour with more than one file: nothing to do")
        return
    before = extent_of_day(snapshot, day)
    spark.run(context, CompactDay(day))
    after = opened.snapshot()
    yield dg.MaterializeResult(metadata={**_change(before, extent_of_day(after, day)), "delta_version": after.version})


class VacuumConfig(dg.Config):
    """How long files that the table no longer needs are kept; less than 7 days is refused."""

    retention_days: float = 7.0


def vacuum(
    context: dg.AssetExecutionContext, config: VacuumConfig, lake: LakeResource, spark: LakeSpark
) -> Iterator[dg.MaterializeResult]:
    """Files removed that the table has not needed for a week, and files that killed batches left behind."""
    task, opened = Vacuum(timedelta(days=config.retention_days)), lake.open()
    version = opened.snapshot().version
    files = removable(opened, task.retention)
    if not files:
        context.log.info(f"no file has been unused for {config.retention_days:g} days: nothing to do")
        return
    context.log.info(f"removing {files} files, as of version {version}")
    before = stored(opened)
    spark.run(context, task)
    yield dg.MaterializeResult(metadata=_change(before, stored(opened)))


def _change(before: Extent, after: Extent) -> dict[str, int]:
    return {
        "files_before": before.files,
        "files_after": after.files,
        "bytes_before": before.bytes,
        "bytes_after": after.bytes,
    }


def maintenance_assets(daily: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Build the two assets; the days of ``daily`` are compacted one by one."""
    return [
        dg.asset(
            key=LAKE_COMPACTION,
            partitions_def=daily,
            deps=list(LAKE_KEYS.values()),
            group_name="lake",
            kinds={"delta", "spark"},
            owners=["team:platform"],
            pool=POOL,
            output_required=False,
        )(compaction),
        dg.asset(
            key=LAKE_VACUUM,
            deps=[LAKE_COMPACTION],
            group_name="lake",
            kinds={"delta", "spark"},
            owners=["team:platform"],
            pool=POOL,
            output_required=False,
        )(vacuum),
    ]


compaction_job = dg.define_asset_job(
    COMPACTION_JOB,
    selection=[LAKE_COMPACTION],
    executor_def=dg.in_process_executor,
    description="Merges the small files of a closed day.",
)

vacuum_job = dg.define_asset_job(
    VACUUM_JOB,
    selection=[LAKE_VACUUM],
    executor_def=dg.in_process_executor,
    description="Removes files that the lake's table no longer needs.",
)

#: The day has closed in UTC, and what came late is in the lake as well.
compaction_schedule = dg.build_schedule_from_partitioned_job(
    compaction_job, hour_of_day=1, minute_of_hour=30, default_status=dg.DefaultScheduleStatus.RUNNING
)

vacuum_schedule = dg.ScheduleDefinition(
    job=vacuum_job,
    cron_schedule="0 2 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
