"""Offsets without a record through real Kafka, Spark and Delta: transactions, compaction, removed records."""

import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from confluent_kafka import Producer
from deltalake import write_deltalake
from harness.kafka import cut_front
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from simulator.events import EVENT_TYPES
from streaming.exceptions import DataLost, TransactionOpen
from streaming.kafka.offsets import lag_per_topic, topic_offsets
from streaming.lake.committed_offsets import next_offsets
from streaming.lake.delta import open_table
from streaming.lake.losses import read_losses
from streaming.lake.offset_gaps import GAPS_TABLE, read_gaps
from streaming.lake.reader import Lake
from streaming.query.clock import system_clock
from streaming.query.error_mapping import map_error
from streaming.query.job import read_kafka, start_query, validated
from streaming.query.runner import StreamConfig, StreamSummary, run_stream
from streaming.spark.jars import ensure_jars
from streaming.spark.session import spark_session
from ticketsim_assets.checks.offsets import OffsetState, OffsetVerdict, check_offsets

from ..transactions import Message, compact, readable, send, transaction

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    with spark_session(ensure_jars().spark, {"spark.driver.memory": "1g"}) as spark:
        yield spark


class Streamed:
    """A lake that is filled by one run of the stream after another, all in one JVM."""

    def __init__(self, bootstrap: str, home: Path) -> None:
        self.bootstrap = bootstrap
        self.lake = Lake(str(home / "lake"))
        self.checkpoint = home / "checkpoint"
        self.state = OffsetState()

    def once(self, start_from: str = "checkpoint") -> StreamSummary:
        return run_stream(
            StreamConfig(self.bootstrap, self.lake.root, self.checkpoint, trigger=None, start_from=start_from)
        )

    def verdict(self, state: OffsetState | None = None) -> OffsetVerdict:
        return check_offsets(self.lake, self.lake.snapshot(), state or OffsetState())

    def offsets(self) -> set[tuple[str, int, int]]:
        columns = ["topic", "kafka_partition", "kafka_offset"]
        rows = open_table(self.lake.table_uri).to_pyarrow_table(columns=columns).to_pylist()
        found = [tuple(row.values()) for row in rows]
        assert len(found) == len(set(found))
        return set(found)

    def lag(self) -> int:
        held = topic_offsets(self.bootstrap)
        assert held is not None
        ends = next_offsets(self.lake, read_losses(self.lake), read_gaps(self.lake))
        return sum(lag_per_topic(held, ends).values())

    def require_all_that_can_be_read(self) -> None:
        """Check the guarantee: rows committed = records consumed; from the start, and from the last look."""
        assert self.offsets() == readable(self.bootstrap)
        for verdict in (self.verdict(), self.verdict(self.state)):
            assert verdict.sound, verdict.problems
        self.state = verdict.state
        assert self.lag() == 0
        assert sum(self.state.next_offsets.values()) == sum(log.end for log in topic_offsets(self.bootstrap).values())


@pytest.fixture
def stream(topics: str, tmp_path: Path, session: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Streamed:
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "there is a session")
    return Streamed(topics, tmp_path)


@pytest.fixture
def messages(good) -> Callable[[int, int], list[Message]]:
    """Valid messages with the numbers of a range, all types in turn."""
    now_us = time.time_ns() // 1000

    def make(first: int, end: int) -> list[Message]:
        kinds = [(EVENT_TYPES[number % len(EVENT_TYPES)], number) for number in range(first, end)]
        return [(kind.topic, json.dumps(good(kind, number, now_us)).encode()) for kind, number in kinds]

    return make


