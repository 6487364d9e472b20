"""Ways from Kafka to Parquet: ours, one written by hand, and the plain Spark job that ours replaces, twice.

That job is measured as one would write it, with Spark as it comes (``plain``), and with all of our settings
(``plain-tuned``): the second is the stricter measure of what our code itself costs.

Each is a process of its own, ``python -m benchmarks.stream_contestants NAME BOOTSTRAP FOLDER``, which reads everything
in the topics, in portions of about ``PORTION`` messages, and prints a line of JSON after each: ``{"rows": ...}``. All
keep the same columns, in files partitioned by event type, date and hour, compressed with zstd; ``plain`` with snappy.
"""

import json
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import typer
from confluent_kafka import Consumer, TopicPartition
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.streaming.query import StreamingQuery

from simulator.events import EVENT_TYPES, FIELDS, HOUR_US, TOPICS, EventType, Field
from streaming.kafka.offsets import topic_offsets
from streaming.lake.layout import CONTRACT_COLUMNS, PARTITION_COLUMNS
from streaming.lake.schema import LAKE_SCHEMA
from streaming.query.job import MAX_OFFSETS_PER_TRIGGER, read_kafka
from streaming.query.runner import StreamConfig, run_stream
from streaming.spark.jars import ensure_jars
from streaming.spark.session import spark_session

PORTION: Final = MAX_OFFSETS_PER_TRIGGER

_KEPT: Final = pa.schema([field for field in LAKE_SCHEMA if field.name not in ("raw", "reason")])


def report(rows: int) -> None:
    """Report to the parent process that ``rows`` more rows are written."""
    print(json.dumps({"rows": rows}), flush=True)


def ours(bootstrap: str, folder: Path) -> None:
    """Run the job as it is shipped: full validation, quarantine, Delta."""
    config = StreamConfig(
        bootstrap=bootstrap, lake=str(folder / "lake"), checkpoint=folder / "checkpoint", trigger=None
    )
    run_stream(config, on_batch=lambda batch: report(batch.rows))


def live(bootstrap: str, folder: Path) -> None:
    """Run our job with a trigger of two seconds, until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    places = {"lake": str(folder / "lake"), "checkpoint": folder / "checkpoint"}
    config = StreamConfig(bootstrap=bootstrap, trigger=timedelta(seconds=2), **places)
    run_stream(config, on_batch=lambda batch: report(batch.rows), stop=stop)


def plain(bootstrap: str, folder: Path) -> None:
    """Run the job that ours replaces, as one would write it: Spark's defaults, portions as large as ours."""
    conf = {
        "spark.jars": ",".join(map(str, ensure_jars().spark)),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.showConsoleProgress": "false",
    }
    spark = SparkSession.builder.config(map=conf).getOrCreate()
    messages = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", ",".join(TOPICS))
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", PORTION)
        .load()
    )
    _to_files(_parsed(messages), folder)
    spark.stop()


def plain_tuned(bootstrap: str, folder: Path) -> None:
    """Run the same job with all of our settings: session, consumer, two writers."""
    with spark_session(ensure_jars().spark) as spark:
        _to_files(_parsed(read_kafka(spark, bootstrap, "earliest")).coalesce(2), folder)


