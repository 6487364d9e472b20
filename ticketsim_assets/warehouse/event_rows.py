"""The rows of one event in the warehouse: in raw.events and facts, and those of its venue and hour in other marts."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streaming.hour import Hour
from ticketsim_assets.warehouse.protocol import Reader

Row = dict[str, Any]

_BY_EVENT = ("run_id", "venue_id", "event_id")
_BY_VENUE = ("run_id", "venue_id")


@dataclass(frozen=True, slots=True)
class EventKey:
    """An event's identity, and the hour in which it is filed."""

    run_id: str
    venue_id: str
    event_id: str
    hour: Hour

    @property
    def _values(self) -> Row:
        start = self.hour.start.replace(tzinfo=None)
        names = {"run_id": self.run_id, "venue_id": self.venue_id, "event_id": self.event_id, "hour_start": start}
        return {**names, "event_date": self.hour.date, "event_hour": start.hour}

    def condition(self, names: Sequence[str]) -> tuple[str, list[Any]]:
        """Return the condition that the columns ``names`` are the event's, and its parameters."""
        return " and ".join(f"{name} = ?" for name in names), [self._values[name] for name in names]


def rows_of_event(reader: Reader, table: str, key: EventKey) -> list[Row]:
    """Return the rows of an event in a table with its id and ``event_date``; none if the warehouse lacks the table."""
    return _rows(reader, table, key, ("event_date", *_BY_EVENT))


def rows_of_hour(reader: Reader, table: str, key: EventKey, columns: Set[str]) -> int:
    """Count the rows of an event's hour, run and venue in a table, as far as it has ``columns`` for them."""
    names = [name for name in ("event_date", "hour_start", *_BY_VENUE) if name in columns]
    if not names or not reader.has(table):
        return 0
    condition, values = key.condition(names)
    query = f"select count(*) from {reader.named(table)} where {condition}"  # noqa: S608 our own names
    return int(reader.execute(query, values).fetchall()[0][0])


def reconciliation_of(reader: Reader, view: str, key: EventKey, event_type: str) -> Row | None:
    """Return the row of ``raw.reconciliation`` that compares an event's type in its hour; None if there is none."""
    rows = _rows(reader, view, key, ("event_date", "hour_start", *_BY_VENUE))
    return next((row for row in rows if row["event_type"] == event_type), None)


def wrong_in_hour(reader: Reader, view: str, key: EventKey) -> int:
    """Count the pairs of venue and event type of an event's hour that differ from their receipts, of all runs."""
    return sum(row["state"] == "wrong" for row in _rows(reader, view, key, ("event_date", "hour_start")))


def _rows(reader: Reader, table: str, key: EventKey, names: Sequence[str]) -> list[Row]:
    if not reader.has(table):
        return []
    condition, values = key.condition(names)
    found = reader.execute(f"select * from {reader.named(table)} where {condition}", values)  # noqa: S608 our own names
    columns = [column[0] for column in found.description]
    return [{name: _aware(value) for name, value in zip(columns, row, strict=True)} for row in found.fetchall()]


def _aware(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
