"""The events behind what is wrong: their numbers tell which are missing or doubled, the lake which differ.

A venue numbers its messages 1, 2, 3 ... in the order of their times, and an hour's receipts come last in it. So the
numbers of an hour are those after the receipts of the hour before, up to its own receipts; see ``simulator.journal``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, Literal

import duckdb

from simulator.events import FIELDS, EventType
from streaming.hour import Hour
from streaming.lake.duckdb_files import HIVE_TYPES, able_to_read
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Snapshot
from ticketsim_assets.checks.reconciliation import Problem
from ticketsim_assets.warehouse.protocol import Reader, Result

#: Hours that are looked into; each costs the rows of its venues, in the warehouse and in the lake.
MOST_HOURS: Final = 48

#: Events that are named of one venue and hour.
MOST_EVENTS: Final = 1000

_COLUMNS: Final = frozenset(each.name for each in FIELDS)

#: Files and tables of an earlier release may lack columns: whatever is there is compared.
_OF_LAKE: Final = f"""
select *
from read_parquet(?, union_by_name = true, hive_partitioning = true, hive_types = {HIVE_TYPES})
qualify row_number() over (partition by run_id, venue_id, event_id order by kafka_offset) = 1
"""  # noqa: S608 our own types

Finding = Literal["missing", "doubled", "changed", "not in the lake", "lost before the lake", "beyond the receipts"]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DifferingEvent:
    """One event of the warehouse that is not as it was sent."""

    run_id: str
    venue_id: str
    hour: datetime  #: UTC
    event_id: str
    event_type: str | None  #: None if no station has the event
    finding: Finding
    fields: Mapping[str, tuple[Any, Any]] = field(
        default_factory=dict
    )  #: changed: the warehouse's and the lake's value

    def __str__(self) -> str:
        """Describe the event in one line."""
        changes = ", ".join(f"{name} is {here}, in the lake {there}" for name, (here, there) in self.fields.items())
        known = f" ({self.event_type})" if self.event_type else ""
        return f"{self.finding}: {self.event_id}{known}{': ' if changes else ''}{changes}"


def differing_events(reader: Reader, snapshot: Snapshot | None, problems: Iterable[Problem]) -> list[DifferingEvent]:
    """Name the events of the hours that are wrong, as far as the lake and their numbers tell.

    Args:
        reader: The warehouse.
        snapshot: The lake; None if it is out of reach: then only numbers are looked at.
        problems: What is wrong, of which the first ``MOST_HOURS`` hours are looked into.

    Returns:
        By hour, run and venue; of each at most ``MOST_EVENTS``.
    """
    venues: dict[Hour, set[tuple[str, str]]] = defaultdict(set)
    for problem in problems:
        if problem.state == "wrong":
            venues[Hour(problem.hour)].add((problem.run_id, problem.venue_id))
    found: list[DifferingEvent] = []
    for hour in sorted(venues)[:MOST_HOURS]:
        here = _by_venue(_of_warehouse(reader, hour))
        there = _by_venue(_of_lake(snapshot, hour)) if snapshot else {}
        before = _newest_receipts(_of_warehouse(reader, hour.previous, receipts_only=True))
        for venue in sorted(venues[hour]):
            compared = _Compared(*venue, hour, here.get(venue, []), there.get(venue, []) if snapshot else None)
            found += islice(compared.findings(before.get(venue)), MOST_EVENTS)
    return found


@dataclass(frozen=True, slots=True)
class _Compared:
    """The rows of one venue and hour in the warehouse, and in the lake if that is within reach."""

    run_id: str
    venue_id: str
    hour: Hour
    here: Sequence[Row]
    there: Sequence[Row] | None

    def findings(self, newest_before: int | None) -> Iterator[DifferingEvent]:
        """Yield what differs; ``newest_before`` is the last number of the hour before, None if that is unknown."""
        rows = {row["event_id"]: row for row in self.here}
        in_lake = {row["event_id"]: row for row in self.there or ()}
        for event_id, times in Counter(row["event_id"] for row in self.here).items():
            if times > 1:
                yield self._finding("doubled", event_id, rows[event_id]["event_type"])
        if self.there is not None:
            for event_id in sorted(in_lake.keys() - rows.keys(), key=_in_order):
                yield self._finding("missing", event_id, in_lake[event_id]["event_type"])
            for event_id in sorted(rows.keys() - in_lake.keys(), key=_in_order):
                yield self._finding("not in the lake", event_id, rows[event_id]["event_type"])
            for event_id in sorted(rows.keys() & in_lake.keys(), key=_in_order):
                changed = _changes(rows[event_id], in_lake[event_id])
                if changed:
                    yield self._finding("changed", event_id, in_lake[event_id]["event_type"], changed)
        last = _newest_receipts([*self.here, *(self.there or ())]).get((self.run_id, self.venue_id))
        if last is None:
            return
        numbers = {event_id: self._number(event_id) for event_id in {*rows, *in_lake} if event_id}
        known = {number for number in numbers.values() if number is not None}
        first = newest_before + 1 if newest_before is not None else min(known, default=last)
        finding: Finding = "missing" if self.there is None else "lost before the lake"
        for lost in sorted(set(range(first, last)) - known):
            yield self._finding(finding, f"{self.run_id}-{self.venue_id}-{lost}", None)
        for event_id, number in sorted(numbers.items()):
            if event_id in in_lake and event_id in rows and (number is None or not first <= number <= last):
                yield self._finding("beyond the receipts", event_id, rows[event_id]["event_type"])

    def _number(self, event_id: str) -> int | None:
        return _number(event_id.removeprefix(f"{self.run_id}-{self.venue_id}-"))

    def _finding(
        self,
        finding: Finding,
        event_id: str,
        event_type: str | None,
        fields: Mapping[str, tuple[Any, Any]] | None = None,
    ) -> DifferingEvent:
        return DifferingEvent(self.run_id, self.venue_id, self.hour.start, event_id, event_type, finding, fields or {})


def _of_warehouse(reader: Reader, hour: Hour, *, receipts_only: bool = False) -> list[Row]:
    kind = f" and event_type = '{EventType.HOUR_CLOSED}'" if receipts_only else ""
    return _rows(
        reader.execute(
            f"select * from {reader.named('raw.events')} where event_date = ? and event_hour = ?{kind}",  # noqa: S608 our own names
            [hour.date, hour.start.hour],
        )
    )


def _of_lake(snapshot: Snapshot, hour: Hour) -> list[Row]:
    files = [snapshot.uri(file) for file in snapshot.files(hour) if file.event_type != QUARANTINE]
    if not files:
        return []
    with able_to_read(duckdb.connect(), files[0]) as connection:
        return _rows(connection.execute(_OF_LAKE, [files]))


def _rows(found: Result) -> list[Row]:
    """Return the contract's columns of each row by name; times without a time zone, as both engines return UTC."""
    names = [column[0] for column in found.description]
    return [
        {
            name: value.astimezone(UTC).replace(tzinfo=None) if _has_zone(value) else value
            for name, value in zip(names, row, strict=True)
            if name in _COLUMNS
        }
        for row in found.fetchall()
    ]


def _has_zone(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _by_venue(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["run_id"], row["venue_id"]].append(row)
    return found


def _newest_receipts(rows: Iterable[Row]) -> dict[tuple[str, str], int]:
    """Return the largest number of a receipt, per run and venue."""
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        number = _number(str(row["event_id"]).rpartition("-")[2])
        if row["event_type"] == EventType.HOUR_CLOSED and number is not None:
            venue = row["run_id"], row["venue_id"]
            found[venue] = max(found.get(venue, 0), number)
    return found


def _changes(here: Row, there: Row) -> dict[str, tuple[Any, Any]]:
    return {name: (here[name], there[name]) for name in here if name in there and here[name] != there[name]}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _in_order(event_id: str) -> tuple[int, str]:
    return _number(str(event_id).rpartition("-")[2]) or 0, str(event_id)
