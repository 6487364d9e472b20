"""The query: from all topics of Kafka to the one table of the lake; each message is validated."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from upath import UPath

from simulator.events import TOPICS
from streaming.contract.validation import validate_batch
from streaming.kafka.security import security_options
from streaming.lake.layout import PARTITION_COLUMNS
from streaming.lake.reader import Lake
from streaming.lake.schema import spark_ddl
from streaming.query.clock import Clock
from streaming.spark.python_worker import garbage_collection_paused, skip_repeated_scans

QUERY_NAME: Final = "ticketsim"

#: Bounds a batch's time and memory while a backlog is drained.
MAX_OFFSETS_PER_TRIGGER: Final = 500_000

#: Files per event type, hour and batch, unless ``spark.default.parallelism`` says otherwise, as Terraform does for a
#: cluster with workers; more make the lake's readers and the commit itself slower.
_WRITERS: Final = 2

_CONSUMER: Final[dict[str, str]] = {
    # Where the log ends, the consumer would wait half a second for each partition.
    "kafka.fetch.max.wait.ms": "20",
    # Spark buffers the records of a poll, per partition: ten times as many fill the old generation.
    "kafka.max.poll.records": "2000",
    "kafka.allow.auto.create.topics": "false",
    # What a producer has aborted was never sent; what it has not committed yet is not there yet.
    "kafka.isolation.level": "read_committed",
}


def read_kafka(spark: SparkSession, bootstrap: str, starting_offsets: str) -> DataFrame:
    """Read the messages of all topics; a gap in Kafka stops the query.

    Args:
        spark: The session.
        bootstrap: Kafka's bootstrap servers.
        starting_offsets: Where to start if the query has no checkpoint, as Spark's Kafka source spells it.
    """
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", ",".join(TOPICS))
        .option("startingOffsets", starting_offsets)
        .option("maxOffsetsPerTrigger", MAX_OFFSETS_PER_TRIGGER)
        .option("failOnDataLoss", "true")
        .options(**_CONSUMER, **security_options())
        .load()
    )


def validated(messages: DataFrame, clock: Clock) -> DataFrame:
    """Validate messages: one row of the lake for each, stamped with ``ingested_at`` by ``clock``."""

    def validate_all(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            with garbage_collection_paused():
                rows = validate_batch(batch, ingested_at_us=clock())
            yield rows
        skip_repeated_scans()

    return (
        messages.select("topic", "value", "partition", "offset", "timestamp")
        .coalesce(_writers(messages.sparkSession))
        .mapInArrow(validate_all, spark_ddl())
    )


def _writers(spark: SparkSession) -> int:
    return int(spark.sparkContext.getConf().get("spark.default.parallelism", str(_WRITERS)))


def start_query(rows: DataFrame, lake: Lake, checkpoint: UPath, trigger: timedelta | None) -> StreamingQuery:
    """Write ``rows`` into the lake, one commit per batch.

    Args:
        rows: The rows that ``validated`` returns.
        lake: The lake, whose table exists.
        checkpoint: The query's own folder.
        trigger: The interval between batches; None to write what is available now and stop.
    """
    writer = (
        rows.writeStream.format("delta")
        .queryName(QUERY_NAME)
        .outputMode("append")
        .partitionBy(*PARTITION_COLUMNS)
        .option("checkpointLocation", str(checkpoint))
    )
    if trigger is None:
        return writer.trigger(availableNow=True).start(lake.table_uri)
    return writer.trigger(processingTime=f"{trigger // timedelta(milliseconds=1)} milliseconds").start(lake.table_uri)
