"""The rows of one event in the lake, found by its id: in the files of one hour, or in the bytes of the quarantine.

A venue numbers its messages in the order of their times, and an hour's receipts come last in it; see
``simulator.journal``. So the hour of a number is the first one whose receipts reach it, which a binary search finds in
a few small files. What is not where its number says is looked for in all files of its run.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simulator.events import FIELDS, EventType
from streaming.exceptions import UnknownEvent
from streaming.hour import Hour
from streaming.lake.duckdb_files import HIVE_TYPES, able_to_read
from streaming.lake.forgotten_runs import may_have_rows
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import LakeFile, Snapshot
from streaming.storage import arrow_filesystem

#: Characters of which ids are made: one before an id in a message's bytes makes it another id, as a digit behind it.
_OF_IDS: Final = rb"[A-Za-z0-9._-]"

#: Python converts no number of more than 4300.
_MOST_DIGITS: Final = 1_000

_ROWS: Final = f"""
select *
from read_parquet(?, union_by_name = true, filename = true, hive_partitioning = true, hive_types = {HIVE_TYPES})
where event_id = ?
order by topic, kafka_partition, kafka_offset
"""  # noqa: S608 our own types

_FIELDS: Final = tuple(each.name for each in FIELDS)

_QUARANTINED: Final = ("topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "ingested_at", "raw", "reason")


@dataclass(frozen=True, slots=True)
class EventName:
    """An event as a person names it: by its id, and by run and venue where several have an event of that id."""

    event_id: str
    run_id: str | None = None
    venue_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be an id.

        Raises:
            UnknownEvent: It is not ``<run_id>-<venue_id>-<sequence>``.
        """
        number = self.event_id.rpartition("-")[2]
        if not (self.run_ids and self.event_id.isprintable() and _is_number(number)):
            raise UnknownEvent(
                f"Invalid event id {self.event_id!r}; expected <run_id>-<venue_id>-<sequence>, for example "
                "original-4c175d0bcd-venue-1-123."
            )

    @property
    def prefix(self) -> str:
        """The part of the id that all events of its venue share."""
        return self.event_id[: self.event_id.rindex("-") + 1]

    @property
    def number(self) -> int:
        """The sequence number."""
        return int(self.event_id.rpartition("-")[2])

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs that the event may be of: run and venue may contain '-', too."""
        parts = self.event_id.split("-")[:-1]
        splits = (("-".join(parts[:end]), "-".join(parts[end:])) for end in range(1, len(parts)))
        return tuple(
            run
            for run, venue in splits
            if run and venue and self.run_id in {None, run} and self.venue_id in {None, venue}
        )

    def is_of(self, run_id: str, venue_id: str) -> bool:
        """Return whether it may be an event of this run and venue."""
        return self.prefix == f"{run_id}-{venue_id}-" and run_id in self.run_ids

    def number_of(self, event_id: str) -> int | None:
        """Return the number of another event of the same venue; None if it is not one."""
        number = event_id.removeprefix(self.prefix)
        return int(number) if number != event_id and _is_number(number) else None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One row of the lake: a message as it came at one offset."""

    topic: str
    partition: int
    offset: int
    kafka_timestamp: datetime
    ingested_at: datetime
    file: LakeFile
    reason: str | None = None  #: the first rule that it breaks; None of a valid one
    fields: Mapping[str, Any] = field(default_factory=dict)  #: the contract's, without nulls; none if quarantined

    @property
    def identity(self) -> tuple[str, str]:
        """Run and venue of a valid message."""
        return self.fields["run_id"], self.fields["venue_id"]


@dataclass(frozen=True, slots=True)
class FoundMessages:
    """What the lake has of an event."""

    valid: tuple[StoredMessage, ...] = ()  #: its copies, by topic, partition and offset
    quarantined: tuple[StoredMessage, ...] = ()  #: messages with its id in their bytes that break the contract
    newest_number: int | None = None  #: of a receipt of its venue, where no valid message was found; None: no receipts


def find_messages(snapshot: Snapshot, name: EventName) -> FoundMessages:
    """Return all rows of an event.

    Copies are looked for in the event's hour; messages of the quarantine in the hours in which the event came, and in
    all hours where it did not come.

    Args:
        snapshot: The version of the lake.
        name: The event.
    """
    receipts = _Receipts(snapshot, name)
    valid = _valid(snapshot, name, receipts)
    arrived = {Hour.containing(message.kafka_timestamp) for message in valid} or None
    return FoundMessages(
        valid=tuple(valid),
        quarantined=tuple(_quarantined(snapshot, name, arrived)),
        newest_number=None if valid else receipts.newest_number(),
    )


def receipts_of(snapshot: Snapshot, hour: Hour, run_id: str, venue_id: str, event_type: str) -> list[StoredMessage]:
    """Return the receipts that count the events of one type of an hour; usually there is one."""
    files = [file for file in snapshot.files(hour) if file.event_type == EventType.HOUR_CLOSED]
    condition = "where run_id = ? and venue_id = ? and of_event_type = ?"
    query = _ROWS.replace("where event_id = ?", condition)
    return list(_rows(snapshot, files, query, [run_id, venue_id, event_type]))