def _parsed(messages: DataFrame) -> DataFrame:
    """Parse all topics with from_json, without validation."""
    from_json = ", ".join(
        f"{column.name} {'bigint' if column.type == 'timestamp' else column.type}" for column in CONTRACT_COLUMNS
    )
    parsed = messages.select(
        f.from_json(f.col("value").cast("string"), from_json).alias("message"),
        "topic",
        f.col("partition").alias("kafka_partition"),
        f.col("offset").alias("kafka_offset"),
        f.col("timestamp").alias("kafka_timestamp"),
        f.current_timestamp().alias("ingested_at"),
    )
    contract = [
        f.timestamp_micros(f"message.{column.name}").alias(column.name)
        if column.type == "timestamp"
        else f.col(f"message.{column.name}")
        for column in CONTRACT_COLUMNS
    ]
    kafka = ("topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "ingested_at")
    return (
        parsed.select(*contract, *kafka)
        .withColumn("event_date", f.to_date("event_time"))
        .withColumn("event_hour", f.hour("event_time"))
    )


def _to_files(rows: DataFrame, folder: Path) -> None:
    """Write Parquet with Spark's file sink until everything available is written."""
    query = (
        rows.writeStream.format("parquet")
        .outputMode("append")
        .partitionBy(*PARTITION_COLUMNS)
        .option("checkpointLocation", str(folder / "checkpoint"))
        .trigger(availableNow=True)
        .start(str(folder / "files"))
    )
    for rows_of_batch in _batches(query):
        report(rows_of_batch)


def _batches(query: StreamingQuery) -> Iterator[int]:
    """Yield the number of rows of each batch of ``query`` as it ends."""
    seen = -1
    while True:
        ended = query.awaitTermination(0.1)  # seconds, pyspark takes fractions
        for progress in query.recentProgress:
            if progress["batchId"] > seen and progress["numInputRows"]:
                seen = progress["batchId"]
                yield progress["numInputRows"]
        if ended:
            return


def handwritten(bootstrap: str, folder: Path) -> None:
    """Run a consumer as one would write it for speed: one process, msgspec structs, a Parquet data set per portion."""
    log = topic_offsets(bootstrap)
    if log is None:
        raise typer.BadParameter(f"no broker answers at {bootstrap}")
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "handwritten",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,
            "queued.max.messages.kbytes": 256 * 1024,
        }
    )
    partitions = (name.rsplit("/", 1) for name in log)
    consumer.assign([TopicPartition(topic, int(partition), 0) for topic, partition in partitions])
    left = sum(offsets.end for offsets in log.values())
    portion: dict[str, list[Any]] = {topic: [] for topic in TOPICS}
    held = 0
    decoders = {kind.topic: msgspec.json.Decoder(_struct(kind)).decode for kind in EVENT_TYPES}
    while left:
        messages = consumer.consume(10_000, timeout=1.0)
        for message in messages:
            topic = message.topic()
            portion[topic].append(
                (decoders[topic](message.value()), message.partition(), message.offset(), message.timestamp()[1])
            )
        held += len(messages)
        left -= len(messages)
        if held >= PORTION or not left:
            for number, (topic, rows) in enumerate(portion.items()):
                if rows:
                    _write(topic, rows, folder, f"{left}-{number}")
                    rows.clear()
            report(held)
            held = 0
    consumer.close()


def _struct(kind: EventType) -> type[msgspec.Struct]:
    """Return the type of messages of ``kind``; types are checked, nothing else."""
    python = {"string": str, "int": int, "time": int, "bool": bool}

    def spelled(field: Field) -> Any:
        if kind in field.required:
            return (field.name, python[field.kind])
        return (field.name, python[field.kind] | None, None)

    return msgspec.defstruct(kind.value, [spelled(field) for field in FIELDS], kw_only=True, gc=False)


def _write(topic: str, rows: list[Any], folder: Path, name: str) -> None:
    events, partitions, offsets, timestamps = zip(*rows, strict=True)
    columns: dict[str, Any] = dict(
        zip((field.name for field in FIELDS), zip(*map(msgspec.structs.astuple, events), strict=True), strict=True)
    )
    times = np.array(columns["event_time"])
    columns |= {
        "topic": [topic] * len(rows),
        "kafka_partition": partitions,
        "kafka_offset": offsets,
        "kafka_timestamp": np.array(timestamps) * 1000,
        "ingested_at": np.full(len(rows), time.time_ns() // 1000),
        "event_date": (times // (24 * HOUR_US)).astype(np.int32),
        "event_hour": (times // HOUR_US % 24).astype(np.int32),
    }
    arrays = [
        pa.array(columns[field.name], pa.int64()).cast(field.type)
        if pa.types.is_timestamp(field.type)
        else pa.array(columns[field.name], field.type)
        for field in _KEPT
    ]
    partitioning = ds.partitioning(pa.schema([_KEPT.field(column) for column in PARTITION_COLUMNS]), flavor="hive")
    ds.write_dataset(
        pa.table(arrays, schema=_KEPT),
        folder / "files",
        format="parquet",
        partitioning=partitioning,
        file_options=ds.ParquetFileFormat().make_write_options(compression="zstd"),
        basename_template=f"{name}-{{i}}.parquet",
        existing_data_behavior="overwrite_or_ignore",
    )


CONTESTANTS: Final = {
    "ours": ours,
    "live": live,
    "handwritten": handwritten,
    "plain": plain,
    "plain-tuned": plain_tuned,
}


def main(name: str, bootstrap: str, folder: Path) -> None:
    """Run the contestant ``name``."""
    CONTESTANTS[name](bootstrap, folder)


if __name__ == "__main__":
    typer.run(main)
