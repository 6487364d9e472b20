import json
import re
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.events import (
    EARLIEST_TIME_US,
    EVENT_TYPES,
    FIELDS,
    HOUR_US,
    LATEST_TIME_US,
    MAX_AHEAD_US,
    EventType,
    Field,
    fields_of,
)
from streaming.contract.validation import Accepted, Rejected, _take_apart, check, validate_batch
from streaming.lake.schema import LAKE_SCHEMA

NOW_US = 1_763_860_000_000_000
NAMES = [field.name for field in FIELDS]


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def reason(topic: str, value: bytes | None, now_us: int = NOW_US) -> str | None:
    verdict = check(topic, value, now_us)
    return verdict.reason if isinstance(verdict, Rejected) else None


def changed(good, event_type: EventType, /, **changes: Any) -> str | None:
    return reason(event_type.topic, encode(good(event_type, 1, NOW_US) | changes))


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_clean_message_becomes_its_values_in_the_contracts_order(good, event_type):
    message = good(event_type, 1, NOW_US)
    verdict = check(event_type.topic, encode(message), NOW_US)
    assert isinstance(verdict, Accepted)
    assert dict(zip(NAMES, verdict.values, strict=True)) == {name: message.get(name) for name in NAMES}


def test_the_garbage_has_every_reason_for_which_a_message_can_be_refused(garbage):
    assert {bad.reason for bad in garbage(NOW_US)} == {
        *("malformed_json", "unknown_event_type", "wrong_topic", "unknown_schema_version"),
        *(f"missing_field:{field.name}" for field in FIELDS if field.required),
        *(f"bad_value:{field.name}" for field in FIELDS),
    }


def test_every_kind_of_garbage_is_refused_for_the_right_reason(garbage):
    for bad in garbage(NOW_US):
        assert reason(bad.topic, bad.value) == bad.reason, bad.value and bad.value[:200]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_required_field_is_missed_by_name_whether_absent_or_null(good, event_type):
    message = good(event_type, 1, NOW_US)
    for field in fields_of(event_type):
        if event_type in field.required:
            absent = {name: value for name, value in message.items() if name != field.name}
            assert reason(event_type.topic, encode(absent)) == f"missing_field:{field.name}"
            assert changed(good, event_type, **{field.name: None}) == f"missing_field:{field.name}"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_field_of_a_wrong_json_type_is_a_bad_value(good, event_type):
    wrong = {"string": 1, "int": "1", "time": str(NOW_US), "bool": 1}
    for field in FIELDS:
        assert changed(good, event_type, **{field.name: wrong[field.kind]}) == f"bad_value:{field.name}"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_field_that_the_type_does_not_carry_may_be_null_and_nothing_else(good, event_type):
    for field in FIELDS:
        if event_type not in field.required | field.optional:
            value = {"string": "x", "int": 1, "time": NOW_US, "bool": True}[field.kind]
            assert changed(good, event_type, **{field.name: None}) is None
            assert changed(good, event_type, **{field.name: value}) == f"bad_value:{field.name}"


def test_unknown_fields_are_ignored_whatever_they_hold(good):
    assert changed(good, EventType.BUS_ARRIVAL, weather={"sky": ["grey", None, 1.5e300, "\u2603"]}) is None


def test_of_a_field_given_twice_the_last_one_counts(good):
    text = encode(good(EventType.BUY_TICKETS, 1, NOW_US))
    topic = EventType.BUY_TICKETS.topic
    assert reason(topic, b'{"line": "x", ' + text[1:]) is None
    assert reason(topic, text[:-1] + b', "line": "x"}') == "bad_value:line"
    assert reason(topic, text[:-1] + b', "line": null}') == "missing_field:line"


def test_an_event_id_is_run_venue_and_digits_whatever_hyphens_and_digits_run_and_venue_hold(good):
    for run_id, venue_id, sequence in [
        ("run", "north", "0"),
        ("run-1", "7", "000123"),
        ("-", "--", "9" * 40),
        ("日本", "é-1", "1"),
    ]:
        named = {"run_id": run_id, "venue_id": venue_id}
        assert changed(good, EventType.SCAN_TICKETS, **named, event_id=f"{run_id}-{venue_id}-{sequence}") is None
        assert changed(good, EventType.SCAN_TICKETS, **named, event_id=sequence) == "bad_value:event_id"


def test_an_event_may_be_an_hour_ahead_of_the_broker_and_no_more(good):
    for event_type in (EventType.SCAN_TICKETS, EventType.BUS_ARRIVAL):
        message = encode(good(event_type, 1, NOW_US))
        assert reason(event_type.topic, message, NOW_US - MAX_AHEAD_US) is None
        assert reason(event_type.topic, message, NOW_US - MAX_AHEAD_US - 1) == "bad_value:event_time"


