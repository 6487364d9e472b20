"""The simulation against queueing theory; ``pytest -rP tests/simulator/test_theory.py`` prints the docs' table."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import sqrt
from statistics import fmean, stdev

import pytest

from simulator.distributions import Exponential, Normal
from simulator.events import HOUR_US
from simulator.run import simulate
from simulator.scenario import Scenario, built_in_names, load_scenario
from simulator.utilisation import utilisation

from .queueing_theory import erlang_wait, pollaczek_khinchine
from .single_visitors import single_visitors

pytestmark = pytest.mark.slow

MINUTE_US = 60_000_000

#: When buses come in every scenario.
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: Replications of one experiment, and the factors of their t intervals (9 degrees of freedom).
REPLICATIONS = 10
T_95, T_999 = 2.262, 4.781


@pytest.fixture(params=built_in_names())
def built_in(request) -> str:
    return request.param


@dataclass
class Receipts:
    """A sink that keeps receipts only."""

    kept: list[dict] = field(default_factory=list)

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        if topic.endswith("hour_closed"):
            self.kept.append(json.loads(value))

    def poll(self) -> None:
        pass

    def flush(self) -> None:
        pass


@dataclass(frozen=True)
class Interval:
    """A mean of replications and half the width of its interval."""

    mean: float
    half: float

    @classmethod
    def of(cls, values: list[float], t: float) -> "Interval":
        return cls(fmean(values), t * stdev(values) / sqrt(len(values)))

    def __contains__(self, value: float) -> bool:
        return abs(value - self.mean) <= self.half

    def row(self, name: str, theory: float) -> str:
        return (
            f"| {name} | {theory:.4f} | {self.mean:.4f} | {self.mean - self.half:.4f} to {self.mean + self.half:.4f} |"
        )


def markovian(sellers: int, scanners: int, load: float, every_minutes: float = 0.2) -> Scenario:
    """M/M/c twice: what leaves the first stage is a Poisson process again (Burke's theorem)."""
    return single_visitors(
        every_minutes,
        sellers=sellers,
        scanners=scanners,
        sale_minutes=Exponential(load * sellers * every_minutes),
        scan_minutes=Exponential(load * scanners * every_minutes),
    )


@pytest.fixture
def mean_waits(plan) -> Callable[..., dict[str, list[float]]]:
    """Mean minutes of wait of each replication, by stage, without the first hour."""

    def measure(scenario: Scenario, hours: int, seed: int) -> dict[str, list[float]]:
        sink = Receipts()
        run = plan(scenario, hours=hours, venues=REPLICATIONS, seed=seed, run_id="theory", drain=False)
        simulate(run, sink)
        minutes, visitors = defaultdict(float), defaultdict(int)
        for m in sink.kept:
            if m["hour_start"] > run.start_us:
                minutes[m["of_event_type"], m["venue_id"]] += m["duration_us"] / MINUTE_US
                visitors[m["of_event_type"], m["venue_id"]] += m["event_count"]
        return {
            stage: [minutes[key] / count for key, count in visitors.items() if key[0] == f"wait_in_{stage}_line"]
            for stage in ("seller", "scanner")
        }

    return measure


@pytest.mark.parametrize(("sellers", "scanners", "load"), [(1, 2, 0.5), (3, 5, 0.7), (6, 4, 0.75)])
def test_waits_of_single_visitors_in_one_line_are_erlangs(mean_waits, sellers, scanners, load):
    scenario = markovian(sellers, scanners, load)
    waits = mean_waits(scenario, hours=6, seed=1)

    for stage, servers, service in (
        ("seller", sellers, scenario.sale_minutes.mean),
        ("scanner", scanners, scenario.scan_minutes.mean),
    ):
        theory = erlang_wait(servers, load * servers / service, load)
        interval = Interval.of(waits[stage], T_999)
        print(Interval.of(waits[stage], T_95).row(f"M/M/{servers}, load {load}, {stage}s", theory))
        assert theory in interval
        assert interval.half < 0.9 * theory, "the interval says nothing"


@pytest.mark.parametrize("variation", [0.0, 0.2])
def test_waits_for_one_server_follow_pollaczek_and_khinchine(mean_waits, variation):
    load, every = 0.7, 0.2
    service = load * every
    scenario = single_visitors(every, sellers=1, scanners=1, sale_minutes=Normal(service, variation * service))
    scenario = replace(scenario, scan_minutes=Normal(0.001, 0))
    theory = pollaczek_khinchine(load, service, variation)
    waits = mean_waits(scenario, hours=6, seed=2)["seller"]

    print(Interval.of(waits, T_95).row(f"M/G/1, load {load}, variation {variation}", theory))
    assert theory in Interval.of(waits, T_999)


def test_visitors_of_a_full_bus_wait_for_the_buses_before_and_for_those_ahead_of_them(mean_waits):
    """A bus is a customer of M/D/1; in it, half of the others are on average ahead."""
    load, every, people = 0.7, 1.0, 5
    service = load * every / people
    scenario = single_visitors(every, sellers=1, scanners=1, sale_minutes=Normal(service, 0))
    scenario = replace(scenario, bus_occupancy=Normal(people, 0), scan_minutes=Normal(0.001, 0))
    theory = pollaczek_khinchine(load, people * service, 0.0) + (people - 1) / 2 * service
    waits = mean_waits(scenario, hours=16, seed=3)["seller"]

    print(Interval.of(waits, T_95).row(f"M/D/1 with buses of {people}, load {load}", theory))
    assert theory in Interval.of(waits, T_999)


@pytest.mark.parametrize(("experiments", "least"), [(10, 8), pytest.param(100, 88, marks=pytest.mark.nightly)])
def test_the_interval_of_95_percent_holds_erlangs_wait_as_often_as_it_says(mean_waits, experiments, least):
    """With a true 95 %, the probability of fewer than ``least`` is 1 % for 10 experiments and 0.4 % for 100."""
    scenario = markovian(3, 2, 0.6)
    right = {"seller": erlang_wait(3, 5, 0.6), "scanner": erlang_wait(2, 5, 0.6)}
    held = dict.fromkeys(right, 0)
    for seed in range(experiments):
        waits = mean_waits(scenario, hours=3, seed=seed)
        for stage, theory in right.items():
            held[stage] += theory in Interval.of(waits[stage], T_95)

    print(held)
    assert min(held.values()) >= least


@pytest.mark.parametrize("name", ["original", "four-sellers-two-scanners"])
def test_staff_is_busy_for_the_work_that_arrives(plan, name):
    """Also where it is too much: all of it is done in the end."""
    scenario, hours = load_scenario(name), 4
    sink = Receipts()
    simulate(plan(name, hours=hours, venues=REPLICATIONS, seed=4), sink)
    busy = defaultdict(float)
    for m in sink.kept:
        if m.get("servers"):
            busy[m["of_event_type"], m["venue_id"]] += m["duration_us"] / (hours * 60 * MINUTE_US * m["servers"])

    for kind, theory in (
        ("buy_tickets", utilisation(scenario).sellers),
        ("scan_tickets", utilisation(scenario).scanners),
    ):
        shares = [share for (of, _), share in busy.items() if of == kind]
        print(Interval.of(shares, T_95).row(f"utilisation of {name}, {kind}", theory))
        assert theory in Interval.of(shares, T_999)
        assert Interval.of(shares, T_999).half < 0.3 * theory, "the interval says nothing"


def area_under(changes: Iterator[tuple[int, int]]) -> int:
    """The integral over time of a number that changes at moments in order, from 0 and back to 0."""
    area = number = before = 0
    for moment, change in changes:
        area += number * (moment - before)
        number, before = number + change, moment
    assert number == 0
    return area


def test_littles_law_holds_exactly_in_every_scenario(ran, built_in):
    """Number inside, counted from who comes and goes, is rate times time inside, added up from all steps."""
    messages = [m for m in ran(built_in, start=NOON).messages if m["event_type"] != "hour_closed"]
    inside = area_under(
        (m["event_time"], m["party_size"] if m["event_type"] == "bus_arrival" else -1)
        for m in messages
        if m["event_type"] in ("bus_arrival", "scan_tickets")
    )
    steps = sum(m["party_size"] * (m["event_time"] - m["started_at"]) for m in messages)

    assert inside == steps > 0


@pytest.mark.parametrize("kind", ["seller", "scanner"])
def test_littles_law_holds_exactly_for_the_lines_of_every_scenario(ran, built_in, kind):
    sent = ran(built_in, start=NOON).messages
    joins, leaves = f"walk_to_{kind}", f"wait_in_{kind}_line"
    waiting = area_under(
        (m["event_time"], 1 if m["event_type"] == joins else -1) for m in sent if m["event_type"] in (joins, leaves)
    )

    assert waiting == sum(m["duration_us"] for m in sent if m.get("of_event_type") == leaves) > 0


def test_whoever_arrives_is_scanned_or_still_inside(ran, built_in):
    """Doors that close half a minute after a bus has come: what happened until then is what would have happened."""
    drained = ran(built_in, start=NOON, run_id="x")
    last_bus = max(m["event_time"] for m in drained.of("bus_arrival"))
    until = last_bus + MINUTE_US // 2
    hours = (until - NOON.timestamp() * 1e6) / HOUR_US
    cut = ran(built_in, start=NOON, hours=hours, run_id="x", drain=False)

    arrived = sum(m["party_size"] for m in cut.of("bus_arrival"))
    scanned = {m["first_visitor_id"] for m in cut.of("scan_tickets")}
    later = {m["first_visitor_id"] for m in drained.of("scan_tickets") if m["event_time"] >= until}
    assert arrived == sum(m["party_size"] for m in drained.of("bus_arrival"))
    assert not scanned & later
    assert scanned | later == set(range(arrived))
    assert later, "nobody was inside at the end"


def test_waits_under_overload_grow_as_work_piles_up(ran, clockwork):
    """Ten visitors a minute, one seller who serves five: one waits for all sales before, less the time since then."""
    sale, people = 12_000_000, 10
    sales = ran(
        clockwork,
        minutes_between_buses=Normal(1, 0),
        bus_occupancy=Normal(people, 0),
        sale_minutes=Normal(sale / MINUTE_US, 0),
        scan_minutes=Normal(0.01, 0),
        sellers=1,
    ).of("wait_in_seller_line")

    waits = [m["event_time"] - m["started_at"] for m in sales]
    assert waits == [k * sale - k // people * MINUTE_US for k in range(59 * people)]


@pytest.mark.parametrize("one_line", [False, True])
def test_nobody_waits_where_there_is_always_a_free_server(ran, one_line):
    plenty = ran(sellers=2000, scanners=2000, one_line=one_line, group_size=Normal(1, 0)).of("hour_closed")
    waits = {m["of_event_type"]: m for m in plenty if m["of_event_type"].startswith("wait_in")}

    assert sorted(waits) == ["wait_in_scanner_line", "wait_in_seller_line"]
    assert all(m["event_count"] > 0 for m in waits.values())
    assert all(m["duration_us"] == 0 for m in plenty if m["of_event_type"].startswith("wait_in"))


@pytest.mark.parametrize(("share", "sold"), [(0.0, False), (1.0, True)])
def test_everyone_or_nobody_buys_at_the_venue_at_the_ends_of_the_share(ran, share, sold):
    sent = ran(box_office_share=share)
    visitors = sum(m["party_size"] for m in sent.of("bus_arrival"))

    assert sum(m["party_size"] for m in sent.of("buy_tickets")) == (visitors if sold else 0)
    assert len(sent.of("scan_tickets")) == visitors > 0


def test_a_run_that_no_bus_reaches_sends_receipts_of_nothing(ran):
    sent = ran(minutes_between_buses=Normal(10_000, 0), hours=2).messages

    assert len(sent) == 2 * 7
    assert {m["event_count"] for m in sent} == {0}
    assert [m["final"] for m in sent] == [False] * 7 + [True] * 7
