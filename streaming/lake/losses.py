"""Recorded losses: messages that were gone from Kafka before the stream read them, accepted by an operator.

They stand in a table of their own, ``<lake>/losses``, one row per topic and partition, all of one acceptance in one
commit. Each row ends one *log* of its partition and begins the next one: a topic that was deleted and made again
counts from 0, so that its offsets repeat. Rows of the lake tell the two apart by ``ingested_at``, which is before
``resumed_at`` for the old log and not before it for the new one, whatever the clock does (`streaming.query.clock`).
See docs/decisions/0008-recorded-losses.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from streaming.lake.reader import Lake
from streaming.lake.record_table import append_records, read_records
from streaming.topic_partition import TopicPartition

if TYPE_CHECKING:  # importing Spark takes a second, and who only looks needs none
    from pyspark.sql import SparkSession

#: The table's folder below the lake's root.
LOSSES_TABLE: Final = "losses"

_MOMENT: Final = pa.timestamp("us", tz="UTC")
_SCHEMA: Final = pa.schema(
    [
        ("topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("first_lost", pa.int64()),
        ("end_lost", pa.int64()),
        ("resumes_at", pa.int64()),
        ("resumed_at", _MOMENT),
        ("accepted_at", _MOMENT),
        ("lake_version", pa.int64()),
        ("old_topic_id", pa.string()),
        ("new_topic_id", pa.string()),
        ("why", pa.string()),
    ]
)

#: ``resumed_at`` is a whole number of these, as the statistics in Delta's log are.
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Loss:
    """What one partition lost, and where the stream went on; fields in the order of the table's columns."""

    topic: str
    partition: int
    first_lost: int  #: the lake holds all offsets of the old log before this one
    end_lost: int | None  #: one past the last offset lost; None where the old log's end cannot be known any more
    resumes_at: int  #: first offset of the new log that is read
    resumed_at: datetime  #: rows of the new log have this ``ingested_at`` or a later one, older rows an earlier one
    accepted_at: datetime  #: when, by the operator's clock
    lake_version: int  #: of the events table: the last one that knows only the old log
    old_topic_id: str | None
    new_topic_id: str
    why: str

    @property
    def name(self) -> str:
        """``topic/partition``."""
        return str(TopicPartition(self.topic, self.partition))

    def __str__(self) -> str:
        lost = f"from offset {self.first_lost} on"
        if self.end_lost is not None:
            lost = f"offsets {self.first_lost} to {self.end_lost - 1}"
        return f"{self.name}: lost {lost} ({self.why}), went on at {self.resumes_at} on {self.accepted_at:%F %R} UTC"


@dataclass(frozen=True, slots=True)
class Losses:
    """All losses recorded for a lake; ``of_place`` holds those of a ``topic/partition``, oldest first."""

    of_place: Mapping[str, tuple[Loss, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, losses: Iterable[Loss]) -> "Losses":
        """Sort ``losses`` by partition and time."""
        found: dict[str, tuple[Loss, ...]] = {}
        for loss in sorted(losses, key=lambda each: each.resumed_at):
            found[loss.name] = (*found.get(loss.name, ()), loss)
        return cls(found)

    def __bool__(self) -> bool:
        return bool(self.of_place)

    def __iter__(self) -> Iterator[Loss]:
        return iter(sorted(sum(self.of_place.values(), ()), key=lambda each: (each.resumed_at, each.name)))

    def newest(self, place: str) -> Loss | None:
        """The loss that began the present log of ``place``; None if it never lost anything."""
        losses = self.of_place.get(place)
        return losses[-1] if losses else None

    def topic_ids(self) -> dict[str, str]:
        """The topic ids that were accepted, newest per topic."""
        return {loss.topic: loss.new_topic_id for loss in self}

    def known_at(self, lake_version: int) -> "Losses":
        """Without those recorded after ``lake_version`` of the events table."""
        return Losses.of(loss for loss in self if loss.lake_version <= lake_version)

    @property
    def resumed_at(self) -> datetime | None:
        """The newest ``resumed_at``: rows written from now on may not be older."""
        return max((loss.resumed_at for loss in self), default=None)


def losses_uri(lake: Lake) -> str:
    """Where the table lies."""
    return f"{lake.root.rstrip('/')}/{LOSSES_TABLE}"


def read_losses(lake: Lake) -> Losses:
    """What has been recorded; most lakes never lose anything and have no such table."""
    return Losses.of(Loss(*values) for values in read_records(losses_uri(lake), _SCHEMA))


def record_losses(spark: "SparkSession", lake: Lake, losses: Iterable[Loss]) -> None:
    """Append ``losses`` in one commit, creating the table with the first; the caller holds the lake's lease."""
    append_records(spark, losses_uri(lake), _SCHEMA, losses)


def newest_row(spark: "SparkSession", lake: Lake) -> datetime | None:
    """The largest ``ingested_at`` in the lake; reads that column of the whole table."""
    newest_us = spark.read.format("delta").load(lake.table_uri).selectExpr("max(unix_micros(ingested_at))").head()[0]  # type: ignore[index]  # an aggregate has a row
    return None if newest_us is None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=newest_us)


def next_resumption(now: datetime, *stamped: datetime | None) -> datetime:
    """A ``resumed_at`` that lies behind all that the lake holds, whatever its writers' clocks said.

    Args:
        now: the wall clock.
        stamped: the newest moment of each kind that the lake holds: of a row, of a gap, of a resumption; None if it
            holds none.
    """
    behind = [moment + 2 * _MILLISECOND for moment in stamped if moment is not None]
    chosen = max([now, *behind])
    return chosen.replace(microsecond=chosen.microsecond // 1000 * 1000)
