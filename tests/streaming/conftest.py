"""Messages, good and bad, for all tests of the stream."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from simulator.events import EVENT_TYPES, FIELDS, HOUR_US, SCHEMA_VERSION, EventType, hour_start_us

Message = dict[str, Any]


@dataclass(frozen=True)
class Garbage:
    """A message that breaks the contract, and how."""

    topic: str
    value: bytes | None
    reason: str


def _good(event_type: EventType, number: int, ended_us: int) -> Message:
    message: Message = {
        "event_type": event_type.value,
        "schema_version": SCHEMA_VERSION,
        "event_id": f"run-north-{number}",
        "run_id": "run",
        "venue_id": "north",
    }
    if event_type is EventType.HOUR_CLOSED:
        hour = hour_start_us(ended_us) - HOUR_US
        return message | {
            "event_time": hour + HOUR_US - 1,
            "hour_start": hour,
            "of_event_type": "buy_tickets",
            "event_count": 3,
            "duration_us": 180_000_000,
            "servers": 6,
            "run_venues": 1,
            "final": False,
        }
    message |= {
        "event_time": ended_us,
        "started_at": ended_us - 60_000_000,
        "arrived_at": ended_us - 90_000_000,
        "bus_id": 1,
        "first_visitor_id": number,
        "party_size": 2,
    }
    if event_type is EventType.BUS_ARRIVAL:
        return message | {"started_at": ended_us, "arrived_at": ended_us}
    message |= {"group_id": number, "channel": "box_office", "line": 1}
    return message | {"amount_cents": 5_000} if event_type is EventType.BUY_TICKETS else message


@pytest.fixture(scope="session")
def good() -> Callable[[EventType, int, int], Message]:
    """A valid message of a type, numbered, that ended at a time (microseconds)."""
    return _good


@pytest.fixture(scope="session")
def garbage() -> Callable[[int], list[Garbage]]:
    """One message of every kind that must be refused, given the present time (microseconds)."""
    return _garbage


#: Ids that are not those of run `run` and venue `north`, each a legal string.
_FOREIGN_IDS = (
    *("1", "run-north", "run-north-", "run-north-x", "run-north--1", "run-north-1 ", " run-north-1", "run-north-1-2"),
    *("run-south-1", "run-nort-1", "Run-north-1", "run north 1", "run-north-\u0661", "run-north-1.0", "run-north-+1"),
)


def _garbage(now_us: int) -> list[Garbage]:
    kind = EventType.BUY_TICKETS
    message = _good(kind, 0, now_us)
    text = json.dumps(message).encode()

    def changed(**changes: Any) -> bytes:
        return json.dumps(message | changes).encode()

    def without(name: str) -> bytes:
        return json.dumps({key: value for key, value in message.items() if key != name}).encode()

    malformed = [
        b"\x8f\x02\x00\xfe random \xc3",
        b"",
        None,
        b" ",
        text[: len(text) // 2],
        text[:-1],
        text + text,
        text + b" x",
        text + b"\x00",
        b"\xef\xbb\xbf" + text,
        text.replace(b'"', b"'"),
        text.replace(b"north", b"n\xffrth"),
        text[:-1] + b', "note": "\xff"}',
        text[:-1] + b', "n\xffte": 1}',
        text[:-1] + b', "note": "\\ud800"}',
        text[:-1] + b', "note": NaN}',
        text[:-1] + b', "note": 01}',
        text[:-1] + b',}',
        text[:-1] + b', "note": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[" + text + b"]",
        b"42",
        b"null",
        b'"text"',
    ]  # fmt: skip
    broken = {
        "missing_field:event_type": [without("event_type"), changed(event_type=None)],
        "bad_value:event_type": [changed(event_type=7), changed(event_type=["buy_tickets"])],
        "unknown_event_type": [
            changed(event_type="fly_away"),
            changed(event_type="quarantine"),
            changed(event_type=""),
        ],
        "wrong_topic": [changed(event_type="scan_tickets"), b'{"event_type": "hour_closed"}'],
        "missing_field:schema_version": [without("schema_version"), changed(schema_version=None)],
        "bad_value:schema_version": [changed(schema_version="1"), changed(schema_version=1.0)],
        "unknown_schema_version": [changed(schema_version=2), changed(schema_version=2**70)],
        "missing_field:event_id": [b'{"event_type": "buy_tickets", "schema_version": 1, "line": "x"}'],
        "missing_field:line": [without("line"), changed(line=None, event_id=7)],
        "missing_field:amount_cents": [without("amount_cents")],
        "bad_value:event_id": [
            *(changed(event_id=5), changed(event_id=""), changed(event_id=5, line="x")),
            *(changed(event_id=event_id) for event_id in _FOREIGN_IDS),
            changed(run_id="other"),
            changed(venue_id="south", started_at=now_us + 1),
        ],
        "bad_value:party_size": [changed(party_size="2"), changed(party_size=0), changed(party_size=2.0)],
        "bad_value:line": [changed(line=True), changed(line={"n": 1}), changed(line=2**63)],
        "bad_value:channel": [changed(channel="street"), changed(channel=1)],
        "bad_value:hour_start": [changed(hour_start=now_us)],
        "bad_value:event_time": [
            changed(event_time=32_503_680_000_000_000),  # the year 3000
            changed(event_time=str(now_us)),
            changed(event_time="2026-11-20T03:00:00Z"),
            changed(event_time=now_us + 2 * HOUR_US),
            changed(event_time=now_us / 1_000_000),
        ],
        "bad_value:started_at": [changed(started_at=now_us + 1), changed(started_at=-1)],
        "bad_value:arrived_at": [changed(arrived_at=now_us + 1)],
    }
    return (
        [Garbage(kind.topic, value, "malformed_json") for value in malformed]
        + [Garbage(kind.topic, value, reason) for reason, values in broken.items() for value in values]
        + [*_every_field(now_us), *_other_types(now_us)]
    )


def _every_field(now_us: int) -> Iterator[Garbage]:
    """Yield each field of the contract absent and of a wrong type, in a message of a type that carries it."""
    for field in FIELDS:
        if field.name == "event_type":
            continue
        kind = next(t for t in reversed(EVENT_TYPES) if t in (field.required or field.optional))
        message = _good(kind, 1, now_us)
        wrong = json.dumps(message | {field.name: ["wrong"]}).encode()
        yield Garbage(kind.topic, wrong, f"bad_value:{field.name}")
        if field.required:
            absent = {name: value for name, value in message.items() if name != field.name}
            yield Garbage(kind.topic, json.dumps(absent).encode(), f"missing_field:{field.name}")


def _other_types(now_us: int) -> Iterator[Garbage]:
    """Yield what only receipts and buses can break."""
    receipt, bus = _good(EventType.HOUR_CLOSED, 2, now_us), _good(EventType.BUS_ARRIVAL, 2, now_us)
    for changes, reason in (
        ({"hour_start": receipt["hour_start"] + 1}, "bad_value:hour_start"),
        ({"event_time": receipt["event_time"] - 1}, "bad_value:event_time"),
        ({"of_event_type": "hour_closed"}, "bad_value:of_event_type"),
        ({"event_count": -1}, "bad_value:event_count"),
        ({"servers": 0}, "bad_value:servers"),
        ({"line": 1}, "bad_value:line"),
    ):
        yield Garbage(EventType.HOUR_CLOSED.topic, json.dumps(receipt | changes).encode(), reason)
    for changes, reason in (
        ({"started_at": bus["event_time"] - 1}, "bad_value:started_at"),
        ({"group_id": 1}, "bad_value:group_id"),
    ):
        yield Garbage(EventType.BUS_ARRIVAL.topic, json.dumps(bus | changes).encode(), reason)
