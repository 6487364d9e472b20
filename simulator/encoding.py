"""Serialisation of messages; ``simulator.events`` is the contract.

An activity's message has two halves: what happened and when, and who and where. The second half is serialised once for
all messages that share it: a visitor's walk, wait and scan. So is its weight, a part of the receipts' digest. No value
needs escaping: ids contain only letters, digits, '.', '_' and '-'.
"""

from typing import Final

import msgspec

from simulator.digest import TERMS, WEIGHT_MODULUS, number_of_text, offsets_and_factors
from simulator.events import CHANNELS, SCHEMA_VERSION, EventType

_ACTIVITY: Final = (
    b'{"event_type":"%b","schema_version":%d,"event_id":"%b-%b-%%d","run_id":"%b","venue_id":"%b",'
    b'"event_time":%%d,"started_at":%%d,%%b}'
)
_BUS: Final = b'"arrived_at":%d,"bus_id":%d,"first_visitor_id":%d,"party_size":%d'
_PARTY: Final = (
    b'"arrived_at":%d,"bus_id":%d,"group_id":%d,"first_visitor_id":%d,"party_size":%d,"channel":"%b","line":%d'
)
_MEMBER: Final = (
    b'"arrived_at":%d,"bus_id":%d,"group_id":%d,"first_visitor_id":%%d,"party_size":1,"channel":"%b","line":%d'
)
_SALE: Final = b'%b,"amount_cents":%d'

_WRITTEN: Final = {channel: channel.encode() for channel in CHANNELS}

_OFFSET, (FACTOR_OF_NUMBER, _FACTOR_OF_START, FACTOR_OF_END) = offsets_and_factors(
    *("event_id", "started_at", "event_time")
)
_FIRST_HALF: Final = _OFFSET + TERMS["schema_version"].of(SCHEMA_VERSION)
assert _FACTOR_OF_START + FACTOR_OF_END == 1  # noqa: S101 - Journal relies on it

_BUS_OFFSET, (_ARRIVED_AT, _BUS_ID, _FIRST_VISITOR, _PARTY_SIZE) = offsets_and_factors(
    *("arrived_at", "bus_id", "first_visitor_id", "party_size")
)
_LINE_OFFSET, (_GROUP_ID, _LINE) = offsets_and_factors("group_id", "line")
_BUS_OFFSET += _FIRST_HALF
_PARTY_OFFSET: Final = {
    channel: _BUS_OFFSET + _LINE_OFFSET + _PARTY_SIZE + TERMS["channel"].of(number_of_text(channel))
    for channel in CHANNELS
}
_AMOUNT: Final = TERMS["amount_cents"]

Party = tuple[int, int, int, int, int, str]
"""The visitors of a message: arrived_at, bus_id, group_id, first_visitor_id, party_size, channel; see the contract."""

About = tuple[bytes, int, int]
"""The second half of a message, its weight (see ``simulator.digest``), and the visitors it is about beyond one."""


def activity_form(event_type: EventType, run_id: str, venue_id: str) -> bytes:
    """Build a message template: placeholders for sequence number, event_time, started_at and second half."""
    run, venue = run_id.encode(), venue_id.encode()
    return _ACTIVITY % (event_type.encode(), SCHEMA_VERSION, run, venue, run, venue)


def form_of_times(form: bytes) -> bytes:
    """Build a template of templates: placeholders for event_time and started_at now, for the other two later."""
    return form.replace(b"%d", b"%%d", 1).replace(b"%b", b"%%b")


def about_bus(arrived_at: int, bus_id: int, first_visitor_id: int, party_size: int) -> About:
    """Build the second half of a bus's message."""
    weight = _BUS_OFFSET + _ARRIVED_AT * arrived_at + _BUS_ID * bus_id
    weight += _FIRST_VISITOR * first_visitor_id + _PARTY_SIZE * party_size
    text = _BUS % (arrived_at, bus_id, first_visitor_id, party_size)
    return text, weight % WEIGHT_MODULUS, party_size - 1


def about_party(party: Party, line: int) -> About:
    """Build the second half of messages about a party in a line."""
    arrived_at, bus_id, group_id, first_visitor_id, party_size, channel = party
    text = _PARTY % (arrived_at, bus_id, group_id, first_visitor_id, party_size, _WRITTEN[channel], line)
    return text, (_weight_of_first(party, line) + _PARTY_SIZE * (party_size - 1)) % WEIGHT_MODULUS, party_size - 1


def about_members(party: Party, line: int) -> list[About]:
    """Build the second halves of messages about each single member of a party in a line."""
    arrived_at, bus_id, group_id, first_visitor_id, party_size, channel = party
    member = _MEMBER % (arrived_at, bus_id, group_id, _WRITTEN[channel], line)
    # Ids that follow each other have weights in equal steps.
    first_weight = _weight_of_first(party, line)
    return [
        (member % (first_visitor_id + place), first_weight + _FIRST_VISITOR * place, 0) for place in range(party_size)
    ]


def about_sale(party: About, amount_cents: int) -> About:
    """Build the second half of a sale's message from that of ``about_party``."""
    text, weight, companions = party
    return _SALE % (text, amount_cents), weight + _AMOUNT.of(amount_cents), companions


def _weight_of_first(party: Party, line: int) -> int:
    """Return the weight of the second half of messages about the first member of a party."""
    arrived_at, bus_id, group_id, first_visitor_id, _, channel = party
    places = _ARRIVED_AT * arrived_at + _BUS_ID * bus_id + _GROUP_ID * group_id + _LINE * line
    return (_PARTY_OFFSET[channel] + places + _FIRST_VISITOR * first_visitor_id) % WEIGHT_MODULUS


class HourClosed(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True,
                 tag_field="event_type", tag=EventType.HOUR_CLOSED.value):  # fmt: skip
    """Receipt: how much of one type a venue produced in one hour, and the digest of its contents."""

    schema_version: int
    event_id: str
    run_id: str
    venue_id: str
    event_time: int
    started_at: int
    arrived_at: int
    hour_start: int
    of_event_type: str
    event_count: int
    duration_us: int
    servers: int | None = None
    run_venues: int
    final: bool
    digest: int | None = None
    visitors: int | None = None
    visitor_us: int | None = None
    revenue_cents: int | None = None
    time_in_system_us: int | None = None


#: A receipt as JSON, UTF-8.
encode: Final = msgspec.json.Encoder().encode
