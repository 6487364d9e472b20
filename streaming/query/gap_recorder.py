"""The recorder of offset gaps: what a batch was to read and has no row for, Kafka is asked about."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pyspark.sql import SparkSession
from upath import UPath

from streaming.exceptions import BrokerUnreachable
from streaming.kafka.readable import offsets_without_record
from streaming.kafka.topic_ids import topic_ids
from streaming.lake.committed_offsets import committed_spans
from streaming.lake.losses import Losses, read_losses
from streaming.lake.offset_gaps import OffsetGap, OffsetGaps, read_gaps, record_gaps
from streaming.lake.reader import Lake
from streaming.offset_span import Span, offsets_in, without
from streaming.query.batch_log import Batch
from streaming.query.checkpoint import batch_spans
from streaming.query.clock import Clock, not_before
from streaming.query.partition_positions import ids_of_lake
from streaming.query.start_position import newest_committed_batch
from streaming.topic_partition import TopicPartition

log = logging.getLogger("streaming")

#: Batches whose gaps a stream that was killed may not have recorded: it does so within seconds of their commit.
_UNRECORDED_BATCHES: Final = 5


def find_gaps(bootstrap: str, lake: Lake, within: Mapping[str, Span], clock: Clock) -> list[OffsetGap]:
    """Return the offsets in ``within`` that have neither a row in the lake nor a record in Kafka, unless recorded.

    Args:
        bootstrap: Kafka's bootstrap servers.
        lake: The lake; it need not exist.
        within: The offsets to look at, per ``topic/partition``.
        clock: The clock that stamps rows.

    Raises:
        BrokerUnreachable, TopicMissing: The broker does not answer, or lacks a topic.
    """
    if not within or not lake.exists():
        return []
    losses = read_losses(lake)
    rows = committed_spans(lake, losses, within)
    holes = {name: without([_in_present_log(name, span, losses)], rows.get(name, ())) for name, span in within.items()}
    return _confirmed(bootstrap, lake, losses, holes, clock)


def _in_present_log(name: str, span: Span, losses: Losses) -> Span:
    newest = losses.newest(name)
    return Span(max(span.first, newest.resumes_at), span.end) if newest else span


def _confirmed(
    bootstrap: str, lake: Lake, losses: Losses, holes: Mapping[str, Sequence[Span]], clock: Clock
) -> list[OffsetGap]:
    """Return the parts of ``holes`` that are not recorded, and of which Kafka has no record."""
    recorded = read_gaps(lake).spans_now(losses)
    unexplained = {name: without(spans, recorded.get(name, ())) for name, spans in holes.items()}
    asked = _of_known_topics(bootstrap, lake, losses, {name: spans for name, spans in unexplained.items() if spans})
    found_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=not_before(losses.resumed_at, clock)())
    return [
        OffsetGap(*TopicPartition.parse(name), span.first, span.end, found_at)
        for name, spans in offsets_without_record(bootstrap, asked).items()
        for span in spans
    ]


def find_unrecorded_gaps(bootstrap: str, lake: Lake, checkpoint: UPath, clock: Clock) -> list[OffsetGap]:
    """Return what ``find_gaps`` finds in the newest batches that were committed: the stream may have been killed."""
    newest = newest_committed_batch(checkpoint, lake)
    if newest is None:
        return []
    first = max(0, newest + 1 - _UNRECORDED_BATCHES)
    return find_gaps(bootstrap, lake, batch_spans(checkpoint, first, newest), clock)


def find_all_gaps(bootstrap: str, lake: Lake, clock: Clock) -> list[OffsetGap]:
    """Return what ``find_gaps`` finds between the rows of the whole lake; reads three columns of it."""
    if not lake.exists():
        return []
    losses = read_losses(lake)
    between = {
        name: without([Span(spans[0].first, spans[-1].end)], spans)
        for name, spans in committed_spans(lake, losses).items()
    }
    return _confirmed(bootstrap, lake, losses, between, clock)


def _of_known_topics(bootstrap: str, lake: Lake, losses: Losses, holes: dict[str, list[Span]]) -> dict[str, list[Span]]:
    """Leave out topics that are not those that the lake was filled from: their offsets are others."""
    if not holes:
        return {}
    known = ids_of_lake(lake, losses)
    ids = topic_ids(bootstrap)
    return {
        name: spans
        for name, spans in holes.items()
        if ids.get(topic := TopicPartition.parse(name).topic) == known.get(topic)
    }


class GapRecorder:
    """Records the gaps of a running stream, which holds the lake's lease."""

    def __init__(self, spark: SparkSession, bootstrap: str, lake: Lake, checkpoint: UPath, clock: Clock) -> None:
        """Record into ``lake`` by ``spark`` what the query with this ``checkpoint`` does not find in Kafka."""
        self._spark = spark
        self._bootstrap = bootstrap
        self._lake = lake
        self._checkpoint = checkpoint
        self._clock = clock
        self._first_open: int | None = None

    def record_unrecorded(self) -> None:
        """Record the gaps that an earlier run of the stream may have left unrecorded."""
        self._record(find_unrecorded_gaps(self._bootstrap, self._lake, self._checkpoint, self._clock))

    def record_all(self) -> None:
        """Record the gaps between the rows of the whole lake."""
        self._record(find_all_gaps(self._bootstrap, self._lake, self._clock))

    def record_after(self, batches: Sequence[Batch]) -> None:
        """Record the gaps of the batches that were committed; looks no further if each offset of them has a row."""
        if not batches:
            return
        first = batches[0].batch if self._first_open is None else self._first_open
        within = batch_spans(self._checkpoint, first, batches[-1].batch)
        if self._first_open is None and offsets_in(within.values()) == sum(batch.rows for batch in batches):
            return
        try:
            self._record(find_gaps(self._bootstrap, self._lake, within, self._clock))
        except BrokerUnreachable as error:
            log.warning("Offsets without a record will be recorded with the next batch: %s", error)
            self._first_open = first
        else:
            self._first_open = None

    def _record(self, gaps: Sequence[OffsetGap]) -> None:
        if gaps:
            record_gaps(self._spark, self._lake, gaps)
            log.info("Kafka holds no record at %d offsets that the stream has passed", OffsetGaps.of(gaps).offsets)
