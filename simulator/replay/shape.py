"""The format of an event in the log: its keys and their values."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from reprlib import repr as shortened
from typing import Any, Final, NamedTuple

from simulator.events import EventType

_MINUTE_US: Final = 60_000_000

#: A hundred years: the contract cannot express later times.
_MOST_MINUTES: Final = 100 * 366 * 24 * 60

#: JSON readers that store numbers as doubles still distinguish such ids.
_MOST_ID: Final = 2**53

#: Most people in one event, which bounds its memory.
MOST_PEOPLE: Final = 100_000


class InvalidEvent(ValueError):
    """An event has the wrong format; says what was found and what is expected, without the event's position."""


class Recorded(NamedTuple):
    """One event of the log; times are microseconds since the log's beginning."""

    kind: EventType
    began_us: int
    ended_us: int
    people: list[int]  #: ids as in the log, in ascending order; one in a scanner line, possibly none on a bus
    bus_id: int | None  #: of a bus_arrival
    line: int | None  #: of all others, from 1


@dataclass(frozen=True, slots=True)
class _Shape:
    """Keys of an event of one kind."""

    kind: EventType
    who: str  #: key of the people
    line: str | None  #: key of the line
    keys: frozenset[str]


def _shape(kind: EventType, who: str, *others: str) -> _Shape:
    line = next((key for key in others if key.endswith("Line")), None)
    return _Shape(kind, who, line, frozenset({"event", "time", who, *others}))


_SHAPES: Final = {
    shape.kind.upper(): shape
    for shape in (
        _shape(EventType.BUS_ARRIVAL, "peopleCreated", "busId"),
        _shape(EventType.WALK_TO_SELLER, "people", "sellerLine", "duration"),
        _shape(EventType.WAIT_IN_SELLER_LINE, "people", "sellerLine", "duration"),
        _shape(EventType.BUY_TICKETS, "people", "sellerLine", "duration"),
        _shape(EventType.WALK_TO_SCANNER, "person", "scannerLine", "duration"),
        _shape(EventType.WAIT_IN_SCANNER_LINE, "person", "scannerLine", "duration"),
        _shape(EventType.SCAN_TICKETS, "person", "scannerLine", "duration"),
    )
}


def as_recorded(event: Mapping[str, Any]) -> Recorded:
    """Convert a JSON object of the log to an event.

    Raises:
        InvalidEvent: The object has the wrong keys, or a value is invalid.
    """
    name = event.get("event")
    shape = _SHAPES.get(name) if isinstance(name, str) else None
    if shape is None:
        raise InvalidEvent(f"'event' is {_found(event, 'event')}, expected one of {', '.join(_SHAPES)}")
    if event.keys() != shape.keys:
        raise _other_keys(event, shape)
    time = _minutes(event, "time")
    began = round(time * _MINUTE_US)
    if shape.line is None:
        return Recorded(shape.kind, began, began, _people(event, shape.who), _id(event, "busId"), None)
    ended = round((time + _minutes(event, "duration")) * _MINUTE_US)
    people = [_id(event, shape.who)] if shape.who == "person" else _people(event, shape.who)
    if not people:
        raise InvalidEvent(f"'{shape.who}' is [], expected at least one person")
    return Recorded(shape.kind, began, ended, people, None, _line(event, shape.line))


def _other_keys(event: Mapping[str, Any], shape: _Shape) -> InvalidEvent:
    name = shape.kind.upper()
    missing = sorted(shape.keys - event.keys())
    if missing:
        return InvalidEvent(f"'{missing[0]}' is missing, expected in every {name}")
    unknown = sorted(event.keys() - shape.keys)[0]
    return InvalidEvent(
        f"{shortened(unknown)} is {_found(event, unknown)}, but a {name} has only {', '.join(sorted(shape.keys))}"
    )


def _minutes(event: Mapping[str, Any], key: str) -> float:
    value = event[key]
    if type(value) not in {int, float} or not 0 <= value <= _MOST_MINUTES:
        raise InvalidEvent(f"'{key}' is {_found(event, key)}, expected minutes from 0 to {_MOST_MINUTES}")
    return float(value)


def _id(event: Mapping[str, Any], key: str) -> int:
    value = event[key]
    if not _is_id(value):
        raise InvalidEvent(f"'{key}' is {_found(event, key)}, expected a whole number from 0")
    return int(value)


def _line(event: Mapping[str, Any], key: str) -> int:
    value = event[key]
    if type(value) is not int or value < 1:
        raise InvalidEvent(f"'{key}' is {_found(event, key)}, expected a whole number: lines count from 1")
    return value


def _people(event: Mapping[str, Any], key: str) -> list[int]:
    people = event[key]
    if not isinstance(people, list) or not all(map(_is_id, people)):
        raise InvalidEvent(f"'{key}' is {_found(event, key)}, expected a list of whole numbers from 0")
    people = sorted(people)
    for one, next_one in pairwise(people):
        if one == next_one:
            raise InvalidEvent(f"'{key}' names person {one} twice, expected each once")
    return people


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST_ID


def _found(event: Mapping[str, Any], key: str) -> str:
    return shortened(event[key]) if key in event else "missing"
