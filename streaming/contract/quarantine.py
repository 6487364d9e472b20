"""A reader of the quarantine that needs no JVM: what is in it, why, and which messages are valid today."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simulator.events import EVENT_TYPES
from streaming.contract.validation import Accepted, check
from streaming.hour import Hour
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import LakeFile, Snapshot
from streaming.storage import arrow_filesystem

#: Messages may be 8 MiB large: so many are in memory at once.
_BATCH_ROWS: Final = 64

#: The columns needed to validate a message again.
_VALIDATED: Final = ("topic", "kafka_timestamp", "ingested_at", "raw", "reason")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of quarantined messages; by default all of them."""

    reason: str | None = None  #: whole (``bad_value:line``) or up to its colon (``bad_value``)
    topic: str | None = None  #: whole, or the event type that it carries
    first: Hour | None = None  #: hour of arrival, the broker's clock
    last: Hour | None = None  #: included

    @property
    def topics(self) -> tuple[str, ...]:
        """The topic's names in the lake; empty for all."""
        if self.topic is None:
            return ()
        return tuple(t.topic for t in EVENT_TYPES if self.topic == t) or (self.topic,)

    def files(self, snapshot: Snapshot) -> list[LakeFile]:
        """Return the files that may hold selected messages, oldest hour first."""
        files = [file for file in snapshot.files() if file.event_type == QUARANTINE and self._has(file.hour)]
        return sorted(files, key=lambda file: (file.hour, file.path))

    def rows(self, table: pa.Table | pa.RecordBatch) -> Any:
        """Return the selected rows of a table with the columns reason and topic."""
        keep = pc.fill_null(pc.invert(pc.is_null(table["reason"])), fill_value=True)
        if self.reason is not None:
            exact = pc.equal(table["reason"], self.reason)
            keep = pc.or_(exact, pc.starts_with(table["reason"], pattern=f"{self.reason}:"))
        if self.topics:
            keep = pc.and_(keep, pc.equal(table["topic"], self.topics[0]))
        return table.filter(keep)

    def _has(self, hour: Hour) -> bool:
        return (self.first is None or self.first <= hour) and (self.last is None or hour <= self.last)


@dataclass(frozen=True, slots=True)
class Refused:
    """The messages that were refused for one reason."""

    reason: str
    messages: int
    first_arrival: datetime  #: by the broker's clock
    last_arrival: datetime
    hours: int  #: in which they came


@dataclass(frozen=True, slots=True)
class Message:
    """One quarantined message."""

    reason: str
    topic: str
    partition: int
    offset: int
    arrived_at: datetime
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Revalidated:
    """The result of validating quarantined messages against today's contract."""

    examined: int
    valid: Counter[tuple[str, str]]  #: by the reason of their rejection and the event type that they have now
    refused: Counter[str]  #: those that are still invalid, by today's reason


def summarize(snapshot: Snapshot, selection: Selection) -> list[Refused]:
    """Summarise the selected messages by reason, the most frequent first."""
    counts: Counter[str] = Counter()
    arrivals: dict[str, tuple[datetime, datetime]] = {}
    hours: dict[str, set[Hour]] = {}
    for file in selection.files(snapshot):
        rows = selection.rows(
            pq.read_table(
                snapshot.uri(file),
                columns=["reason", "topic", "kafka_timestamp"],
                partitioning=None,
                filesystem=arrow_filesystem(snapshot.root),
            )
        )
        grouped = rows.group_by("reason").aggregate(
            [("kafka_timestamp", "count"), ("kafka_timestamp", "min"), ("kafka_timestamp", "max")]
        )
        for row in grouped.to_pylist():
            reason, first, last = row["reason"], row["kafka_timestamp_min"], row["kafka_timestamp_max"]
            counts[reason] += row["kafka_timestamp_count"]
            before = arrivals.get(reason, (first, last))
            arrivals[reason] = (min(before[0], first), max(before[1], last))
            hours.setdefault(reason, set()).add(file.hour)
    return [Refused(reason, count, *arrivals[reason], len(hours[reason])) for reason, count in counts.most_common()]


def newest_messages(snapshot: Snapshot, selection: Selection, limit: int) -> list[Message]:
    """Return the ``limit`` newest selected messages, newest first; only the hours that hold them are read."""
    found: list[Message] = []
    hour: Hour | None = None
    for file in reversed(selection.files(snapshot)):
        if len(found) >= limit and file.hour != hour:
            break
        hour = file.hour
        columns = ["topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "raw", "reason"]
        for batch in _batches(snapshot, file, columns):
            found += [
                Message(
                    reason=row["reason"],
                    topic=row["topic"],
                    partition=row["kafka_partition"],
                    offset=row["kafka_offset"],
                    arrived_at=row["kafka_timestamp"],
                    value=row["raw"],
                )
                for row in selection.rows(batch).to_pylist()
            ]
            found = sorted(found, key=_newest_first)[:limit]
    return found


def revalidate(snapshot: Snapshot, selection: Selection) -> Revalidated:
    """Validate the selected messages against today's contract, as of the time at which each arrived.

    The stream may have read a message later than its ``kafka_timestamp``, which is the producer's where a topic has
    CreateTime. Then an event that lay ahead of a slow clock no longer does.
    """
    valid: Counter[tuple[str, str]] = Counter()
    refused: Counter[str] = Counter()
    for file in selection.files(snapshot):
        for batch in _batches(snapshot, file, list(_VALIDATED)):
            rows = selection.rows(batch)
            columns = (rows[name].to_pylist() for name in _VALIDATED)
            for topic, sent_at, read_at, value, reason in zip(*columns, strict=True):
                arrived_at = max(sent_at, read_at)
                verdict = check(topic, value, (arrived_at - _EPOCH) // timedelta(microseconds=1))
                if isinstance(verdict, Accepted):
                    valid[reason, str(verdict.values[0])] += 1
                else:
                    refused[verdict.reason] += 1
    return Revalidated(valid.total() + refused.total(), valid, refused)


def _batches(snapshot: Snapshot, file: LakeFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(snapshot.uri(file), filesystem=arrow_filesystem(snapshot.root)) as parquet:
        yield from parquet.iter_batches(_BATCH_ROWS, columns=columns)


def _newest_first(message: Message) -> tuple[float, str, int, int]:
    return (-message.arrived_at.timestamp(), message.topic, message.partition, -message.offset)
