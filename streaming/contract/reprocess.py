"""Reprocessing: moves quarantined messages that are valid today into their event type, in one commit, exactly once.

The commit is a MERGE of Delta that matches rows by topic, partition and offset and changes their partition columns: it
removes files of the quarantine and adds, in the same version, what stays there and what has moved. A killed
reprocessing has either done all of that or nothing; a second one finds nothing to move.

A row keeps its origin: topic, partition, offset, kafka_timestamp, and ingested_at, when the stream read it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from tenacity import RetryCallState, retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from streaming.contract.quarantine import Selection
from streaming.contract.validation import validate_batch
from streaming.exceptions import ReprocessFailed
from streaming.lake.create_table import ensure_table
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Lake
from streaming.lake.schema import spark_ddl
from streaming.storage import spark_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger("streaming")

#: How Delta reports that a concurrent commit changed what this one read.
_CONFLICT: Final = "io.delta.exceptions.Concurrent"

#: How Delta reports that two rows to move have the same offset.
_SAME_OFFSET: Final = "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE"

_ATTEMPTS: Final = 5

_MOVED: Final = "ticketsim_reprocess_moved"

#: In addition to the lake's columns: why the message had been rejected, and its partition.
_ORIGIN: Final = "was_reason string, was_date date, was_hour int"

_QUARANTINED: Final = (
    "topic", "raw", "kafka_partition", "kafka_offset", "kafka_timestamp", "ingested_at", "reason", "event_date",
    "event_hour",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """What a reprocessing moved."""

    moved: Mapping[tuple[str, str], int]  #: by the reason of their rejection and their event type
    version: int | None  #: of the lake, the commit that moved them; None if there was nothing to move

    @property
    def messages(self) -> int:
        """The number of messages moved."""
        return sum(self.moved.values())


def _is_conflict(error: BaseException) -> bool:
    return _CONFLICT in str(error)


def _say_so(state: RetryCallState) -> None:
    log.warning("a concurrent commit changed the quarantine: reprocessing is retried (%d)", state.attempt_number)


@retry(
    retry=retry_if_exception(_is_conflict),
    wait=wait_random_exponential(multiplier=1, max=20),
    stop=stop_after_attempt(_ATTEMPTS),
    before_sleep=_say_so,
    reraise=True,
)
def reprocess(spark: "SparkSession", lake: Lake, selection: Selection) -> Reprocessed:
    """Move the selected messages that are valid now; on a local disk the caller must have its turn to commit.

    It is retried after a conflict with another commit, on storage that allows concurrent commits.

    Raises:
        ReprocessFailed: The lake holds an offset twice.
    """
    ensure_table(spark, lake)
    moved = _valid_now(spark, lake, selection).persist()
    try:
        groups = moved.groupBy("was_reason", "event_type", "was_date", "was_hour").count().collect()
        counts: Counter[tuple[str, str]] = Counter()
        for group in groups:
            counts[group["was_reason"], group["event_type"]] += group["count"]
        if not counts:
            return Reprocessed({}, None)
        moved.createOrReplaceTempView(_MOVED)
        spark.sql(
            f"MERGE INTO {spark_table(lake.table_uri)} AS lake USING {_MOVED} AS moved "
            f"ON lake.event_type = '{QUARANTINE}' AND ({_hours((g['was_date'], g['was_hour']) for g in groups)}) "
            "AND lake.topic = moved.topic AND lake.kafka_partition = moved.kafka_partition "
            # Offsets repeat if a topic was recreated: ingested_at tells the two rows apart.
            "AND lake.kafka_offset = moved.kafka_offset AND lake.ingested_at = moved.ingested_at "
            "WHEN MATCHED THEN UPDATE SET *"
        ).collect()
    except Exception as error:
        if _SAME_OFFSET in str(error):
            raise ReprocessFailed(
                "the quarantine holds an offset more than once; nothing was moved. See the offsets check in Dagster."
            ) from error
        raise
    finally:
        moved.unpersist()
    return Reprocessed(dict(counts), lake.snapshot().version)


def _valid_now(spark: "SparkSession", lake: Lake, selection: Selection) -> "DataFrame":
    """Return the rows, and their origins, of the selected messages that today's contract accepts."""
    quarantined = spark.read.format("delta").load(lake.table_uri).where(f"event_type = '{QUARANTINE}'")
    if selection.first is not None:
        quarantined = quarantined.where(
            _since("event_date", selection.first.date.isoformat(), selection.first.start.hour, ">")
        )
    if selection.last is not None:
        quarantined = quarantined.where(
            _since("event_date", selection.last.date.isoformat(), selection.last.start.hour, "<")
        )
    return quarantined.select(*_QUARANTINED).mapInArrow(_revalidating(selection), f"{spark_ddl()}, {_ORIGIN}")


def _since(column: str, date: str, hour: int, order: str) -> str:
    return f"({column} {order} '{date}' OR ({column} = '{date}' AND event_hour {order}= {hour}))"


def _hours(hours: Iterable[tuple[object, int]]) -> str:
    """Return a condition on the partitions to read, so that the cost does not grow with the table."""
    by_date: dict[object, set[int]] = {}
    for date, hour in hours:
        by_date.setdefault(date, set()).add(hour)
    return " OR ".join(
        f"(lake.event_date = '{date}' AND lake.event_hour IN ({', '.join(map(str, sorted(found)))}))"
        for date, found in sorted(by_date.items(), key=str)
    )


def _revalidating(selection: Selection) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def revalidate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _valid_rows(selection.rows(batch))

    return revalidate


def _valid_rows(quarantined: pa.RecordBatch) -> pa.RecordBatch:
    # As `streaming.contract.quarantine.revalidate`: where a producer's slow clock dated a message, the stream's counts.
    sent_at, read_at = quarantined["kafka_timestamp"], quarantined["ingested_at"]
    arrived_at = pc.if_else(pc.greater(read_at, sent_at), read_at, sent_at)
    columns = [quarantined[name] for name in ("topic", "raw", "kafka_partition", "kafka_offset")]
    messages = pa.RecordBatch.from_arrays(
        [*columns, arrived_at], names=["topic", "value", "partition", "offset", "timestamp"]
    )
    rows = validate_batch(messages, ingested_at_us=0)
    for name in ("kafka_timestamp", "ingested_at"):
        field = rows.schema.field(name)
        rows = rows.set_column(rows.schema.get_field_index(name), field, quarantined[name].cast(field.type))
    for name, origin in (("was_reason", "reason"), ("was_date", "event_date"), ("was_hour", "event_hour")):
        rows = rows.append_column(name, quarantined[origin])
    return rows.filter(rows["reason"].is_null())