def _valid(snapshot: Snapshot, name: EventName, receipts: "_Receipts") -> list[StoredMessage]:
    files = [file for file in snapshot.files() if file.event_type != QUARANTINE and _may_have(file, name)]
    hours = receipts.hours_of_number({file.hour for file in files})
    return _named(snapshot, [file for file in files if file.hour in hours], name) or _named(
        snapshot, [file for file in files if file.hour not in hours], name
    )


def _named(snapshot: Snapshot, files: list[LakeFile], name: EventName) -> list[StoredMessage]:
    rows = _rows(snapshot, files, _ROWS, [name.event_id])
    return [row for row in rows if name.is_of(*row.identity)]


def _rows(snapshot: Snapshot, files: list[LakeFile], query: str, values: list[str]) -> Iterator[StoredMessage]:
    if not files:
        return
    by_path = {snapshot.uri(file): file for file in files}
    with able_to_read(duckdb.connect(), snapshot.root) as connection:
        found = connection.execute(query, [list(by_path), *values])
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    for row in rows:
        fields = {each: _in_utc(row[each]) for each in _FIELDS if row.get(each) is not None}
        yield _message(row, by_path[row["filename"]], fields)


def _message(row: Mapping[str, Any], file: LakeFile, fields: Mapping[str, Any]) -> StoredMessage:
    return StoredMessage(
        topic=row["topic"],
        partition=row["kafka_partition"],
        offset=row["kafka_offset"],
        kafka_timestamp=_in_utc(row["kafka_timestamp"]),
        ingested_at=_in_utc(row["ingested_at"]),
        file=file,
        reason=row["reason"],
        fields=fields,
    )


def _quarantined(snapshot: Snapshot, name: EventName, hours: set[Hour] | None) -> Iterator[StoredMessage]:
    """Yield the messages of ``hours`` of arrival, None for all, with the event's id in their bytes."""
    wanted = name.event_id.encode()
    exactly = re.compile(rb"(?<!%b)%b(?![0-9])" % (_OF_IDS, re.escape(wanted)))
    files = [
        file for file in snapshot.files() if file.event_type == QUARANTINE and (hours is None or file.hour in hours)
    ]
    for file in sorted(files, key=lambda file: (file.hour, file.path)):
        rows = _read(snapshot, file, _QUARANTINED)
        rows = rows.filter(pc.fill_null(pc.match_substring(rows["raw"], pattern=wanted), fill_value=False))
        yield from (_message(row, file, {}) for row in rows.to_pylist() if exactly.search(row["raw"]))


def _may_have(file: LakeFile, name: EventName) -> bool:
    return any(may_have_rows(file, run_id) for run_id in name.run_ids)


def _read(snapshot: Snapshot, file: LakeFile, columns: Iterable[str]) -> pa.Table:
    filesystem = arrow_filesystem(snapshot.root)
    return pq.read_table(snapshot.uri(file), columns=list(columns), partitioning=None, filesystem=filesystem)


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


class _Receipts:
    """The numbers of the receipts of an event's venue; an hour's are read once."""

    def __init__(self, snapshot: Snapshot, name: EventName) -> None:
        self._snapshot = snapshot
        self._name = name
        self._last: dict[Hour, int | None] = {}
        files = (file for file in snapshot.files() if file.event_type == EventType.HOUR_CLOSED)
        self._hours = sorted({file.hour for file in files if _may_have(file, name)})

    def hours_of_number(self, hours: set[Hour]) -> set[Hour]:
        """Return the hour of the event's number; if no receipts reach it, those of ``hours`` that have none yet."""
        found = None
        low, high = 0, len(self._hours)
        while low < high:
            middle = (low + high) // 2
            # hours may lack the venue's receipts: the next one that has some tells as much
            at = next((at for at in range(middle, high) if self._last_of(self._hours[at]) is not None), None)
            if at is None:
                high = middle
            elif (self._last_of(self._hours[at]) or 0) >= self._name.number:
                found, high = self._hours[at], middle
            else:
                low = at + 1
        if found is not None:
            return {found}
        newest = next((hour for hour in reversed(self._hours) if self._last_of(hour) is not None), None)
        return {hour for hour in hours if newest is None or hour > newest}

    def newest_number(self) -> int | None:
        """Return the largest number of a receipt of the venue; None if there is none."""
        return next((last for hour in reversed(self._hours) if (last := self._last_of(hour)) is not None), None)

    def _last_of(self, hour: Hour) -> int | None:
        if hour not in self._last:
            self._last[hour] = max(self._numbers(hour), default=None)
        return self._last[hour]

    def _numbers(self, hour: Hour) -> Iterator[int]:
        for file in self._snapshot.files(hour):
            if file.event_type == EventType.HOUR_CLOSED and _may_have(file, self._name):
                rows = _read(self._snapshot, file, ["run_id", "venue_id", "event_id"])
                for run_id, venue_id, event_id in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                    number = self._name.number_of(event_id) if self._name.is_of(run_id, venue_id) else None
                    if number is not None:
                        yield number
