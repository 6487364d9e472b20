"""Reprocessing, compaction and vacuum on a lake written by Spark, which is started once for all of these tests."""

import contextlib
import json
import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from simulator.events import HOUR_US, EventType
from streaming.contract.quarantine import Selection, revalidate
from streaming.contract.reprocess import reprocess
from streaming.exceptions import DayNotClosed, ReprocessFailed, RetentionTooShort
from streaming.hour import Hour
from streaming.lake.create_table import ensure_table
from streaming.lake.delta import open_table
from streaming.lake.offset_gaps import OffsetGap, gaps_uri, read_gaps, record_gaps
from streaming.lake.reader import Lake
from streaming.locks.commit_queue import turn_holder
from streaming.maintenance import (
    CompactDay,
    ReprocessQuarantine,
    Task,
    Vacuum,
    extent_of_day,
    is_compact,
    removable,
    run_in_turn,
    stored,
)
from streaming.spark.gcs_connector import connector_settings
from streaming.spark.jars import ensure_jars
from streaming.spark.session import spark_session
from streaming.storage import path_of
from ticketsim_assets.assets.quarantine_reprocess import reprocess_job
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.resources.spark import LakeSpark

from ..conftest import BOTH_PLACES
from ..ticketsim_assets.conftest import LakeMaker, lake_maker

pytestmark = pytest.mark.slow

ARRIVAL = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
ARRIVAL_US = int(ARRIVAL.timestamp()) * 1_000_000
DAY = ARRIVAL.date()

