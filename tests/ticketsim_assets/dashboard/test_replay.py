"""What the page replays, and what its model says of another staffing: what the simulator says of the same visitors."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from simulator.scenario import Scenario, load_scenario
from ticketsim_assets.dashboard.replay import MOST_VISITORS, ReplayDay, busiest_and_newest, packed_day

from .replay_model import Staffing, run_model, simulated, waits_of

pytestmark = pytest.mark.slow

ONE_LINE = "six-sellers-four-scanners-one-line"


def staffed(name: str, more_sellers: int, more_scanners: int) -> Scenario:
    scenario = load_scenario(name)
    return replace(scenario, sellers=scenario.sellers + more_sellers, scanners=scenario.scanners + more_scanners)


def staffing(scenario: Scenario) -> Staffing:
    return Staffing(scenario.sellers, scenario.scanners, scenario.one_line)


def most_apart(one: Sequence[int], other: Sequence[int]) -> float:
    return float(np.max(np.abs(np.subtract(one, other))))


def percentile(waits: Sequence[int], percent: float) -> float:
    return float(np.percentile(waits, percent, method="inverted_cdf"))


@pytest.fixture(scope="module")
def original() -> ReplayDay:
    return simulated(load_scenario("original"))


@pytest.fixture(scope="module")
def one_line() -> ReplayDay:
    return simulated(load_scenario(ONE_LINE), hours=8)


def test_at_the_recorded_staffing_every_wait_is_the_recorded_one_within_ten_milliseconds(
    original: ReplayDay, one_line: ReplayDay
) -> None:
    days = (original, one_line)
    for day, [found] in zip(days, run_model([(day, [None]) for day in days]), strict=True):
        assert most_apart(found.sellers, waits_of(day).sellers) <= 10_000
        assert most_apart(found.scanners, waits_of(day).scanners) <= 10_000


def test_with_one_shared_line_every_wait_under_another_staffing_is_the_simulators(one_line: ReplayDay) -> None:
    others = [staffed(ONE_LINE, *more) for more in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    [found] = run_model([(one_line, [staffing(other) for other in others])], resolution_us=1)
    for other, waits in zip(others, found, strict=True):
        expected = waits_of(simulated(other, hours=8))
        assert most_apart(waits.sellers, expected.sellers) <= 10_000
        assert most_apart(waits.scanners, expected.scanners) <= 10_000


@pytest.mark.parametrize("seed", range(1, 6))
def test_with_a_line_for_each_percentiles_under_another_staffing_are_the_simulators_but_for_the_luck_of_ties(
    seed: int,
) -> None:
    day, other = simulated(load_scenario("original"), seed), staffed("original", 2, 1)
    [[waits]] = run_model([(day, [staffing(other)])])
    expected = waits_of(simulated(other, seed))
    for percent in (50, 95):
        for stage, seconds in (("sellers", 0), ("scanners", 0.5)):
            found, simulators = (percentile(getattr(of, stage), percent) for of in (waits, expected))
            assert found == pytest.approx(simulators, rel=0.02, abs=seconds * 1e6)


def test_a_day_of_fifty_thousand_visitors_takes_less_than_a_fifth_of_a_megabyte(original: ReplayDay) -> None:
    assert sum(len(group.scans) for group in original.groups) > 45_000
    assert len(msgspec.json.encode(packed_day(original))) < 212_000


def test_the_newest_day_of_each_venue_is_replayed_and_the_busiest_ones() -> None:
    hours = {
        "run": [0, 0, 0, 0, 0, 1],
        "venue": [0, 0, 1, 0, 0, 0],
        "hour": [100 * 24, 100 * 24 + 5, 101 * 24, 102 * 24, 103 * 24, 104 * 24],
        "visitors_arrived": [4, 5, 7, 6, 0, 9],
    }
    assert busiest_and_newest(hours, 0) == [(0, 102), (1, 101), (0, 100)]


def test_busiest_days_that_would_make_the_page_too_large_are_left_out_first() -> None:
    many = MOST_VISITORS * 2 // 5
    hours = {"run": [0] * 3, "venue": [0, 0, 1], "hour": [0, 24, 48], "visitors_arrived": [many + 1, many, many]}
    assert busiest_and_newest(hours, 0) == [(0, 1), (1, 2)]
