"""The recursion gives the waits of the SimPy model, to the microsecond."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.distributions import Exponential, Normal
from simulator.events import HOUR_US
from simulator.planning import replication as planning_replication
from simulator.planning.replication import Observation, Replication, observe, observe_events, observe_stage
from simulator.scenario import Scenario, built_in_names, load_scenario

MINUTES = st.floats(0.01, 3)


def durations(means=MINUTES):
    """Normal, constant and exponential durations, minutes."""
    return st.one_of(
        st.builds(lambda mean, spread: Normal(mean, mean * spread), means, st.floats(0, 0.5)),
        st.builds(lambda mean: Normal(round(mean, 1) or 0.1, 0), means),
        st.builds(Exponential, means),
    )


SCENARIOS = st.builds(
    lambda **parameters: replace(load_scenario("original"), **parameters),
    minutes_between_buses=st.one_of(st.builds(Exponential, st.floats(0.5, 10)), durations(st.floats(0.5, 10))),
    bus_occupancy=st.one_of(st.builds(Normal, st.floats(1, 40), st.floats(0, 20)), st.builds(Exponential, MINUTES)),
    group_size=st.builds(Normal, st.floats(1, 5), st.floats(0, 2)),
    box_office_share=st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0])),
    walk_to_sellers_minutes=durations(),
    walk_to_scanners_minutes=durations(),
    sellers=st.integers(1, 12),
    sale_minutes=durations(),
    scanners=st.integers(1, 8),
    scan_minutes=durations(st.floats(0.01, 0.5)),
    one_line=st.booleans(),
)

DAYS = st.one_of(
    st.just(()), st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=24, max_size=24).map(lambda day: (1.0, *day[1:]))
)


@pytest.fixture
def events_run(monkeypatch):
    """The replications that ``observe`` has handed over to the model itself."""
    run: list[Replication] = []

    def counted(replication: Replication) -> Observation:
        run.append(replication)
        return observe_events(replication)

    monkeypatch.setattr(planning_replication, "observe_events", counted)
    return run


def assert_equal(found: Observation, expected: Observation) -> None:
    for stage in ("sellers", "scanners"):
        for column in ("arrived", "waited", "visitors"):
            left, right = getattr(getattr(found, stage), column), getattr(getattr(expected, stage), column)
            assert left.dtype == right.dtype
            assert np.array_equal(left, right), (stage, column)


@settings(max_examples=60, deadline=None)
@given(
    scenario=SCENARIOS, day=DAYS, seed=st.integers(0, 2**64 - 1), number=st.integers(1, 2**31), hours=st.floats(0, 2)
)
def test_the_waits_are_the_models_for_any_venue_staff_and_seed(scenario, day, seed, number, hours):
    gaps = scenario.minutes_between_buses
    rates = day if isinstance(gaps, Exponential) else ()
    replication = Replication(replace(scenario, bus_rate_by_hour=rates), seed, number, round(hours * HOUR_US))
    expected = observe_events(replication)
    assert_equal(observe(replication), expected)
    assert np.array_equal(observe_stage("sellers", replication).waited, expected.sellers.waited)


def built_in_venues() -> list[Scenario]:
    """Each kind of venue of each built-in scenario."""
    return [kind for name in built_in_names() for kind in load_scenario(name).kinds]


@pytest.mark.parametrize("venue", built_in_venues(), ids=lambda venue: f"{venue.name}-{venue.sellers}")
def test_the_waits_are_the_models_for_every_built_in_venue(venue, events_run):
    for number in (1, 2):
        replication = Replication(venue, 7, number, 3 * HOUR_US)
        assert_equal(observe(replication), observe_events(replication))
    assert not events_run


CONSTANT = {
    "minutes_between_buses": Normal(1, 0),
    "bus_occupancy": Normal(6, 0),
    "walk_to_sellers_minutes": Normal(1, 0),
    "walk_to_scanners_minutes": Normal(0.5, 0),
    "sale_minutes": Normal(0.5, 0),
    "scan_minutes": Normal(0.25, 0),
}


@pytest.mark.parametrize("one_line", [False, True])
@pytest.mark.parametrize(("sellers", "scanners"), [(2, 2), (2, 3), (5, 2)])
def test_where_everything_happens_at_once_the_waits_are_the_models(one_line, sellers, scanners, events_run):
    venue = replace(load_scenario("original"), **CONSTANT, one_line=one_line, sellers=sellers, scanners=scanners)
    replication = Replication(venue, 7, 1, HOUR_US // 2)
    assert_equal(observe(replication), observe_events(replication))
    assert events_run  # the recursion has seen that it cannot tell
    assert observe_events(replication).scanners.waited.any()


@pytest.mark.parametrize(
    ("walk", "events"),
    [(Normal(2.25, 0), False), (Normal(1.75, 0), False), (Normal(2, 0), True)],
    ids=["scheduled before the service began", "scheduled after the service began", "scheduled as it began"],
)
def test_a_group_that_joins_as_a_service_ends_meets_the_line_that_the_model_shows(walk, events, events_run):
    """One visitor a minute, services of two minutes: every joining is in the microsecond of a service's end."""
    venue = replace(
        load_scenario("original"),
        minutes_between_buses=Normal(1, 0),
        bus_occupancy=Normal(1, 0),
        box_office_share=1.0,
        walk_to_sellers_minutes=walk,
        sale_minutes=Normal(2, 0),
        sellers=3,
        scanners=3,
    )
    replication = Replication(venue, 7, 1, HOUR_US)
    assert np.array_equal(observe_stage("sellers", replication).waited, observe_events(replication).sellers.waited)
    assert bool(events_run) is events