#: Columns that say where and when a message came; they stay what they are wherever its row is filed.
ORIGIN = ("topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "ingested_at")


@pytest.fixture(scope="module")
def spark(request):
    with pytest.MonkeyPatch.context() as patch:
        conf = {"spark.driver.memory": "1g"}
        if any(item.get_closest_marker("cloud") for item in request.session.items if item.path == request.path):
            patch.setenv("STORAGE_EMULATOR_HOST", request.getfixturevalue("gcs_emulator").endpoint)
            conf |= connector_settings("gs://")
            patch.delenv("STORAGE_EMULATOR_HOST")
        with spark_session(ensure_jars().spark, conf) as session:
            yield session


@pytest.fixture
def maker(request, spark, tmp_path, lake_place) -> LakeMaker:
    root = tmp_path / "lake"
    ensure_table(spark, Lake(str(root)))
    return lake_maker(request, root, lake_place)


@pytest.fixture
def refuse(maker):
    return lambda messages, reason, at=ARRIVAL: maker.refuse(messages, reason, at=at)


@pytest.fixture
def messages(good):
    """Valid messages of all types, some of which ended in the hour before the one in which they came."""

    def make(first: int, count: int, **changes):
        made = []
        for number in range(first, first + count):
            kind = tuple(EventType)[number % 8]
            ended_us = ARRIVAL_US - (number % 3) * HOUR_US
            made.append((kind.topic, json.dumps(good(kind, number, ended_us) | changes).encode()))
        return made

    return make


def rows(lake: Lake) -> list[dict]:
    return open_table(lake.table_uri).to_pyarrow_table().to_pylist()


def origins(lake: Lake) -> Counter:
    return Counter(tuple(row[name] for name in ORIGIN) for row in rows(lake))


@BOTH_PLACES
def test_reprocessing_moves_what_is_valid_now_in_one_commit_and_nothing_the_second_time(
    spark, maker, refuse, messages, good
):
    maker.append(messages(0, 40), at=ARRIVAL)
    refuse(messages(40, 40), "bad_value:channel")
    refuse(messages(80, 8), "missing_field:line", at=ARRIVAL + timedelta(hours=1))
    refuse(messages(88, 8, schema_version=2), "unknown_schema_version")
    # Ahead of the broker's clock when it came; that the clock has moved on since changes nothing.
    early = good(EventType.SCAN_TICKETS, 96, ARRIVAL_US + 2 * HOUR_US)
    refuse([(EventType.SCAN_TICKETS.topic, json.dumps(early).encode())], "bad_value:event_time")
    refuse([(EventType.SCAN_TICKETS.topic, b"nonsense"), (EventType.SCAN_TICKETS.topic, None)], "malformed_json")
    lake = maker.lake
    came = origins(lake)
    version = lake.snapshot().version

    said = revalidate(lake.snapshot(), Selection())
    done = reprocess(spark, lake, Selection())

    assert done.moved == dict(said.valid)
    assert done.messages == 48
    assert said.refused == {"unknown_schema_version": 8, "bad_value:event_time": 1, "malformed_json": 2}
    assert done.version == version + 1 == lake.snapshot().version
    assert origins(lake) == came
    now = rows(lake)
    assert Counter(row["event_type"] == "quarantine" for row in now) == {False: 88, True: 11}
    for row in now:
        if row["event_type"] != "quarantine":
            assert row["reason"] is row["raw"] is None
            assert row["topic"] == f"ticketsim.{row['event_type']}"
            assert (row["event_date"], row["event_hour"]) == (row["event_time"].date(), row["event_time"].hour)
    assert {row["event_id"] for row in now if row["event_id"]} == {f"run-north-{number}" for number in range(88)}

    again = reprocess(spark, lake, Selection())
    assert (again.messages, again.version) == (0, None)
    assert lake.snapshot().version == version + 1

    [commit] = lake.commits(version, version + 1)
    table = open_table(lake.table_uri)
    described = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    for file in (f for f in commit.added if f.event_type != "quarantine"):
        stored_file = pq.ParquetFile(path_of(f"{lake.table_uri}/{file.path}").open("rb"))
        physical = {column.name: column.physical_type for column in stored_file.schema}
        assert physical["event_time"] == physical["kafka_timestamp"] == "INT64"
        [facts] = [each for each in described if each["path"] == file.path]
        assert facts["num_records"] == file.rows
        assert facts["min.kafka_offset"] is not None
        assert facts["min.run_id"] == "run"


def test_reprocessing_can_be_limited_to_a_reason_a_topic_and_hours_of_arrival(spark, maker, refuse, messages):
    later = ARRIVAL + timedelta(hours=3)
    refuse(messages(0, 16), "bad_value:channel")
    refuse(messages(16, 16), "bad_value:line")
    refuse(messages(32, 16), "bad_value:line", at=later)
    selection = Selection("bad_value", "buy_tickets", Hour.containing(later), Hour.containing(later))
    assert reprocess(spark, maker.lake, selection).moved == {("bad_value:line", "buy_tickets"): 2}
    snapshot = maker.lake.snapshot()
    assert revalidate(snapshot, Selection("bad_value:channel")).examined == 16
    assert revalidate(snapshot, Selection("bad_value:lin")).examined == 0
    assert revalidate(snapshot, Selection(last=Hour.containing(ARRIVAL))).examined == 32


def test_a_quarantine_that_holds_an_offset_twice_is_left_as_it_is(spark, maker, refuse, messages):
    refuse(messages(0, 8), "bad_value:channel")
    maker.offsets.clear()
    refuse(messages(0, 8), "bad_value:channel")
    version = maker.lake.snapshot().version
    with pytest.raises(ReprocessFailed, match="more than once"):
        reprocess(spark, maker.lake, Selection())
    assert maker.lake.snapshot().version == version


def test_reprocessing_is_retried_after_a_concurrent_commit(spark, maker, refuse, messages, caplog):
    for first in range(0, 400, 40):
        refuse(messages(first, 40), "bad_value:channel")
    came = origins(maker.lake)

    def disturb() -> None:
        while not ended.is_set() and "reprocessing is retried" not in caplog.text:
            with contextlib.suppress(Exception):  # it meets conflicts as well
                refuse([("ticketsim.scan_tickets", b"x")], "malformed_json")
                DeltaTable(maker.lake.table_uri).optimize.compact(partition_filters=[("event_type", "=", "quarantine")])
            time.sleep(0.2)

    ended = threading.Event()
    other = threading.Thread(target=disturb)
    other.start()
    try:
        done = reprocess(spark, maker.lake, Selection())
    finally:
        ended.set()
        other.join()
    assert "reprocessing is retried" in caplog.text
    assert done.messages == 400
    after = origins(maker.lake)
    assert set(after.values()) == {1}
    assert came.keys() <= after.keys()


def test_compaction_writes_a_closed_day_s_files_together_and_leaves_other_days_alone(spark, maker, messages):
    for first in range(0, 120, 24):
        maker.append(messages(first, 24), at=ARRIVAL)
    before, came = extent_of_day(maker.lake.snapshot(), DAY), origins(maker.lake)
    told = []
    for first in range(3):
        record_gaps(spark, maker.lake, [OffsetGap("ticketsim.scan_tickets", 0, first, first + 1, ARRIVAL)])
    gaps = set(read_gaps(maker.lake))

    run_in_turn(spark, maker.lake, CompactDay(DAY), told.append)

    assert set(read_gaps(maker.lake)) == gaps
    assert len(open_table(gaps_uri(maker.lake)).file_uris()) == 1
    snapshot = maker.lake.snapshot()
    assert is_compact(snapshot, DAY)
    assert extent_of_day(snapshot, DAY).files < before.files
    assert origins(maker.lake) == came
    [commit] = maker.lake.commits(snapshot.version - 1, snapshot.version)
    assert (commit.added, commit.removed) == ((), ())
    assert told == []
    assert turn_holder(maker.lake.root) is None
    with pytest.raises(DayNotClosed, match="is not over in UTC"):
        CompactDay(datetime.now(UTC).date())


@BOTH_PLACES
def test_a_vacuum_takes_what_a_killed_batch_left_behind_and_nothing_that_readers_may_need(
    spark, maker, messages, lake_place
):
    maker.append(messages(0, 24), at=ARRIVAL)
    maker.append(messages(24, 24), at=ARRIVAL)
    lake = maker.lake
    CompactDay(DAY).run(spark, lake)
    place = path_of(lake.table_uri) / f"event_type=scan_tickets/event_date={DAY}/event_hour=10"
    old, young = place / "part-00000-killed-batch.snappy.parquet", place / "part-00001-still-writing.snappy.parquet"
    young.write_bytes(b"PAR1 half a file")
    if lake_place == "disk":  # the emulator has no object that is older than itself
        old.write_bytes(b"PAR1 half a file")
        a_week_ago = time.time() - 8 * 86_400
        os.utime(old, (a_week_ago, a_week_ago))
        assert removable(lake, timedelta(days=7)) == 1
    before = stored(lake)

    Vacuum().run(spark, lake)

    assert not old.exists()
    assert young.exists()
    assert stored(lake).files == before.files - (lake_place == "disk")
    assert len(rows(lake)) == 48
    table = open_table(lake.table_uri)
    table.load_as_version(2)
    assert table.to_pyarrow_table().num_rows == 48
    assert removable(lake, timedelta(days=7)) == 0
    with pytest.raises(RetentionTooShort, match=r"invalid retention of 24 hours.*Keep them for 168 hours"):
        Vacuum(timedelta(days=1))


def test_a_task_spells_itself_as_the_command_line_reads_it(monkeypatch, maker):
    from streaming import maintenance
    from streaming.spark import session

    ran = []
    monkeypatch.setattr(maintenance, "run_in_turn", lambda spark, lake, task, on_progress: ran.append(task))
    monkeypatch.setattr(session, "submitted_or_own_session", contextlib.nullcontext)
    hour = Hour.containing(ARRIVAL)
    tasks: list[Task] = [
        CompactDay(DAY),
        Vacuum(timedelta(days=30)),
        ReprocessQuarantine(Selection("bad_value", None, hour, hour)),
    ]
    for task in tasks:
        maintenance.main(["--lake", maker.lake.root, *task.arguments(), "--dagster-pipes-context", "x"])
    assert ran == tasks


class _SharedSpark(LakeSpark):
    """The session of these tests, for Dagster's jobs."""

    def run(self, context, task) -> None:
        run_in_turn(SparkSession.active(), Lake(self.lake), task, context.log.info)


def test_dagster_s_job_reprocesses_the_quarantine_and_reports_what_it_moved(spark, maker, refuse, messages):
    refuse(messages(0, 16), "bad_value:channel")
    refuse(messages(16, 8), "missing_field:line")
    resources = {"lake": LakeResource(uri=maker.lake.root), "spark": _SharedSpark(lake=maker.lake.root)}
    config = {"ops": {"move_valid_messages": {"config": {"reason": "bad_value"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        for expected, version in ((16, 3), (0, 3)):
            done = reprocess_job.execute_in_process(run_config=config, resources=resources, instance=instance)
            [output] = [e for e in done.all_node_events if e.is_successful_output]
            facts = output.step_output_data.metadata
            assert (facts["moved"].value, facts["delta_version"].value) == (expected, version)
    assert revalidate(maker.lake.snapshot(), Selection()).examined == 8