def send_plainly(bootstrap: str, messages: list[Message]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    for number, (topic, value) in enumerate(messages):
        producer.produce(topic, value, key=str(number % 11))
    assert producer.flush(30) == 0


def test_a_committed_transaction_and_what_follows_it_arrive_and_its_markers_are_no_loss(stream, messages):
    send(stream.bootstrap, messages(0, 160))
    assert stream.once().rows == 160
    stream.require_all_that_can_be_read()
    send_plainly(stream.bootstrap, messages(160, 240))
    send(stream.bootstrap, messages(240, 320))
    assert stream.once().rows == 160
    stream.require_all_that_can_be_read()
    assert stream.once().rows == 0
    stream.require_all_that_can_be_read()


def test_aborted_records_never_arrive_and_open_ones_only_once_they_are_committed(stream, messages):
    send(stream.bootstrap, messages(0, 80), commit=False)
    assert stream.once().rows == 0
    stream.require_all_that_can_be_read()
    send(stream.bootstrap, messages(80, 160), commit=False)
    send(stream.bootstrap, messages(160, 240))
    with transaction(stream.bootstrap) as producer:
        for topic, value in messages(240, 320):
            producer.produce(topic, value)
        assert producer.flush(30) == 0
        assert stream.once().rows == 80
        stream.require_all_that_can_be_read()
    assert stream.once().rows == 80
    stream.require_all_that_can_be_read()


def test_a_stream_that_was_killed_before_it_recorded_the_gaps_of_its_last_batches_does_so_when_it_starts(
    stream, messages
):
    for number in range(2):
        send(stream.bootstrap, messages(number * 80, number * 80 + 40), commit=False)
        send(stream.bootstrap, messages(number * 80 + 40, number * 80 + 80))
        stream.once()
    shutil.rmtree(Path(stream.lake.root) / GAPS_TABLE)
    newest = max(path for path in (stream.checkpoint / "commits").iterdir() if path.name.isdigit())
    newest.unlink()
    assert not stream.verdict().sound
    assert stream.once().rows == 0
    stream.require_all_that_can_be_read()


@pytest.mark.parametrize("start_from", ["checkpoint", "lake"])
def test_without_checkpoint_and_record_all_gaps_between_the_rows_of_the_lake_are_found_again(
    stream, messages, start_from
):
    for number in range(2):
        send(stream.bootstrap, messages(number * 80, number * 80 + 40), commit=False)
        send(stream.bootstrap, messages(number * 80 + 40, number * 80 + 80))
        stream.once()
    shutil.rmtree(Path(stream.lake.root) / GAPS_TABLE)
    if start_from == "checkpoint":
        shutil.rmtree(stream.checkpoint)
    assert stream.once(start_from).rows == 0
    stream.require_all_that_can_be_read()


def test_a_row_that_the_lake_has_lost_is_not_taken_for_an_offset_without_a_record(stream, messages):
    send(stream.bootstrap, messages(0, 160))
    stream.once()
    topic, partition, offset = min(stream.offsets())
    here = f"topic = '{topic}' and kafka_partition = {partition} and kafka_offset = {offset + 1}"
    open_table(stream.lake.table_uri).delete(here)
    shutil.rmtree(Path(stream.lake.root) / GAPS_TABLE)
    stream.once("lake")
    [problem] = stream.verdict().problems
    assert problem.startswith(f"{topic}/{partition}: 1 offsets between {offset} and ")


def test_a_lake_that_holds_records_of_an_open_transaction_waits_for_its_end_by_name(stream, messages):
    topic = "ticketsim.scan_tickets"
    with transaction(stream.bootstrap) as producer:
        for _, value in messages(0, 3):
            producer.produce(topic, value, partition=0)
        assert producer.flush(30) == 0
        stream.once()
        uncommitted = {"event_type": "quarantine", "topic": topic, "kafka_partition": 0, "kafka_offset": 1}
        of_release_before = pa.Table.from_pylist([uncommitted | {"event_date": date(2026, 3, 1), "event_hour": 12}])
        write_deltalake(stream.lake.table_uri, of_release_before, mode="append", schema_mode="merge")
        with pytest.raises(TransactionOpen, match=f"{topic}/0 up to offset 1, .* began at offset 0 is still open"):
            stream.once()


def test_records_that_compaction_has_removed_are_no_loss(stream, messages, caplog):
    topic = "ticketsim.scan_tickets"
    values = [(topic, value) for _, value in messages(0, 330)]
    producer = Producer({"bootstrap.servers": stream.bootstrap, "linger.ms": 5})
    for number, (_, value) in enumerate(values):
        producer.produce(topic, value, key=str(number % 5), partition=0)
    assert producer.flush(30) == 0
    compact(stream.bootstrap, topic)
    with caplog.at_level(logging.INFO):
        stream.once()
    assert "Kafka holds no record at" in caplog.text
    assert stream.verdict().sound, stream.verdict().problems
    assert len(stream.offsets()) < len(values)
    assert stream.lag() == 0


def test_a_query_stops_at_messages_that_kafka_removed_before_they_were_read_and_commits_nothing(
    stream, messages, session
):
    """The stream compares lake and Kafka when it starts; what is removed later only the query itself can notice."""
    send_plainly(stream.bootstrap, messages(0, 80))
    stream.once()
    committed = stream.offsets()
    send_plainly(stream.bootstrap, messages(80, 160))
    cut_front(stream.bootstrap, "ticketsim.scan_tickets")
    rows = validated(read_kafka(session, stream.bootstrap, "earliest"), system_clock)
    query = start_query(rows, stream.lake, stream.checkpoint, trigger=None)
    with pytest.raises(StreamingQueryException) as stopped:
        query.awaitTermination()
    assert isinstance(map_error(stopped.value, stream.lake.root, stream.checkpoint), DataLost)
    assert stream.offsets() == committed
