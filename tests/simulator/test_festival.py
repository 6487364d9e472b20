import json
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from math import exp, sqrt
from pathlib import Path

import pytest

from simulator.daily_rate import streams_of_day
from simulator.distributions import MINUTE_US, Exponential, Streams
from simulator.events import HOUR_US
from simulator.exceptions import ScenarioError
from simulator.scenario import load_scenario
from simulator.utilisation import generous_drain_us, utilisation, utilisation_by_hour

COMMAND = Path(sys.executable).with_name("ticketsim")
FESTIVAL = load_scenario("festival")
MIDNIGHT = 1_772_323_200_000_000
DAYS = 400


@pytest.fixture(scope="module")
def moments():
    """When buses come at the main gate in many days."""
    streams = streams_of_day(Streams(7, 1), FESTIVAL.bus_rate_by_hour, MIDNIGHT)
    now, found = MIDNIGHT, []
    for gap in streams.microseconds("minutes_between_buses", FESTIVAL.minutes_between_buses):
        now += gap
        if now >= MIDNIGHT + DAYS * 24 * HOUR_US:
            return found
        found.append(now)
    raise AssertionError("buses come forever")


def test_buses_come_at_the_rate_of_their_hour(moments):
    came = Counter(moment // HOUR_US % 24 for moment in moments)

    for hour, share in enumerate(FESTIVAL.bus_rate_by_hour):
        expected = DAYS * 60 / 3.0 * share
        assert abs(came[hour] - expected) < 4 * sqrt(expected), hour


def test_gaps_within_an_hour_are_exponential(moments):
    gaps = [b - a for a, b in pairwise(moments) if a // HOUR_US % 24 == 19 and a % HOUR_US < HOUR_US // 2]
    longer = sum(gap > 3 * MINUTE_US for gap in gaps) / len(gaps)

    assert len(gaps) > 3000
    assert longer == pytest.approx(exp(-1), abs=0.04)


def test_the_number_of_buses_in_an_hour_varies_as_poisson_has_it(moments):
    counts = Counter(moment // HOUR_US for moment in moments if moment // HOUR_US % 24 == 19)
    numbers = [counts[MIDNIGHT // HOUR_US + 24 * day + 19] for day in range(DAYS)]
    mean = sum(numbers) / DAYS
    variance = sum((n - mean) ** 2 for n in numbers) / (DAYS - 1)

    assert variance / mean == pytest.approx(1, abs=0.3)


def test_no_bus_comes_in_an_hour_without_buses():
    shares = (0.0,) * 10 + (1.0,) + (0.0,) * 13
    gaps = streams_of_day(Streams(1, 1), shares, MIDNIGHT).microseconds("minutes_between_buses", Exponential(10.0))
    now, hours = MIDNIGHT, set()
    for _ in range(200):
        now += next(gaps)
        hours.add(now // HOUR_US % 24)

    assert hours == {10}


def test_other_streams_are_those_of_any_day():
    plain = Streams(7, 2)
    of_day = streams_of_day(plain, FESTIVAL.bus_rate_by_hour, MIDNIGHT)

    for source in ("sale", "scan"):
        a, b = (streams.microseconds(source, FESTIVAL.sale_minutes) for streams in (plain, of_day))
        assert [next(a) for _ in range(5)] == [next(b) for _ in range(5)]
    assert streams_of_day(plain, (), MIDNIGHT) is plain


@pytest.mark.slow
def test_venues_are_of_the_kinds_in_turn(ran):
    sink = ran("festival", venues=4, hours=24)
    servers = defaultdict(set)
    for m in sink.of("hour_closed"):
        if "servers" in m:
            servers[m["venue_id"]].add((m["of_event_type"], m["servers"]))
    visitors = Counter()
    for m in sink.of("bus_arrival"):
        visitors[m["venue_id"]] += m["party_size"]

    for number in range(1, 5):
        kind = FESTIVAL.kinds[(number - 1) % 3]
        assert servers[f"venue-{number}"] == {("buy_tickets", kind.sellers), ("scan_tickets", kind.scanners)}
    assert visitors["venue-1"] > 2 * visitors["venue-2"] > 4 * visitors["venue-3"] > 0
    assert sum(m["event_count"] for m in sink.of("hour_closed")) == len(sink.sent) - len(sink.of("hour_closed"))


@pytest.mark.slow
def test_utilisation_by_hour_is_what_many_days_show(ran):
    days = 30
    kind = replace(FESTIVAL.kinds[1], venue_kinds=())
    came = Counter()
    for m in ran(kind, hours=24 * days).of("bus_arrival"):
        came[m["event_time"] // HOUR_US % 24] += m["party_size"]
    for hour, load in enumerate(utilisation_by_hour(kind)):
        expected = load.scanners * kind.scanners * 60 / 0.05
        assert came[hour] / days == pytest.approx(expected, rel=0.5 if expected < 100 else 0.25), hour


def test_the_festival_dips_at_noon_and_rushes_before_the_show():
    sellers = [load.sellers for load in utilisation_by_hour(FESTIVAL.kinds[0])]

    assert sellers[19] == max(sellers) == utilisation(FESTIVAL.kinds[0]).sellers > 1
    assert max(sellers[12:14]) < min(sellers[11], sellers[14])
    assert sum(sellers) / 24 < 0.6, "what the rush leaves is done in the evening"
    assert generous_drain_us(FESTIVAL, 24 * HOUR_US) > HOUR_US


def test_staffing_changes_nothing_but_waiting(ran):
    def visitors(sellers):
        kinds = tuple(replace(kind, sellers=sellers) for kind in FESTIVAL.kinds)
        sink = ran(replace(FESTIVAL, venue_kinds=kinds), run_id="x", venues=2, hours=12)
        return [(m["venue_id"], m["event_time"], m["party_size"]) for m in sink.of("bus_arrival")]

    assert visitors(2) == visitors(9)


def test_what_shapes_the_day_and_the_kinds_is_part_of_the_runs_name(plan):
    others = [
        replace(FESTIVAL, bus_rate_by_hour=(1.0,) * 24),
        replace(FESTIVAL, venue_kinds=FESTIVAL.venue_kinds[:2]),
        replace(FESTIVAL, venue_kinds=FESTIVAL.venue_kinds[::-1]),
    ]
    assert len({plan(scenario).run_id for scenario in [FESTIVAL, *others]}) == 4


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("bus_rate_by_hour = 3", ["bus_rate_by_hour", "3", "24"]),
        ("bus_rate_by_hour = [0.5, 1]", ["bus_rate_by_hour", "[0.5, 1]", "24"]),
        (f"bus_rate_by_hour = {[0] * 24}", ["bus_rate_by_hour", "above 0"]),
        (f"bus_rate_by_hour = {[1] * 23 + [2]}", ["bus_rate_by_hour[23]", "2", "from 0.0001 to 1, or 0"]),
        (f"bus_rate_by_hour = {[1] * 23 + ['x']}", ["bus_rate_by_hour[23]", "'x'"]),
        (
            f"bus_rate_by_hour = {[1] * 24}\n"
            'minutes_between_buses = { distribution = "normal", mean = 3.0, sd = 1.0 }',
            ["minutes_between_buses", "normal", "exponential"],
        ),
        ("venue_kinds = 3", ["venue_kinds", "3", "[[venue_kinds]]"]),
        ("[[venue_kinds]]\n[[venue_kinds]]\nsellers = 0", ["venue kind 2", "sellers", "0"]),
        ("[[venue_kinds]]\ncashiers = 0", ["venue kind 1", "cashiers"]),
        ('[[venue_kinds]]\nbase = "stable"', ["venue kind 1", "base", "stable"]),
        ("[[venue_kinds]]\n[[venue_kinds.venue_kinds]]", ["venue kind 1", "venue_kinds"]),
    ],
)
def test_an_impossible_day_or_kind_is_refused_by_name_and_value(tmp_path, text, named):
    file = tmp_path / "mine.toml"
    file.write_text(f'base = "original"\ndescription = "d"\n{text}')
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(str(file))

    for part in [*named, "mine.toml"]:
        assert part in str(refusal.value)


@pytest.mark.slow
def test_the_command_shows_the_day_of_every_kind():
    shown = subprocess.run([COMMAND, "scenarios"], capture_output=True, text=True, timeout=60, check=True)
    as_json = subprocess.run([COMMAND, "scenarios", "--json"], capture_output=True, text=True, timeout=60, check=True)
    festival = json.loads(as_json.stdout)["festival"]

    assert "venue 3" in shown.stderr
    assert [len(kind["utilisation_by_hour"]) for kind in festival["venue_kinds"]] == [24] * 3
    assert festival["venue_kinds"][0]["utilisation_by_hour"][19]["sellers"] > 1
    assert json.loads(as_json.stdout)["original"]["utilisation_by_hour"] == []
