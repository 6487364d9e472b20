"""Maintenance as Dagster runs it: next to a stream on the laptop, and as a job of Dataproc."""

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from confluent_kafka import Producer

from simulator.events import EVENT_TYPES, HOUR_US
from streaming.hour import Hour
from streaming.lake.reader import Lake
from ticketsim_assets.checks.offsets import OffsetState, check_offsets
from ticketsim_assets.hours.cursor import LakeCursor
from ticketsim_assets.hours.evaluation import evaluate_lake
from ticketsim_assets.keys import COMPACTION_JOB, LAKE_COMPACTION, LAKE_COMPLETE, LAKE_VACUUM, VACUUM_JOB
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.resources.spark import LocalSpark

from ..conftest import IN_A_BUCKET
from ..streaming.conftest import _good
from ..streaming.test_stream import TIMEOUT_S, Stream, event_numbers, wait_until
from ..ticketsim_assets.conftest import LakeMaker, simulated
from .dataproc import BUCKET, Dataproc, SparkOnThisDataproc

pytestmark = pytest.mark.slow

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


def run(job: str, spark, lake: str, *, instance: dg.DagsterInstance, **options) -> dg.ExecuteInProcessResult:
    from ticketsim_assets.definitions import defs

    resources = {"lake": LakeResource(uri=lake), "spark": spark}
    return defs.resolve_job_def(job).execute_in_process(instance=instance, resources=resources, **options)


def metadata(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> list[dict]:
    return [
        {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key == key
    ]


def look(lake: Lake, instance: dg.DagsterInstance, cursor: LakeCursor):
    watched = evaluate_lake(
        lake,
        lake.snapshot(),
        instance,
        cursor,
        now=datetime.now(UTC),
        first_hour=datetime(2026, 1, 1, tzinfo=UTC),
        lateness=timedelta(minutes=10),
        lag=1,
        first_loads=True,
        debounce=timedelta(0),
    )
    for report in watched.reports:
        instance.report_runless_asset_event(report)
    return watched


@IN_A_BUCKET  # on a disk a task takes turns with the stream: streaming/contract/test_quarantine.py
def test_a_day_is_compacted_beside_a_running_stream_and_nothing_downstream_takes_notice(topics, tmp_path, lake_bucket):
    stream = Stream(topics, tmp_path, bucket=lake_bucket)
    producer = Producer({"bootstrap.servers": topics, "linger.ms": 5})
    yesterday_us = int(datetime(YESTERDAY.year, YESTERDAY.month, YESTERDAY.day, 12, 30, tzinfo=UTC).timestamp() * 1e6)

    def produce(first: int, count: int, ended_us: int) -> None:
        for number in range(first, first + count):
            kind = EVENT_TYPES[number % len(EVENT_TYPES)]
            producer.produce(kind.topic, json.dumps(_good(kind, number, ended_us)), key=str(number % 5))
        assert producer.flush(30) == 0

    try:
        running = stream.start("--trigger=1s")
        for batch in range(4):
            produce(batch * 80, 80, yesterday_us)
            wait_until(lambda end=(batch + 1) * 80: stream.versions() and len(event_numbers(stream)) == end, running)
        lake = Lake(str(stream.lake))
        with dg.DagsterInstance.ephemeral() as instance:
            seen = look(lake, instance, LakeCursor())
            sound = check_offsets(lake, lake.snapshot(), OffsetState())
            compacting = {"spark": LocalSpark(lake=str(stream.lake)), "lake": str(stream.lake), "instance": instance}

            [figures] = metadata(
                run(COMPACTION_JOB, **compacting, partition_key=YESTERDAY.isoformat()), LAKE_COMPACTION
            )

            # Seven activities, and the receipts, which are of the hour before.
            assert figures["files_after"] == 8 < 4 * 8 <= figures["files_before"]
            assert figures["bytes_after"] < figures["bytes_before"]
            again = look(lake, instance, seen.cursor)
            assert (again.reports, again.hourly, again.quarantine) == ((), (), ())
            assert again.cursor.version >= figures["delta_version"]
            assert not instance.get_materialized_partitions(LAKE_COMPLETE)
            assert check_offsets(lake, lake.snapshot(), sound.state).sound

            produce(320, 80, yesterday_us + 3 * HOUR_US)
            wait_until(lambda: len(event_numbers(stream)) == 400, running)
            stream.require_exactly_what_kafka_holds()
            assert check_offsets(lake, lake.snapshot(), sound.state).sound
            changed = {Hour.from_key(key).start.hour for key in look(lake, instance, again.cursor).cursor.pending}
            assert changed == {11, 12, 14, 15}
            running.send_signal(signal.SIGTERM)
            _, errors = running.communicate(timeout=TIMEOUT_S)
            assert running.returncode == 0, errors

            day_before = (YESTERDAY - timedelta(days=1)).isoformat()
            nothing = run(COMPACTION_JOB, **compacting, partition_key=day_before)
            assert nothing.success
            assert metadata(nothing, LAKE_COMPACTION) == []
    finally:
        for process in stream.started:
            process.kill()


def test_a_vacuum_as_a_job_of_dataproc_removes_what_a_killed_batch_left_behind(tmp_path):
    maker = LakeMaker(tmp_path / "lake")
    maker.append(simulated(hours=0.3, venues=1))
    orphan = maker.root / "events" / "event_type=scan_tickets" / "part-00000-killed.parquet"
    orphan.write_bytes(b"PAR1")
    a_week_ago = time.time() - 8 * 86_400
    os.utime(orphan, (a_week_ago, a_week_ago))
    (tmp_path / "bucket").mkdir()
    dataproc = Dataproc(tmp_path / "bucket")
    spark = SparkOnThisDataproc(
        lake=str(maker.root),
        project="venue",
        region="europe-west1",
        cluster="stream",
        code=BUCKET,
        address=dataproc.address,
    )
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            options = {"spark": spark, "lake": str(maker.root), "instance": instance}
            [figures] = metadata(run(VACUUM_JOB, **options), LAKE_VACUUM)
            assert figures["files_before"] - figures["files_after"] == 1
            assert figures["bytes_before"] - figures["bytes_after"] == 4
            assert not orphan.exists()
            [job] = dataproc.jobs
            assert job["placement"]["clusterName"] == "stream"
            assert job["pysparkJob"]["args"][:5] == ["--lake", str(maker.root), "vacuum", "--hours", "168"]
            assert job["pysparkJob"]["properties"]["spark.sql.parquet.outputTimestampType"] == "TIMESTAMP_MICROS"
            assert metadata(run(VACUUM_JOB, **options), LAKE_VACUUM) == []
            config = {"ops": {"lake__vacuum": {"config": {"retention_days": 1.0}}}}
            refused = run(VACUUM_JOB, **options, run_config=config, raise_on_error=False)
            assert not refused.success
            assert len(dataproc.jobs) == 1
    finally:
        dataproc.close()
