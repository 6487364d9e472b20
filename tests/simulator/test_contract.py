"""Whether the contract has changed in a way that schema_version 1 does not allow: see docs/contract.md."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.events import EVENT_TYPES, FIELDS, SCHEMA_VERSION, EventType, Field

#: Per event type and field: kind, whether it is required, and the values allowed, as messages in Kafka have them.
BASELINE = json.loads(Path(__file__).with_name(f"contract_{SCHEMA_VERSION}.json").read_text())


def breaking_changes(fields: Iterable[Field], baseline: dict[str, dict[str, Any]] = BASELINE) -> Iterator[str]:
    """One sentence for each change that makes messages, or readers, of the baseline wrong."""
    by_name = {field.name: field for field in fields}
    for event_type, known in baseline.items():
        carried = {name for name, field in by_name.items() if event_type in field.required | field.optional}
        for name, before in known.items():
            if name not in carried:
                yield f"{event_type} no longer carries {name}"
                continue
            now = by_name[name]
            if now.kind != before["kind"]:
                yield f"{name} of {event_type} is {now.kind}, not {before['kind']}"
            if (event_type in now.required) != before["required"]:
                yield f"{name} of {event_type} is {'no longer' if before['required'] else 'now'} required"
            if now.minimum != before["minimum"] or not _still_allowed(name, before["allowed"], now.allowed):
                yield f"{name} of {event_type} allows other values"
        for name in carried - known.keys():
            if event_type in by_name[name].required:
                yield f"{event_type} requires {name}, which earlier messages do not have"


def _still_allowed(name: str, before: list[str], now: tuple[str, ...]) -> bool:
    """A new event type may join the others, and receipts may count it; all other lists of values stay as they are."""
    if name in {"event_type", "of_event_type"}:
        return set(before) <= set(now)
    return list(now) == before


def test_messages_and_readers_of_this_schema_version_are_still_right():
    assert list(breaking_changes(FIELDS)) == [], "make it optional, or raise SCHEMA_VERSION: see docs/contract.md"
    assert set(BASELINE) <= set(EVENT_TYPES), "an event type is gone: see docs/contract.md"


def changed(name: str, /, **changes: Any) -> list[Field]:
    return [replace(field, **changes) if field.name == name else field for field in FIELDS]


SALES = frozenset({EventType.BUY_TICKETS})

PLANTED = {
    "removed": ([field for field in FIELDS if field.name != "line"], "no longer carries line"),
    "removed from one type": (changed("line", required=SALES), "scan_tickets no longer carries line"),
    "renamed": (changed("line", name="queue"), "no longer carries line"),
    "another type": (changed("amount_cents", kind="string"), "amount_cents of buy_tickets is string, not int"),
    "made optional": (
        changed("amount_cents", required=frozenset(), optional=SALES),
        "amount_cents of buy_tickets is no longer required",
    ),
    "made required": (
        changed("servers", required=frozenset({EventType.HOUR_CLOSED})),
        "servers of hour_closed is now required",
    ),
    "fewer values": (changed("party_size", minimum=2), "party_size of buy_tickets allows other values"),
    "more values": (
        changed("channel", allowed=("box_office", "online", "phone")),
        "channel of buy_tickets allows other values",
    ),
    "a type that receipts no longer count": (
        changed("of_event_type", allowed=("bus_arrival",)),
        "of_event_type of hour_closed allows other values",
    ),
    "a new required field": (
        [*FIELDS, Field("mood", "string", "how the visitors feel", required=SALES)],
        "buy_tickets requires mood, which earlier messages do not have",
    ),
}


@pytest.mark.parametrize("change", PLANTED)
def test_a_change_that_breaks_messages_or_readers_is_named(change):
    fields, complaint = PLANTED[change]
    assert any(complaint in found for found in breaking_changes(fields))


def test_a_new_event_type_that_receipts_count_breaks_nothing():
    counted = (*BASELINE["hour_closed"]["of_event_type"]["allowed"], "buy_drink")
    assert list(breaking_changes(changed("of_event_type", allowed=counted))) == []


def test_a_new_optional_field_breaks_nothing():
    mood = Field("mood", "string", "how the visitors feel", optional=SALES)
    assert list(breaking_changes([*FIELDS, mood])) == []
