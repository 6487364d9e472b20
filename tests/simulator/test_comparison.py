"""Comparisons, on a venue that is an M/M/c queue where theory says what a change does."""

from dataclasses import replace
from math import sqrt

import pytest

from simulator.distributions import Exponential, Normal
from simulator.exceptions import PlanError, ScenarioError
from simulator.planning.changes import parse_changes
from simulator.planning.comparison import compare
from simulator.planning.comparison_plot import rows
from simulator.planning.target import checked_target
from simulator.scenario import load_scenario

from .queueing_theory import erlang_wait
from .single_visitors import OFFERED

MINUTE_US = 60_000_000
TARGET = checked_target(60, 95)


def test_the_difference_of_mean_waits_is_that_of_theory(markov):
    (found,) = compare(replace(markov, sellers=5), replace(markov, sellers=6), TARGET, days=12, hours=20)
    difference = found.stages["sellers"].mean.difference.scaled(1 / MINUTE_US)
    expected = erlang_wait(6, OFFERED, OFFERED / 6) - erlang_wait(5, OFFERED, OFFERED / 5)
    assert difference.low < expected < difference.high
    assert difference.high - difference.low < 0.5 * abs(expected)
    assert found.stages["sellers"].mean.differs


def test_a_change_that_changes_nothing_makes_no_difference(markov):
    (found,) = compare(markov, markov, TARGET, days=3, hours=1)
    for compared in found.stages.values():
        for measure in (compared.mean, compared.share, *compared.percentiles.values()):
            assert (measure.difference.low, measure.difference.estimate, measure.difference.high) == (0, 0, 0)
            assert not measure.differs


def test_the_same_visitors_tell_a_small_difference_apart_where_two_crowds_would_not(markov):
    slower = replace(markov, sellers=8, sale_minutes=Exponential(1.02))
    (found,) = compare(replace(markov, sellers=8), slower, TARGET, days=10, hours=10)
    mean = found.stages["sellers"].mean
    independent = sqrt(sum((each.high - each.low) ** 2 for each in (mean.before, mean.after)))
    assert mean.differs
    assert mean.difference.estimate > 0
    assert mean.difference.high - mean.difference.low < independent / 3


def test_each_kind_of_venue_is_compared_by_itself():
    before = load_scenario("festival")
    found = compare(before, load_scenario("festival", {"scanners": 3}), TARGET, days=2, hours=1)
    assert [each.kind for each in found] == [*range(1, len(before.venue_kinds) + 1)]


@pytest.mark.slow
def test_workers_do_not_change_the_result(markov, monkeypatch):
    monkeypatch.setattr("simulator.planning.workers._WORTH_STARTING", 0)
    more = replace(markov, sellers=7)
    one, two = (compare(markov, more, TARGET, days=2, hours=0.5, workers=workers) for workers in (1, 2))
    assert one == two


def test_the_plot_has_each_percentile_before_and_after(markov):
    (found,) = compare(markov, replace(markov, sellers=7), TARGET, days=2, hours=0.5)
    shown = rows(found, "sellers")
    assert [row["version"] for row in shown[:2]] == ["before", "after"]
    waits = [row["wait"] for row in shown if row["version"] == "before"]
    assert waits == sorted(waits)


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ({"days": 1}, r"Invalid --days 1; expected 2 to 1,000"),
        ({"hours": 0}, r"Invalid --hours 0"),
        ({"hours": float("nan")}, r"Invalid --hours nan"),
        ({"seed": -1}, r"Invalid --seed -1"),
        ({"workers": 0}, r"Invalid number of workers"),
    ],
)
def test_invalid_arguments_are_refused_by_value(markov, arguments, wrong):
    with pytest.raises(PlanError, match=wrong):
        compare(markov, markov, TARGET, **arguments)


def test_changes_are_toml_and_of_a_distribution_a_single_number_can_be_set():
    changes = parse_changes(["sellers=8", "sale_minutes.mean=1.5", 'scan_minutes={distribution="exponential",mean=1}'])
    changed, before = load_scenario("original", changes), load_scenario("original")
    assert (changed.sellers, changed.sale_minutes, changed.scan_minutes) == (8, Normal(1.5, 0.2), Exponential(1))
    assert replace(changed, sellers=6, sale_minutes=before.sale_minutes, scan_minutes=before.scan_minutes) == before


def test_a_change_holds_for_kinds_of_venues_that_have_a_value_of_their_own():
    changed = load_scenario("festival", {"scanners": 2})
    assert {kind.scanners for kind in changed.kinds} == {2}
    assert {kind.sellers for kind in changed.kinds} == {kind.sellers for kind in load_scenario("festival").kinds}


@pytest.mark.parametrize(
    "assignments", [["sellers"], ["sellers="], ["sellers=8", "sellers=9"], ["one_line=True"], ["=8"], ["a" * 5000]]
)
def test_what_is_no_assignment_is_refused_with_an_example(assignments):
    with pytest.raises(PlanError, match=r"Invalid --set .*expected KEY=VALUE .* sellers=8"):
        parse_changes(assignments)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"seller": 8}, "scenario original: seller = 8 is no parameter to change; known are minutes_between_buses"),
        ({"base": "stable"}, "base = 'stable' is no parameter to change"),
        ({"venue_kinds": []}, "is no parameter to change"),
        ({"sellers": 0}, "scenario original, changed: sellers = 0 must be a whole number from 1"),
        ({"sale_minutes": {"typo": 1}}, r"unknown parameter sale_minutes\.typo"),
        ({"sale_minutes": 3}, "sale_minutes = 3 must be like"),
    ],
)
def test_a_change_that_a_file_could_not_make_is_refused_by_name_and_value(changes, wrong):
    with pytest.raises(ScenarioError, match=wrong):
        load_scenario("original", changes)
