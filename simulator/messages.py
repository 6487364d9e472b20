"""The messages of the event contract as structures that encode themselves quickly; ``simulator.events`` is the law.

``event_type`` is each structure's tag, so it comes first, and a field of value null is left out.
"""

from typing import Final

import msgspec

from simulator.events import EventType

#: A message as JSON, UTF-8.
encode: Final = msgspec.json.Encoder().encode


class Message(msgspec.Struct, frozen=True, gc=False, tag_field="event_type"):
    """What every message says."""

    schema_version: int
    event_id: str
    run_id: str
    venue_id: str
    event_time: int


class Activity(Message, frozen=True, gc=False):
    """What visitors do; ``event_time`` is when they ended."""

    started_at: int
    arrived_at: int
    bus_id: int


class BusArrival(Activity, frozen=True, gc=False, tag=EventType.BUS_ARRIVAL.value):
    """A bus brings ``party_size`` visitors."""

    first_visitor_id: int
    party_size: int


class GroupActivity(Activity, frozen=True, gc=False):
    """What a buying group, or one visitor of it, does on the way in."""

    group_id: int
    first_visitor_id: int
    party_size: int
    channel: str
    line: int


class WalkToSeller(GroupActivity, frozen=True, gc=False, tag=EventType.WALK_TO_SELLER.value):
    """From the bus to a seller line."""


class WaitInSellerLine(GroupActivity, frozen=True, gc=False, tag=EventType.WAIT_IN_SELLER_LINE.value):
    """From joining the line to being served."""


class BuyTickets(GroupActivity, frozen=True, gc=False, tag=EventType.BUY_TICKETS.value):
    """Being served."""

    amount_cents: int


class WalkToScanner(GroupActivity, frozen=True, gc=False, tag=EventType.WALK_TO_SCANNER.value):
    """To a scanner line."""


class WaitInScannerLine(GroupActivity, frozen=True, gc=False, tag=EventType.WAIT_IN_SCANNER_LINE.value):
    """From joining the line to the visitor's own scan."""


class ScanTickets(GroupActivity, frozen=True, gc=False, tag=EventType.SCAN_TICKETS.value):
    """Being scanned."""


class HourClosed(Message, frozen=True, gc=False, tag=EventType.HOUR_CLOSED.value, kw_only=True, omit_defaults=True):
    """The receipt: how much of one type a venue produced in one hour."""

    started_at: int
    arrived_at: int
    hour_start: int
    of_event_type: str
    event_count: int
    duration_us: int
    servers: int | None = None
    run_venues: int
    final: bool


#: The message of each activity.
MESSAGE_OF_ACTIVITY: Final[dict[EventType, type[Activity]]] = {
    EventType.BUS_ARRIVAL: BusArrival,
    EventType.WALK_TO_SELLER: WalkToSeller,
    EventType.WAIT_IN_SELLER_LINE: WaitInSellerLine,
    EventType.BUY_TICKETS: BuyTickets,
    EventType.WALK_TO_SCANNER: WalkToScanner,
    EventType.WAIT_IN_SCANNER_LINE: WaitInScannerLine,
    EventType.SCAN_TICKETS: ScanTickets,
}
