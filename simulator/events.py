"""The event contract: which messages exist, which fields they have and what each field may hold.

This module is the single source of truth for the contract. It needs only the standard library, because every
station reads it: the simulator's messages, the lake's schema, the warehouse's DDL and dbt's sources are each built
from it or checked against it by a test.

A message is one JSON object in UTF-8. Fields whose value is null may be omitted; unknown fields are
ignored. Times are integers: microseconds since the Unix epoch, UTC.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

SCHEMA_VERSION: Final = 1

TOPIC_PREFIX: Final = "ticketsim."

#: Times outside of these are typing errors or overflows, not history: 2000-01-01 and 2100-01-01, UTC.
EARLIEST_TIME_US: Final = 946_684_800_000_000
LATEST_TIME_US: Final = 4_102_444_800_000_000

#: How far an event may lie ahead of the broker's clock: a stopped run sends the receipts of its open hour, whose
#: event_time is the last microsecond of that hour.
MAX_AHEAD_US: Final = 3_600_000_000

HOUR_US: Final = 3_600_000_000


class EventType(StrEnum):
    """The eight event types; the value is used in ``event_type`` and after the topic's prefix."""

    BUS_ARRIVAL = "bus_arrival"
    WALK_TO_SELLER = "walk_to_seller"
    WAIT_IN_SELLER_LINE = "wait_in_seller_line"
    BUY_TICKETS = "buy_tickets"
    WALK_TO_SCANNER = "walk_to_scanner"
    WAIT_IN_SCANNER_LINE = "wait_in_scanner_line"
    SCAN_TICKETS = "scan_tickets"
    HOUR_CLOSED = "hour_closed"

    @property
    def topic(self) -> str:
        """The Kafka topic that carries this type."""
        return TOPIC_PREFIX + self.value


#: The seven types that describe what visitors do, in the order in which a visitor meets them; receipts count them.
ACTIVITY_TYPES: Final[tuple[EventType, ...]] = tuple(t for t in EventType if t is not EventType.HOUR_CLOSED)

EVENT_TYPES: Final[tuple[EventType, ...]] = tuple(EventType)

TOPICS: Final[tuple[str, ...]] = tuple(t.topic for t in EVENT_TYPES)

CHANNELS: Final = ("box_office", "online")

Kind = Literal["string", "int", "time", "bool"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    name: str
    kind: Kind  #: JSON type; ``time`` is an int between EARLIEST_TIME_US and LATEST_TIME_US
    meaning: str
    required: frozenset[EventType] = frozenset()  #: types that must have it
    optional: frozenset[EventType] = frozenset()  #: types that may have it; in all others it must be null
    minimum: int | None = None  #: smallest allowed int
    allowed: tuple[str, ...] = ()  #: allowed strings; empty: any that is not empty


_ALL = frozenset(EVENT_TYPES)
_ACTIVITIES = frozenset(ACTIVITY_TYPES)
_GROUPS = _ACTIVITIES - {EventType.BUS_ARRIVAL}
_RECEIPT = frozenset({EventType.HOUR_CLOSED})
_SALES = frozenset({EventType.BUY_TICKETS})

#: Every field of every message, in the order in which messages are written and violations are reported.
FIELDS: Final[tuple[Field, ...]] = (
    Field("event_type", "string", "what happened; equals the topic's", _ALL, allowed=tuple(EVENT_TYPES)),
    Field("schema_version", "int", "version of this contract", _ALL, minimum=SCHEMA_VERSION),
    Field("event_id", "string", "`<run_id>-<venue_id>-<sequence>`; the same run gives the same ids", _ALL),
    Field("run_id", "string", "one start of the simulator", _ALL),
    Field("venue_id", "string", "the venue; key of the Kafka message", _ALL),
    Field("event_time", "time", "when the activity ended; never decreases within a venue", _ALL),
    Field("started_at", "time", "when the activity began; of a receipt: its hour's start", _ACTIVITIES, _RECEIPT),
    Field(
        "arrived_at", "time", "when the visitors' bus arrived; of a receipt: its hour's start", _ACTIVITIES, _RECEIPT
    ),
    Field("bus_id", "int", "the bus, counted within run and venue", _ACTIVITIES, minimum=0),
    Field("group_id", "int", "the buying group, counted within run and venue", _GROUPS, minimum=0),
    Field("first_visitor_id", "int", "the first of party_size consecutive visitor ids", _ACTIVITIES, minimum=0),
    Field("party_size", "int", "number of visitors the message is about", _ACTIVITIES, minimum=1),
    Field("channel", "string", "where the group buys its tickets", _GROUPS, allowed=CHANNELS),
    Field("line", "int", "seller or scanner line, from 1", _GROUPS, minimum=1),
    Field("amount_cents", "int", "price of the group's tickets", _SALES, minimum=0),
    Field("hour_start", "time", "the hour that the receipt closes", _RECEIPT),
    Field("of_event_type", "string", "the type that the receipt counts", _RECEIPT, allowed=tuple(ACTIVITY_TYPES)),
    Field("event_count", "int", "events of that type in that hour at that venue", _RECEIPT, minimum=0),
    Field("duration_us", "int", "sum of their durations, microseconds", _RECEIPT, minimum=0),
    Field("servers", "int", "sellers (buy_tickets) or scanners (scan_tickets)", optional=_RECEIPT, minimum=1),
    Field("run_venues", "int", "venues of the whole run, on all machines", _RECEIPT, minimum=1),
    Field("final", "bool", "this venue of this run sends nothing after this hour", _RECEIPT),
    Field("digest", "int", "digest of all fields of these events and its own", optional=_RECEIPT, minimum=0),
    Field("visitors", "int", "visitors of these events: the sum of their party_size", optional=_RECEIPT, minimum=0),
    Field("visitor_us", "int", "sum of their durations times party_size, microseconds", optional=_RECEIPT, minimum=0),
    Field("revenue_cents", "int", "sum of these sales' amounts (buy_tickets)", optional=_RECEIPT, minimum=0),
    Field(
        "time_in_system_us",
        "int",
        "sum of the times from the bus to the end of the scan, times party_size, microseconds (scan_tickets)",
        optional=_RECEIPT,
        minimum=0,
    ),
)

FIELD_BY_NAME: Final = {field.name: field for field in FIELDS}


def fields_of(event_type: EventType) -> tuple[Field, ...]:
    """Return the required and optional fields of messages of ``event_type``, in contract order."""
    return tuple(f for f in FIELDS if event_type in f.required or event_type in f.optional)


def is_event_id(event_id: str, run_id: str, venue_id: str) -> bool:
    """Return whether ``event_id`` is ``<run_id>-<venue_id>-<sequence>``; a sequence consists of the digits 0 to 9.

    It is unique within run and venue only: run and venue may contain '-', so two runs may have equal ones.
    """
    head, _, sequence = event_id.rpartition("-")
    return head == f"{run_id}-{venue_id}" and sequence.isascii() and sequence.isdigit()


def hour_start_us(time_us: int) -> int:
    """Return the start of the UTC hour that contains ``time_us``; both in microseconds since the Unix epoch."""
    return time_us - time_us % HOUR_US
