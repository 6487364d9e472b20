from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.events import ACTIVITY_TYPES, HOUR_US, hour_start_us

START_US = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**63),
    hours=st.floats(0.1, 2),
    minute=st.integers(0, 59),
    scenario=st.sampled_from(["original", "festival", "six-sellers-four-scanners-one-line"]),
    drain=st.booleans(),
)
def test_receipts_equal_the_events_to_the_microsecond(ran, sums_of, *, seed, hours, minute, scenario, drain):
    start = datetime(2026, 3, 1, 5, minute, tzinfo=UTC)
    messages = ran(scenario, seed=seed, hours=hours, start=start, venues=2, drain=drain).messages

    for venue in ("venue-1", "venue-2"):
        receipts = [m for m in messages if m["event_type"] == "hour_closed" and m["venue_id"] == venue]
        last = max(m["event_time"] for m in messages if m["venue_id"] == venue)
        first_hour = hour_start_us(int(start.timestamp()) * 1_000_000)
        expected = [(h, t) for h in range(first_hour, hour_start_us(last) + 1, HOUR_US) for t in ACTIVITY_TYPES]
        assert [(m["hour_start"], m["of_event_type"]) for m in receipts] == expected
        for m in receipts:
            expected = sums_of(messages, m)
            assert {name: m.get(name) for name in expected} == expected
            assert m["event_time"] == m["hour_start"] + HOUR_US - 1
            assert m["started_at"] == m["arrived_at"] == m["hour_start"]
            assert m["run_venues"] == 2
            assert m["final"] == (m["hour_start"] == receipts[-1]["hour_start"])


def test_receipts_say_how_many_servers_there_were(ran):
    servers = {m["of_event_type"]: m.get("servers") for m in ran("ten-sellers-five-scanners").of("hour_closed")}

    assert servers == dict.fromkeys(ACTIVITY_TYPES) | {"buy_tickets": 10, "scan_tickets": 5}


def test_an_hour_without_events_has_seven_receipts_of_zero(ran, clockwork):
    receipts = ran(clockwork, hours=4, minutes_between_buses=clockwork.minutes_between_buses.__class__(150, 0)).of(
        "hour_closed"
    )

    assert [m["event_count"] for m in receipts if m["hour_start"] == START_US] == [0] * 7
    assert [m["event_count"] for m in receipts if m["hour_start"] == START_US + HOUR_US] == [0] * 7
    assert next(m["event_count"] for m in receipts if m["hour_start"] == START_US + 2 * HOUR_US) == 1
    assert len(receipts) == 4 * 7


def test_an_event_at_the_full_hour_belongs_to_the_hour_that_begins(ran, clockwork):
    messages = ran(clockwork, hours=3).messages
    at_one = [i for i, m in enumerate(messages) if m["event_time"] == START_US + HOUR_US]
    receipts = [i for i, m in enumerate(messages) if m["event_type"] == "hour_closed" and m["hour_start"] == START_US]

    assert {messages[i]["event_type"] for i in at_one} >= {"bus_arrival", "walk_to_scanner", "wait_in_scanner_line"}
    assert receipts == list(range(min(at_one) - 7, min(at_one)))
    assert messages[receipts[0]]["event_count"] == 1


def test_a_run_that_ends_on_the_full_hour_opens_no_further_hour(ran, clockwork):
    # the only bus comes at 01:59, its visitors are through at 02:39, and nobody is inside at 03:00
    rare = clockwork.minutes_between_buses.__class__(119, 0)
    messages = ran(clockwork, hours=3, minutes_between_buses=rare).messages

    assert messages[-1]["hour_start"] == START_US + 2 * HOUR_US
    assert messages[-1]["final"]
    assert sum(m["event_type"] == "hour_closed" for m in messages) == 3 * 7


def test_an_event_at_the_very_end_of_the_run_makes_its_hour_the_last(ran, clockwork):
    # the only bus comes at 00:50, and its second visitor is scanned at 01:00, when the run ends
    one_bus = clockwork.minutes_between_buses.__class__(50, 0)
    short = clockwork.walk_to_sellers_minutes.__class__(2, 0)
    messages = ran(
        clockwork, hours=1, minutes_between_buses=one_bus, walk_to_sellers_minutes=short,
        walk_to_scanners_minutes=short, sale_minutes=short, scan_minutes=short,
    ).messages  # fmt: skip

    assert [m["event_time"] for m in messages if m["event_type"] == "scan_tickets"][-1] == START_US + HOUR_US
    assert {m["hour_start"] for m in messages if m.get("final")} == {START_US + HOUR_US}


@pytest.mark.parametrize("scenario", ["original", "stable"])
def test_nothing_of_an_hour_is_sent_after_its_receipts_and_nothing_of_the_next_before(ran, scenario):
    messages = ran(scenario, hours=5, seed=3).messages

    times = [m["event_time"] for m in messages]
    assert times == sorted(times)
