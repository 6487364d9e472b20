from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from simulator.distributions import Normal
from simulator.events import HOUR_US

START_US = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000
WAITS = ("wait_in_seller_line", "wait_in_scanner_line")


def visitors_of(messages, event_type):
    return [
        visitor
        for m in messages
        if m["event_type"] == event_type
        for visitor in range(m["first_visitor_id"], m["first_visitor_id"] + m["party_size"])
    ]


@pytest.mark.parametrize("scenario", ["original", "four-sellers-two-scanners", "six-sellers-four-scanners-one-line"])
def test_everyone_who_arrives_is_scanned_exactly_once(ran, scenario):
    messages = ran(scenario, hours=3).messages

    arrived = visitors_of(messages, "bus_arrival")
    assert arrived == list(range(len(arrived)))
    for event_type in ("walk_to_scanner", "wait_in_scanner_line", "scan_tickets"):
        assert sorted(visitors_of(messages, event_type)) == arrived
    bought = visitors_of(messages, "buy_tickets")
    assert sorted(bought) == sorted(visitors_of(messages, "walk_to_seller"))
    assert 0.3 < len(bought) / len(arrived) < 0.5


def test_no_bus_arrives_after_the_horizon_and_people_inside_finish(ran):
    messages = ran(hours=0.5).messages
    horizon = START_US + HOUR_US // 2

    assert max(m["event_time"] for m in messages if m["event_type"] == "bus_arrival") < horizon
    assert max(m["event_time"] for m in messages if m["event_type"] == "scan_tickets") > horizon


def test_a_run_that_does_not_drain_leaves_people_where_they_are_and_still_sends_receipts(ran):
    cut, drained = ran(hours=0.5, drain=False).messages, ran(hours=0.5).messages

    events = [m for m in cut if m["event_type"] != "hour_closed"]
    assert max(m["event_time"] for m in events) < START_US + HOUR_US // 2
    assert len(events) < len(drained)
    receipts = [m for m in cut if m["event_type"] == "hour_closed"]
    assert sum(m["event_count"] for m in receipts) == len(events)
    assert all(m["final"] for m in receipts)


@pytest.mark.parametrize("scenario", ["original", "six-sellers-four-scanners-one-line"])
def test_each_step_of_a_visitor_begins_when_the_one_before_ends(ran, scenario):
    steps = defaultdict(list)
    messages = [m for m in ran(scenario).messages if m["event_type"] not in ("hour_closed", "bus_arrival")]
    for m in messages:
        for visitor in range(m["first_visitor_id"], m["first_visitor_id"] + m["party_size"]):
            steps[visitor].append(m)

    for taken in steps.values():
        kinds = [m["event_type"] for m in taken]
        last = ["walk_to_scanner", "wait_in_scanner_line", "scan_tickets"]
        first = ["walk_to_seller", "wait_in_seller_line", "buy_tickets"] if len(kinds) == 6 else []
        assert kinds == first + last
        assert taken[0]["channel"] == ("box_office" if first else "online")
        assert taken[0]["started_at"] == taken[0]["arrived_at"]
        assert all(m["started_at"] == before["event_time"] for before, m in pairwise(taken))
        assert len({(m["group_id"], m["bus_id"], m["arrived_at"], m["channel"]) for m in taken}) == 1


def test_groups_fill_a_bus_and_the_last_takes_who_is_left(ran, clockwork):
    sizes = defaultdict(dict)
    for m in ran(clockwork, bus_occupancy=Normal(7, 0), group_size=Normal(3, 0), hours=2).of("buy_tickets"):
        sizes[m["bus_id"]][m["first_visitor_id"]] = m["party_size"]

    assert [list(dict(sorted(groups.items())).values()) for groups in sizes.values()] == [[3, 3, 1]] * 3


def test_tickets_cost_their_price_times_the_party(ran):
    sales = ran(ticket_price_cents=1234).of("buy_tickets")

    assert {m["amount_cents"] / m["party_size"] for m in sales} == {1234}


@pytest.mark.parametrize("one_line", [False, True])
def test_no_server_serves_two_at_once(ran, one_line):
    messages = ran(hours=3, one_line=one_line).messages
    for kind, servers in (("buy_tickets", 6), ("scan_tickets", 4)):
        at_work = Counter()
        busiest = Counter()
        moments = sorted(
            (time, change, m["line"])
            for m in messages
            if m["event_type"] == kind
            for time, change in ((m["started_at"], 1), (m["event_time"], -1))
        )
        for _, change, line in moments:
            at_work[line] += change
            busiest[line] = max(busiest[line], at_work[line])
        assert busiest == ({1: servers} if one_line else dict.fromkeys(range(1, servers + 1), 1))


@pytest.mark.parametrize("kind", ["seller", "scanner"])
def test_the_line_joined_is_a_shortest_one(ran, kind):
    """Recounts the lines: a walk's end makes one longer, a service's end shorter."""
    walk, service = f"walk_to_{kind}", {"seller": "buy_tickets", "scanner": "scan_tickets"}[kind]
    length = Counter()
    chosen = {}
    joined_together = Counter()
    for m in ran(hours=3, seed=11).messages:
        if m["event_type"] == service:
            length[m["line"]] -= 1
        elif m["event_type"] == walk:
            party = m["group_id"], m["event_time"]
            if party not in chosen:
                lines = range(1, (6 if kind == "seller" else 4) + 1)
                assert length[m["line"]] == min(length[line] for line in lines)
                chosen[party] = m["line"]
                joined_together[m["line"]] += 1
            assert m["line"] == chosen[party]
            length[m["line"]] += 1
    assert len(joined_together) == (6 if kind == "seller" else 4)
    assert min(joined_together.values()) > 0.5 * max(joined_together.values()), "ties are not broken evenly"


@pytest.mark.parametrize(
    "staff",
    [{"sellers": 3}, {"sellers": 40}, {"scanners": 1}, {"scanners": 9}, {"one_line": True}],
    ids=str,
)
def test_other_staff_changes_nothing_but_waiting(ran, staff):
    def seen(messages):
        durations = {}
        for m in messages:
            if m["event_type"] == "hour_closed" or m["event_type"] in WAITS:
                continue
            about = ("arrived_at", "bus_id", "first_visitor_id", "party_size", "group_id", "channel", "amount_cents")
            key = (m["event_type"], *(m.get(name) for name in about))
            durations[key] = m["event_time"] - m["started_at"]
        return durations

    def waits(messages):
        return sum(m["event_time"] - m["started_at"] for m in messages if m["event_type"] in WAITS)

    usual, other = ran(hours=2).messages, ran(hours=2, **staff).messages

    assert seen(other) == seen(usual)
    assert waits(other) != waits(usual)
