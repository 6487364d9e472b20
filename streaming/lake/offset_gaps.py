"""Offset gaps: offsets at which Kafka holds no record that can be read, so that the lake has no row for them.

The end of a transaction takes an offset of its own, the records of an aborted one are never delivered (Kafka's KIP-98),
and compaction removes records. None of it is a loss. What the stream finds between the rows of a batch it asks Kafka
about (`streaming.kafka.readable`), and what Kafka confirms it records in a table of its own, ``<lake>/offset_gaps``. A
gap is a fact about Kafka's log and does not depend on the lake, so it may be recorded at any time, and twice. See
docs/decisions/0017-offsets-without-a-record.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from streaming.lake.losses import Losses
from streaming.lake.reader import Lake
from streaming.lake.record_table import append_records, read_records
from streaming.offset_span import Span, merged, offsets_in
from streaming.topic_partition import TopicPartition

if TYPE_CHECKING:  # importing Spark takes a second, and who only looks needs none
    from pyspark.sql import SparkSession

#: The table's folder below the lake's root.
GAPS_TABLE: Final = "offset_gaps"

_SCHEMA: Final = pa.schema(
    [
        ("topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("first_offset", pa.int64()),
        ("end_offset", pa.int64()),
        ("found_at", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True, slots=True)
class OffsetGap:
    """Offsets of one partition without a record; fields in the order of the table's columns."""

    topic: str
    partition: int
    first: int
    end: int  #: one past the last offset
    found_at: datetime  #: by the clock of ``ingested_at``: it says to which log of the partition the offsets belong


@dataclass(frozen=True, slots=True)
class OffsetGaps:
    """All gaps recorded for a lake, per ``topic/partition``."""

    of_place: Mapping[str, tuple[OffsetGap, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, gaps: Iterable[OffsetGap]) -> "OffsetGaps":
        """Sort ``gaps`` by partition."""
        found: dict[str, list[OffsetGap]] = {}
        for gap in gaps:
            found.setdefault(str(TopicPartition(gap.topic, gap.partition)), []).append(gap)
        return cls({name: tuple(of_place) for name, of_place in found.items()})

    def __bool__(self) -> bool:
        return bool(self.of_place)

    def __iter__(self) -> Iterator[OffsetGap]:
        for of_place in self.of_place.values():
            yield from of_place

    def and_also(self, gaps: Iterable[OffsetGap]) -> "OffsetGaps":
        """Return these gaps and ``gaps``."""
        return OffsetGaps.of([*self, *gaps])

    def spans(self, place: str, losses: Losses, log: int) -> list[Span]:
        """Return the offsets without a record in one log of a partition, in order, none twice.

        Args:
            place: ``topic/partition``.
            losses: What was recorded as lost; each loss ends one log and begins the next.
            log: How many losses of the partition were recorded before the log.
        """
        began = [loss.resumed_at for loss in losses.of_place.get(place, ())]
        return merged(
            Span(gap.first, gap.end)
            for gap in self.of_place.get(place, ())
            if sum(moment <= gap.found_at for moment in began) == log
        )

    def spans_now(self, losses: Losses) -> dict[str, list[Span]]:
        """Return the offsets without a record in the present log of each partition that has some."""
        found = {name: self.spans(name, losses, len(losses.of_place.get(name, ()))) for name in self.of_place}
        return {name: spans for name, spans in found.items() if spans}

    @property
    def offsets(self) -> int:
        """The number of offsets in all gaps; one that was found twice counts once."""
        return sum(
            offsets_in(merged(Span(gap.first, gap.end) for gap in of_place)) for of_place in self.of_place.values()
        )

    @property
    def found_at(self) -> datetime | None:
        """When the newest gap was found; None if there is none."""
        return max((gap.found_at for gap in self), default=None)


def gaps_uri(lake: Lake) -> str:
    """Return the location of the table."""
    return f"{lake.root.rstrip('/')}/{GAPS_TABLE}"


def read_gaps(lake: Lake) -> OffsetGaps:
    """Return what has been recorded; a lake whose producers use no transactions has no such table."""
    return OffsetGaps.of(OffsetGap(*values) for values in read_records(gaps_uri(lake), _SCHEMA))


def record_gaps(spark: "SparkSession", lake: Lake, gaps: Iterable[OffsetGap]) -> None:
    """Append ``gaps`` in one commit, creating the table with the first; the caller holds the lake's lease."""
    append_records(spark, gaps_uri(lake), _SCHEMA, gaps)
