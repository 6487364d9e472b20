import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone

import pytest

from simulator.events import ACTIVITY_TYPES, HOUR_US, EventType, hour_start_us
from simulator.exceptions import RunError
from simulator.scenario import load_scenario

START_US = 1_772_349_300_000_000
MINUTE_US = 60_000_000

BUS = {"event": "BUS_ARRIVAL", "time": 1.0, "busId": 0, "peopleCreated": [0, 1, 2, 3]}


def seller(event, people, time, duration, line=1):
    return {"event": event, "people": people, "sellerLine": line, "time": time, "duration": duration}


def scanner(event, person, time, duration, line=1):
    return {"event": event, "person": person, "scannerLine": line, "time": time, "duration": duration}


def log_of(*events):
    return {"sellerLines": 6, "scannerLines": 4, "events": list(events)}


def of(sink, event_type):
    return [message for message in sink.messages if message["event_type"] == event_type]


@pytest.mark.parametrize("seed", range(3))
def test_every_message_of_a_published_log_keeps_the_contract_and_the_order_of_time(
    seed, published, replayed, violations
):
    sink, _ = replayed(published(seed, 100))

    assert [found for message in sink.sent for found in violations(*message)] == []
    messages = sink.messages
    times = [message["event_time"] for message in messages]
    assert times == sorted(times)
    prefix = f"{messages[0]['run_id']}-venue-1-"
    assert [message["event_id"] for message in messages] == [f"{prefix}{n}" for n in range(1, len(messages) + 1)]