def test_times_must_lie_between_2000_and_2100(good):
    kind = EventType.SCAN_TICKETS
    for time_us, expected in (
        (EARLIEST_TIME_US, None),
        (EARLIEST_TIME_US - 1, "bad_value:arrived_at"),
        (LATEST_TIME_US + 1, "bad_value:arrived_at"),
    ):
        assert changed(good, kind, arrived_at=time_us) == expected


def test_a_bus_arrival_takes_no_time(good):
    assert changed(good, EventType.BUS_ARRIVAL, started_at=NOW_US - 1) == "bad_value:started_at"


def test_a_receipt_closes_exactly_one_hour(good):
    hour = good(EventType.HOUR_CLOSED, 1, NOW_US)["hour_start"]
    assert changed(good, EventType.HOUR_CLOSED, started_at=hour, arrived_at=hour) is None
    assert changed(good, EventType.HOUR_CLOSED, hour_start=hour + 1) == "bad_value:hour_start"
    assert changed(good, EventType.HOUR_CLOSED, hour_start=hour - HOUR_US) == "bad_value:event_time"
    assert changed(good, EventType.HOUR_CLOSED, event_time=hour + HOUR_US) == "bad_value:event_time"
    assert changed(good, EventType.HOUR_CLOSED, servers=None) is None


def test_the_earlier_rule_wins_when_several_are_broken(good):
    kind = EventType.BUY_TICKETS
    assert changed(good, kind, event_type="scan_tickets", schema_version=9, line=None) == "wrong_topic"
    assert changed(good, kind, schema_version=9, line=None) == "unknown_schema_version"
    assert changed(good, kind, line="x", amount_cents=None) == "missing_field:amount_cents"
    assert changed(good, kind, line="x", run_id=5) == "bad_value:run_id"
    assert changed(good, kind, line="x", started_at=NOW_US + 1) == "bad_value:line"
    assert changed(good, kind, line="x", event_id="1") == "bad_value:line"
    assert changed(good, kind, started_at=NOW_US + 1, event_id="1") == "bad_value:event_id"
    assert changed(good, kind, started_at=NOW_US + 1, arrived_at=NOW_US + 1) == "bad_value:started_at"


def valid_value(field: Field) -> st.SearchStrategy[Any]:
    match field.kind:
        case "string":
            return st.sampled_from(list(map(str, field.allowed))) if field.allowed else st.text(min_size=1, max_size=9)
        case "int":
            return st.integers(field.minimum or 0, 2**63 - 1)
        case "time":
            return st.integers(EARLIEST_TIME_US, LATEST_TIME_US)
    return st.booleans()


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([NOW_US, 0, 1, 2**63 - 1, 2**63, -1, EARLIEST_TIME_US, LATEST_TIME_US, *EVENT_TYPES, ""])
    | st.floats()
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def nearly_valid(draw: st.DrawFn) -> tuple[EventType, bytes, int]:
    """Build messages that keep the contract except for a few changes, as objects and as bytes."""
    event_type = draw(st.sampled_from(EVENT_TYPES))
    ended = draw(st.integers(EARLIEST_TIME_US + HOUR_US, LATEST_TIME_US - HOUR_US))
    message = {f.name: draw(valid_value(f)) for f in fields_of(event_type)}
    message |= {"event_type": event_type, "schema_version": 1, "event_time": ended}
    message |= {
        "started_at": ended - draw(st.integers(0, HOUR_US)),
        "arrived_at": ended - draw(st.integers(0, HOUR_US)),
    }
    if event_type is EventType.BUS_ARRIVAL:
        message["started_at"] = ended
    if event_type is EventType.HOUR_CLOSED:
        hour = ended - ended % HOUR_US
        message |= {"hour_start": hour, "event_time": hour + HOUR_US - 1, "started_at": hour, "arrived_at": hour}
    message["event_id"] = f"{message['run_id']}-{message['venue_id']}-{draw(st.integers(-1, 10**20))}"
    message |= draw(st.dictionaries(st.sampled_from([*NAMES, "unknown"]), ANYTHING, max_size=2))
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=1)):
        message.pop(name, None)
    value = json.dumps(message, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        position = draw(st.integers(0, len(value)))
        value = value[:position] + draw(st.binary(max_size=3)) + value[position + draw(st.integers(0, 2)) :]
    return event_type, value, ended + draw(st.integers(-2 * MAX_AHEAD_US, HOUR_US))


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(nearly_valid())
def test_the_fast_way_and_the_slow_way_agree_on_every_message(case):
    event_type, value, now_us = case
    slow = _take_apart(event_type.topic, value, now_us)
    assert check(event_type.topic, value, now_us) == (Rejected(slow) if isinstance(slow, str) else Accepted(slow))


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(nearly_valid())
def test_an_accepted_message_says_what_another_json_parser_reads_and_keeps_every_rule(case):
    event_type, value, now_us = case
    verdict = check(event_type.topic, value, now_us)
    if isinstance(verdict, Rejected):
        return
    message = json.loads(value.decode())
    values = dict(zip(NAMES, verdict.values, strict=True))
    assert values == {name: message.get(name) for name in NAMES}
    python_types = {"string": str, "int": int, "time": int, "bool": bool}
    for field in FIELDS:
        given_value = values[field.name]
        if given_value is None:
            assert event_type not in field.required
        else:
            assert type(message[field.name]) is python_types[field.kind]
            assert event_type in field.required | field.optional
            assert given_value in field.allowed or not field.allowed
            assert field.minimum is None or given_value >= field.minimum
            assert field.kind != "time" or EARLIEST_TIME_US <= given_value <= LATEST_TIME_US
    assert values["event_type"] == event_type
    assert re.fullmatch(re.escape(f"{values['run_id']}-{values['venue_id']}-") + "[0-9]+", values["event_id"])
    assert values["event_time"] <= now_us + MAX_AHEAD_US
    assert (values["started_at"] or 0) <= values["event_time"] >= (values["arrived_at"] or 0)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EVENT_TYPES), st.binary(max_size=400))
