from dataclasses import replace

import pytest

from simulator.distributions import Exponential
from simulator.exceptions import PlanError
from simulator.planning.rush import rushes
from simulator.planning.search import find_plan
from simulator.planning.target import checked_target
from simulator.scenario import load_scenario
from simulator.utilisation import utilisation, utilisation_by_hour

FESTIVAL = load_scenario("festival")


def test_every_kind_of_venue_is_planned_for_its_own_busiest_hours():
    found = rushes(FESTIVAL)

    assert [(rush.kind, rush.hours) for rush in found] == [(1, (19,)), (2, (19,)), (3, (8, 9))]
    for rush, kind in zip(found, FESTIVAL.kinds, strict=True):
        assert utilisation(rush.scenario) == max(utilisation_by_hour(kind), key=lambda load: load.sellers)
        assert not rush.scenario.bus_rate_by_hour
        assert not rush.scenario.venue_kinds


def test_a_rush_below_the_full_rate_has_as_many_buses_as_come_then():
    half = replace(FESTIVAL, venue_kinds=(), bus_rate_by_hour=(0.1,) * 12 + (0.5,) + (0.2,) * 11)
    [rush] = rushes(half)

    assert rush.scenario.minutes_between_buses == Exponential(6.0)
    assert (rush.kind, rush.hours, rush.name) == (None, (12,), "festival, busiest hour 12 UTC")


def test_a_scenario_that_is_always_the_same_is_planned_as_it_is():
    [rush] = rushes(load_scenario("original"))

    assert rush.scenario == load_scenario("original")
    assert rush.name == "original"


def test_a_scenario_with_hours_that_differ_is_no_one_plan():
    with pytest.raises(PlanError, match="Scenario festival has several kinds of venues or busier hours"):
        find_plan(FESTIVAL, checked_target(300, 95))