@pytest.mark.parametrize("seed", range(3))
def test_every_event_of_a_published_log_is_sent_exactly_once_with_its_times_and_people(seed, published, replayed):
    log = published(seed, 75)
    sink, summary = replayed(log)

    assert any(a["time"] > b["time"] for a, b in zip(log["events"], log["events"][1:], strict=False))
    expected = Counter(
        (
            event["event"].lower(),
            START_US + round(event["time"] * 100) * (MINUTE_US // 100),
            round(event.get("duration", 0) * 100) * (MINUTE_US // 100),
            tuple(event.get("peopleCreated") or event.get("people") or [event["person"]]),
            event.get("sellerLine") or event.get("scannerLine"),
        )
        for event in log["events"]
    )
    found = Counter(
        (
            message["event_type"],
            message["started_at"],
            message["event_time"] - message["started_at"],
            tuple(range(message["first_visitor_id"], message["first_visitor_id"] + message["party_size"])),
            message.get("line"),
        )
        for message in sink.messages
        if message["event_type"] != "hour_closed"
    )
    assert found == expected
    assert summary.total == len(sink.sent) == len(log["events"]) + summary.events["hour_closed"]


@pytest.mark.parametrize("minutes", [20, 200])
def test_receipts_tell_of_every_hour_what_was_sent_in_it(minutes, published, replayed, sums_of):
    sink, summary = replayed(published(11, minutes, sellers=7, scanners=3))

    hour_of = {}
    hours, receipts = set(), {}
    for message in (messages := sink.messages):
        kind = message["event_type"]
        if kind == "hour_closed":
            receipts[message["hour_start"], message["of_event_type"]] = message
            hour_of["last closed"] = message["hour_start"]
        else:
            hour = hour_start_us(message["event_time"])
            assert hour > hour_of.get("last closed", 0)
            hours.add(hour)
    first, last = hour_start_us(START_US), max(hours)
    assert list(receipts) == [(hour, kind) for hour in range(first, last + 1, HOUR_US) for kind in ACTIVITY_TYPES]
    for (hour, kind), receipt in receipts.items():
        expected = sums_of(messages, receipt)
        assert {name: receipt.get(name) for name in expected} == expected
        assert receipt.get("servers") == {"buy_tickets": 7, "scan_tickets": 3}.get(kind)
        assert receipt["final"] == (hour == last)
        assert receipt["run_venues"] == 1
    assert summary.first_hour.timestamp() * 1_000_000 == first
    assert summary.last_hour.timestamp() * 1_000_000 == last


@pytest.mark.parametrize("one_line", [(), ("sellers",), ("scanners",), ("sellers", "scanners")])
def test_a_line_that_served_several_at_once_had_as_many_servers(one_line, published, replayed):
    log = published(5, 60, one_line=one_line)
    assert log["sellerLines"] == (1 if "sellers" in one_line else 6)
    sink, _ = replayed(log)

    told = {m["of_event_type"]: m["servers"] for m in of(sink, "hour_closed") if "servers" in m}
    assert told == {"buy_tickets": 6, "scan_tickets": 4}


def test_an_overlap_that_rounding_explains_is_not_a_second_server(replayed):
    events = [
        BUS,
        seller("BUY_TICKETS", [0], 2, 1.01),
        seller("BUY_TICKETS", [1], 3, 1),
        seller("BUY_TICKETS", [2], 3.98, 1),
        seller("BUY_TICKETS", [3], 4.98, 1),
    ]
    for count, servers in ((3, 6), (4, 7), (5, 7)):
        sink, _ = replayed(log_of(*events[:count]))
        assert {m["servers"] for m in of(sink, "hour_closed") if m["of_event_type"] == "buy_tickets"} == {servers}


@pytest.mark.parametrize("seed", range(3))
def test_a_visitor_keeps_bus_arrival_channel_and_group_all_the_way(seed, published, replayed):
    log = published(seed, 60)
    sink, _ = replayed(log)
    bought = {person for event in log["events"] for person in event.get("people", ())}
    came = {
        person: (event["busId"], START_US + round(event["time"] * MINUTE_US))
        for event in log["events"]
        for person in event.get("peopleCreated", ())
    }

    groups = defaultdict(set)
    prices = load_scenario("original").ticket_price_cents
    for message in sink.messages:
        if "group_id" not in message:
            continue
        for visitor in range(message["first_visitor_id"], message["first_visitor_id"] + message["party_size"]):
            assert (message["bus_id"], message["arrived_at"]) == came[visitor]
            assert message["channel"] == ("box_office" if visitor in bought else "online")
            groups[visitor].add(message["group_id"])
        if message["event_type"] == "buy_tickets":
            assert message["amount_cents"] == prices * message["party_size"]
    assert all(len(ids) == 1 for ids in groups.values())
    online = [groups[visitor].copy().pop() for visitor in groups if visitor not in bought]
    assert len(set(online)) == len(online)


def test_visitors_are_renumbered_so_that_each_group_has_consecutive_numbers(replayed, violations):
    sink, _ = replayed(
        log_of(
            BUS | {"peopleCreated": [10, 40, 30, 20]},
            seller("WALK_TO_SELLER", [40, 10], 1, 1),
            seller("BUY_TICKETS", [10, 40], 2, 1),
            scanner("SCAN_TICKETS", 40, 4, 0.05),
            scanner("SCAN_TICKETS", 20, 5, 0.05),
        )
    )

    assert [found for message in sink.sent for found in violations(*message)] == []
    who = [(m["event_type"], m["first_visitor_id"], m["party_size"]) for m in sink.messages if "party_size" in m]
    assert who == [
        ("bus_arrival", 10, 4),
        ("walk_to_seller", 10, 2),
        ("buy_tickets", 10, 2),
        ("scan_tickets", 11, 1),
        ("scan_tickets", 12, 1),
    ]
    assert [m["group_id"] for m in sink.messages if "group_id" in m] == [0, 0, 0, 1]


def test_messages_follow_the_ends_and_where_these_are_equal_the_file(replayed):
    sink, _ = replayed(
        log_of(
            seller("WAIT_IN_SELLER_LINE", [0], 2, 5),
            scanner("WALK_TO_SCANNER", 1, 1.5, 0.75),
            BUS,
            seller("WALK_TO_SELLER", [0], 1, 1),
            scanner("WAIT_IN_SCANNER_LINE", 1, 2.25, 0),
        )
    )

    assert [m["event_type"] for m in sink.messages[:5]] == [
        "bus_arrival",
        "walk_to_seller",
        "walk_to_scanner",
        "wait_in_scanner_line",
        "wait_in_seller_line",
    ]


def test_two_decimals_of_a_minute_become_whole_microseconds(replayed):
    sink, _ = replayed(log_of(BUS | {"time": 0.29}, seller("WALK_TO_SELLER", [0], 0.29, 1.13)))

    (walk,) = of(sink, "walk_to_seller")
    assert walk["started_at"] == START_US + 17_400_000
    assert walk["event_time"] == START_US + 85_200_000


def test_an_activity_that_ends_with_the_hour_belongs_to_the_next(replayed):
    sink, _ = replayed(log_of(BUS | {"time": 45}))

    kinds = [m["event_type"] for m in sink.messages]
    assert kinds == ["hour_closed"] * 7 + ["bus_arrival"] + ["hour_closed"] * 7
    assert [m["final"] for m in of(sink, "hour_closed")] == [False] * 7 + [True] * 7


def test_a_log_without_events_is_one_hour_of_zeros(replayed):
    sink, summary = replayed(log_of())

    assert [(m["of_event_type"], m["event_count"], m["final"]) for m in sink.messages] == [
        (kind, 0, True) for kind in ACTIVITY_TYPES
    ]
    assert summary.events == dict.fromkeys(ACTIVITY_TYPES, 0) | {EventType.HOUR_CLOSED: 7}


def test_a_bus_with_nobody_on_it_is_counted_but_not_sent(replayed):
    sink, summary = replayed(log_of(BUS | {"peopleCreated": []}, BUS | {"busId": 1}))

    assert [m["bus_id"] for m in of(sink, "bus_arrival")] == [1]
    assert summary.empty_buses == 1


def test_lines_may_be_given_as_lists_and_after_the_events(replayed):
    sink, _ = replayed({"events": [BUS], "scannerLines": [[1], {"a": [2]}, 3], "sellerLines": ["a", "b"]})

    assert [m["servers"] for m in of(sink, "hour_closed") if "servers" in m] == [2, 3]


def test_the_same_file_start_and_ids_give_the_same_bytes(published, replayed):
    log = published(3, 30)

    assert replayed(log)[0].sent == replayed(log)[0].sent


def test_the_default_run_id_names_content_start_and_venue(published, replayed):
    log = published(3, 5)
    later = datetime(2026, 3, 2, tzinfo=UTC)
    ids = [
        replayed(log)[1].run_id,
        replayed(json.dumps(log) + "\n")[1].run_id,
        replayed(log, start=later)[1].run_id,
        replayed(log, venue_id="north")[1].run_id,
    ]

    assert len(set(ids)) == 4
    assert replayed(log)[1].run_id == ids[0]
    assert replayed(log, run_id="mine", venue_id="north")[0].messages[0]["event_id"] == "mine-north-1"


def test_by_default_a_log_begins_at_midnight_and_its_hours_are_over(replayed):
    sink, _ = replayed(log_of(BUS | {"time": 3000}), start=None)

    (bus,) = of(sink, "bus_arrival")
    assert (bus["event_time"] - 3000 * MINUTE_US) % (24 * HOUR_US) == 0
    assert sink.messages[-1]["event_time"] < datetime.now(UTC).timestamp() * 1_000_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"run_id": "a b"}, "run id 'a b'"),
        ({"venue_id": "a/b"}, "venue id 'a/b'"),
        ({"start": datetime(1999, 12, 31, tzinfo=UTC)}, "1999-12-31.*2000"),
        ({"start": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))}, "Invalid start the year 0 .*2000"),
        (
            {"start": datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))},
            "Invalid start the year 10,000 .*future",
        ),
    ],
)
def test_an_impossible_replay_is_refused_with_the_value(options, said, replayed):
    with pytest.raises(RunError, match=said):
        replayed(log_of(BUS | {"time": 60}), **options)


