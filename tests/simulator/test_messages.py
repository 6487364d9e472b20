import msgspec
import pytest

from simulator.events import EVENT_TYPES, EventType, fields_of
from simulator.messages import MESSAGE_OF_ACTIVITY, HourClosed, Message
from simulator.scenario import built_in_names

STRUCTURES: dict[EventType, type[Message]] = {**MESSAGE_OF_ACTIVITY, EventType.HOUR_CLOSED: HourClosed}
TYPES = {"string": str, "int": int, "time": int, "bool": bool}


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_structure_has_exactly_the_fields_of_its_type_in_the_contract(event_type):
    structure = STRUCTURES[event_type]
    config = structure.__struct_config__
    written = {config.tag_field: (str, True)} | {
        f.name: (f.type, f.required) for f in msgspec.structs.fields(structure)
    }
    may_be_null = {f.name for f in fields_of(event_type) if event_type in f.optional}
    contract = {
        f.name: (TYPES[f.kind] | None, False)
        if f.name in may_be_null and f.name == "servers"
        else (TYPES[f.kind], True)
        for f in fields_of(event_type)
    }

    assert config.tag == event_type
    assert list(written.items()) == list(contract.items())


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
