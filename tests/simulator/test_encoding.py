import json

import msgspec
import pytest

from simulator.encoding import HourClosed, about_bus, about_members, about_party, about_sale, activity_form
from simulator.events import ACTIVITY_TYPES, EVENT_TYPES, EventType, fields_of
from simulator.scenario import built_in_names

TYPES = {"string": str, "int": int, "time": int, "bool": bool}
PARTY = (1_772_323_200_000_000, 3, 14, 159, 2, "online")


def test_the_receipt_has_exactly_the_fields_of_the_contract():
    config = HourClosed.__struct_config__
    written = {config.tag_field: (str, True)} | {
        f.name: (f.type, f.required) for f in msgspec.structs.fields(HourClosed)
    }
    contract = {
        f.name: (TYPES[f.kind] | None, False) if f.kind == "int" and f.optional else (TYPES[f.kind], True)
        for f in fields_of(EventType.HOUR_CLOSED)
    }

    assert config.tag == EventType.HOUR_CLOSED
    assert list(written.items()) == list(contract.items())


@pytest.mark.parametrize("event_type", ACTIVITY_TYPES)
def test_an_activity_has_the_fields_of_its_type_in_the_contract_in_that_order(event_type):
    about = about_bus(1, 2, 3, 4) if event_type == EventType.BUS_ARRIVAL else about_party(PARTY, 6)
    if event_type == EventType.BUY_TICKETS:
        about = about_sale(about, 7000)
    text, _, _ = about
    message = json.loads(activity_form(event_type, "run.1_a-b", "venue-1") % (26, 53, 58, text))

    contract = [f for f in fields_of(event_type) if event_type in f.required or f.name in message]
    assert [(name, type(value)) for name, value in message.items()] == [(f.name, TYPES[f.kind]) for f in contract]
    assert message["event_type"] == event_type
    assert (message["event_id"], message["event_time"], message["started_at"]) == ("run.1_a-b-venue-1-26", 53, 58)


def test_the_members_of_a_party_are_parties_of_one_of_the_same_group():
    text, _, companions = about_party(PARTY, 6)
    together = json.loads(b"{%b}" % text)
    members = about_members(PARTY, 6)
    alone = [json.loads(b"{%b}" % text) for text, _, _ in members]

    assert companions == len(members) - 1
    assert {companions for _, _, companions in members} == {0}

    assert alone == [together | {"first_visitor_id": visitor, "party_size": 1} for visitor in (159, 160)]
    assert [list(member) for member in alone] == [list(together)] * 2


@pytest.mark.parametrize("scenario", built_in_names())
def test_every_message_keeps_the_contract(ran, violations, scenario):
    sent = ran(scenario, venues=2, hours=1.1).sent

    assert {topic for topic, _, _ in sent} == {event_type.topic for event_type in EVENT_TYPES}
    assert [found for message in sent if (found := violations(*message))] == []


@pytest.mark.parametrize(
    "damaged",
    [
        {"party_size": 0},
        {"party_size": "2"},
        {"line": None},
        {"channel": "by post"},
        {"amount_cents": 100},
        {"started_at": 4_000_000_000_000_000},
        {"surprise": 1},
    ],
)
def test_the_checker_of_the_contract_sees_damage(ran, violations, damaged):
    topic, key, value = next(sent for sent in ran().sent if sent[0].endswith("walk_to_scanner"))
    message = msgspec.json.decode(value) | damaged

    assert violations(topic, key, value) == []
    assert violations(topic, key, msgspec.json.encode(message)) != []


def test_event_ids_count_every_message_of_a_venue_without_a_gap(ran):
    messages = ran(venues=2).messages

    for venue in ("venue-1", "venue-2"):
        ids = [m["event_id"] for m in messages if m["venue_id"] == venue]
        run_id = messages[0]["run_id"]
        assert ids == [f"{run_id}-{venue}-{n}" for n in range(1, len(ids) + 1)]