def test_random_bytes_are_malformed(event_type, value):
    assert reason(event_type.topic, b"\xfe" + value) == "malformed_json"


def as_kafka_delivers(messages: list[tuple[str, bytes | None]], *arrivals_us: int) -> pa.RecordBatch:
    """Build a batch of messages that arrived at these times, or all at one time."""
    arrivals = arrivals_us if len(arrivals_us) > 1 else arrivals_us * len(messages)
    return pa.record_batch(
        {
            "topic": pa.array([topic for topic, _ in messages], pa.string()),
            "value": pa.array([value for _, value in messages], pa.binary()),
            "partition": pa.array([2] * len(messages), pa.int32()),
            "offset": pa.array(range(100, 100 + len(messages)), pa.int64()),
            "timestamp": pa.array(arrivals, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        }
    )


def require_the_verdicts_of_each_by_itself(messages: list[tuple[str, bytes | None, int]]) -> Counter[str | None]:
    """Check that a batch gives each message the verdict of ``check``; count the verdicts."""
    batch = as_kafka_delivers([message[:2] for message in messages], *(message[2] for message in messages))
    rows = validate_batch(batch, ingested_at_us=0)
    assert rows.num_rows == len(messages)
    found = rows.select([*NAMES, "raw", "reason"]).to_pylist()
    times = {field.name: rows[field.name].cast(pa.int64()).to_pylist() for field in FIELDS if field.kind == "time"}
    for index, (row, (topic, value, arrival_us)) in enumerate(zip(found, messages, strict=True)):
        verdict = check(topic, value, arrival_us)
        row |= {name: values[index] for name, values in times.items()}
        if isinstance(verdict, Accepted):
            assert row == {**dict(zip(NAMES, verdict.values, strict=True)), "raw": None, "reason": None}
        else:
            nothing = dict.fromkeys(NAMES)
            assert row == {**nothing, "event_type": "quarantine", "raw": value, "reason": verdict.reason}
    return Counter(row["reason"] for row in found)


def test_a_batch_keeps_number_and_order_of_its_messages_and_files_each_one(good, garbage):
    clean = [(kind.topic, encode(good(kind, number, NOW_US)), None) for number, kind in enumerate(EVENT_TYPES)]
    bad = [(message.topic, message.value, message.reason) for message in garbage(NOW_US)]
    messages = [*bad[:5], *clean[:4], *bad[5:], *clean[4:]]
    # Two minutes later, in another hour than the receipts'.
    arrival = NOW_US + 120_000_000
    rows = validate_batch(as_kafka_delivers([pair[:2] for pair in messages], arrival), ingested_at_us=arrival + 5)
    assert rows.schema == LAKE_SCHEMA
    assert rows["kafka_offset"].to_pylist() == list(range(100, 100 + len(messages)))
    for row, (topic, value, expected) in zip(rows.to_pylist(), messages, strict=True):
        filed_by = row["event_time"] if expected is None else row["kafka_timestamp"]
        assert (row["event_date"], row["event_hour"]) == (filed_by.date(), filed_by.hour)
        assert (row["topic"], row["kafka_partition"], row["reason"]) == (topic, 2, expected)
        assert row["event_type"] == (topic.removeprefix("ticketsim.") if expected is None else "quarantine")
        assert row["raw"] == (None if expected is None else value)
        if expected is not None:
            assert all(row[name] is None for name in NAMES if name != "event_type")
        else:
            assert {name: row[name] for name in ("event_id", "run_id")} == {
                name: json.loads(value)[name] for name in ("event_id", "run_id")
            }


def neighbours_that_pretend(text: bytes) -> list[list[bytes | None]]:
    """Return messages that mean something else when read together than each on its own."""
    head = text[:-1]
    return [
        [text + text],
        [text + b" " + text, head],
        [text + b"," + text],
        [text + b"\n" + text],
        [text + b"\n", text],
        [b"\n" + text],
        [b"{\n" + text[1:]],
        [head + b', "note": "\n"}', text],
        [head + b', "note": "}', b'{"}', text + text],
        [head + b', "note": {}', b"{" + text[1:], text + text],
        [head + b', "note": [{}', b"{}]}", text + text],
        [head + b', "note": [{}', text, b"{}]}"],
        [head + b', "note": {}', b', "more": 1}', text + text],
        [head + b', "note":', b"{}}", text + text],
        [text[: len(text) // 2], text[len(text) // 2 :]],
        [head, b"}"],
        [b"{", text[1:]],
        [b"{}"],
        [b"{}{}", None],
        [b"}{"],
        [b"{"],
        [b""],
        [None],
        [b"\xef\xbb\xbf" + text],
        [b" " + text + b" "],
        [head + b', "note": "\xff"}'],
        [head + b', "note": "\xc3', b'\xa9"}'],
        [head + b', "note": "\xc3\xa9 \xf0\x9f\x9a\x8c"}'],
        [head + b', "note": "\\ud800"}'],
        [head + b', "note": "\xed\xa0\x80"}'],
        [head + b', "note": "\\n\\u0000"}'],
        [head + b', "note": ' + b"9" * 400 + b"}"],
        [head + b', "line": 9223372036854775807}'],
        [head + b', "line": 9223372036854775808}'],
        [head + b', "line": 1e3}'],
        [head + b', "line": null}'],
        [head + b', "line": "x", "line": 1}'],
        [head + b', "party_size": 1, "party_size": 0}'],
        [head + b', "final": true}'],
        [head + b', "note": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"],
        [text.replace(b'"event_id"', b'"\\u0065vent_id"')],
        [text.replace(b'"', b"'")],
    ]  # fmt: skip


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_batch_of_messages_that_pretend_to_be_others_is_validated_as_each_by_itself(good, event_type):
    clean = [(event_type.topic, encode(good(event_type, number, NOW_US)), NOW_US) for number in range(70)]
    for group in neighbours_that_pretend(clean[0][1] or b""):
        strange = [(event_type.topic, value, NOW_US) for value in group]
        require_the_verdicts_of_each_by_itself(strange)
        require_the_verdicts_of_each_by_itself([*clean[:50], *strange, *clean[50:]])
    require_the_verdicts_of_each_by_itself([message for message in clean for _ in range(2)])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_batch_says_of_each_message_what_is_said_of_it_alone(good, data):
    """Most messages are clean, so that they are read together; what is strange among them stands anywhere."""
    messages: list[tuple[str, bytes | None, int]] = []
    for _ in range(data.draw(st.integers(0, 8))):
        event_type = data.draw(st.sampled_from(EVENT_TYPES))
        clean = encode(good(event_type, data.draw(st.integers(0, 9)), NOW_US))
        messages += [(event_type.topic, clean, NOW_US)] * data.draw(st.sampled_from([0, 1, 3, 40]))
        if data.draw(st.booleans()):
            strange = data.draw(st.sampled_from(neighbours_that_pretend(clean)))
            messages += [(event_type.topic, value, NOW_US) for value in strange]
        else:
            of_type, value, now_us = data.draw(nearly_valid())
            topic = data.draw(st.sampled_from([of_type.topic, of_type.topic, event_type.topic, "elsewhere"]))
            messages.append((topic, value, now_us))
    require_the_verdicts_of_each_by_itself(messages)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_one_message_whose_times_contradict_each_other_is_found_among_clean_ones(good, event_type):
    wrong = [
        {"started_at": NOW_US + 1},
        {"arrived_at": NOW_US + 1},
        {"event_time": NOW_US + MAX_AHEAD_US + 1},
        {"started_at": NOW_US - 1},
    ]
    batch = [(event_type.topic, encode(good(event_type, number, NOW_US)), NOW_US) for number in range(200)]
    for number, changes in enumerate(wrong):
        strange = encode(good(event_type, 1, NOW_US) | changes)
        batch[50 * number] = (event_type.topic, strange, NOW_US)
    reasons = require_the_verdicts_of_each_by_itself(batch)
    assert reasons[None] in (196, 197)  # but for a bus, an activity may take a microsecond less


def test_an_empty_batch_becomes_an_empty_batch():
    rows = validate_batch(as_kafka_delivers([], NOW_US), ingested_at_us=0)
    assert rows.num_rows == 0
    assert rows.schema == LAKE_SCHEMA