def test_a_replay_that_would_reach_into_the_future_is_refused_with_the_latest_start(replayed):
    with pytest.raises(RunError, match=r"1.00 hours.*future.*Start at .* or earlier"):
        replayed(log_of(BUS | {"time": 60}), start=datetime.now(UTC) - timedelta(minutes=5))


def test_a_log_longer_than_the_time_since_2000_is_refused_with_its_length(replayed):
    with pytest.raises(RunError, match=r"The log has 876000\.00 hours, more than lie between the year 2000 and now"):
        replayed(log_of(BUS | {"time": 876_000 * 60}), start=None)


@pytest.mark.slow
def test_the_command_writes_the_messages_into_a_file_and_says_what_it_sent(published, written, replayed, tmp_path):
    log = published(5, 40)
    sink, _ = replayed(log, run_id="mine", venue_id="north")
    path, target = written(log), tmp_path / "messages.jsonl"

    done = command(path, "--start", "2026-03-01T07:15:00Z", "--run-id", "mine", "--venue-id", "north", to=target)

    assert done.returncode == 0, done.stderr
    assert target.read_bytes().splitlines() == sink.values
    said = json.loads(done.stdout)
    assert said["run_id"] == "mine"
    assert said["total"] == len(sink.values)
    assert said["events"]["hour_closed"] == 7


@pytest.mark.slow
def test_the_command_refuses_a_broken_file_and_writes_nothing(published, written, tmp_path):
    path, target = written(json.dumps(published(5, 10))[:-30]), tmp_path / "messages.jsonl"

    done = command(path, to=target)

    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("messages*"))


def command(path, *options, to):
    """`ticketsim replay` in a separate process, run as the console script runs it."""
    program = "from ticketsim.cli import app, main; from ticketsim.commands.replay import replay; "
    program += "app.command()(replay); main()"
    return subprocess.run(
        [sys.executable, "-c", program, "replay", str(path), *options, "--to", f"file:{to}", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
        timeout=120,
    )
