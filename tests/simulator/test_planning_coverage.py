"""How often a trial's interval holds the truth, and its verdict is right, for visitors who come by bus.

Buses bring five visitors each, every one of whom buys for the same time at the only seller. So a bus's first visitor
waits as in M/D/1, for which Erlang's formula is exact, and the others wait for those before as well.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from functools import cache
from math import factorial

import numpy as np
import pytest

from simulator.distributions import MINUTE_US, Exponential, Normal
from simulator.planning.demand import Stage, demand_of
from simulator.planning.replication import Replication, Waits, observe_stage
from simulator.planning.target import checked_target
from simulator.planning.trial import TrialRunner
from simulator.scenario import Scenario, load_scenario

PEOPLE = 5
SALE_MINUTES = 0.2  # so that a bus brings a minute of work


def venue(load: float) -> Scenario:
    return replace(
        load_scenario("original"),
        minutes_between_buses=Exponential(PEOPLE * SALE_MINUTES / load),
        bus_occupancy=Normal(PEOPLE, 0),
        group_size=Normal(1, 0),
        box_office_share=1.0,
        walk_to_sellers_minutes=Normal(1, 0),
        sale_minutes=Normal(SALE_MINUTES, 0),
        scan_minutes=Normal(0.001, 0),
    )


class Lindley:
    """Workers who find the waits of such a venue by Lindley's recursion, a thousand buses at once."""

    def observe(self, stage: Stage, replications: Sequence[Replication]) -> list[Waits]:
        """Return the sellers' waits of each replication."""
        return [self.waits(replication) for replication in replications]

    @staticmethod
    def waits(replication: Replication) -> Waits:
        generator = np.random.default_rng([replication.seed, replication.number])
        gap_us = replication.scenario.minutes_between_buses.mean * MINUTE_US
        buses = round(replication.length_us / gap_us)
        gaps = generator.exponential(gap_us, buses)
        work = np.cumsum(PEOPLE * SALE_MINUTES * MINUTE_US - gaps)
        waited = np.concatenate([[0.0], work[:-1] - np.minimum.accumulate(np.minimum(work, 0))[:-1]])
        places = np.arange(PEOPLE) * SALE_MINUTES * MINUTE_US
        waits = np.rint(waited[:, None] + places).astype(np.int64).ravel()
        arrived = np.minimum(np.cumsum(gaps), replication.length_us - 1).astype(np.int64).repeat(PEOPLE)
        return Waits(arrived, waits, np.ones_like(waits))


@cache
def percentile_us(load: float) -> float:
    """The wait that 95 % of visitors do not exceed, microseconds: Erlang's formula for M/D/1, which alternates."""

    def below(wait: float) -> float:
        return sum(first_waits_at_most(wait - place * SALE_MINUTES, load) for place in range(PEOPLE)) / PEOPLE

    low, high = 0.0, 100.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < 0.95 else (low, middle)
    return high * MINUTE_US


def first_waits_at_most(wait: float, load: float) -> float:
    if wait < 0:
        return 0.0
    with localcontext() as context:
        context.prec = 150
        rate, service = Decimal(load) / Decimal(PEOPLE * SALE_MINUTES), Decimal(PEOPLE * SALE_MINUTES)
        left = [rate * (Decimal(wait) - number * service) for number in range(int(wait / (PEOPLE * SALE_MINUTES)) + 1)]
        terms = [x.exp() * (-x) ** n / factorial(n) if n else x.exp() for n, x in enumerate(left)]
        return float((1 - Decimal(load)) * sum(terms))


def covered(load: float, experiments: int, precision: float) -> int:
    """How many trials against a target that is the truth itself end with an interval that holds it.

    The larger the precision, percent, the fewer replications they end with.
    """
    demand, truth = demand_of(venue(load), 7), percentile_us(load)
    intervals = []
    for seed in range(experiments):
        runner = TrialRunner(demand, checked_target(truth / 1e6, 95, precision), seed, Lindley(), lambda _: None)
        intervals.append(runner.trial("sellers", 1, None).estimate.wait)
    return sum(interval is not None and interval.low <= truth <= interval.high for interval in intervals)


def test_erlangs_formula_is_that_of_a_queue_with_constant_services():
    # Half of M/M/1's: the mean of M/D/1 at load 0.8 is 2 services, the integral of who still waits.
    waits = np.arange(0, 40, 0.25)
    mean = 0.25 * sum(1 - first_waits_at_most(float(wait) + 0.125, 0.8) for wait in waits)
    assert mean == pytest.approx(2, rel=0.002)
    assert first_waits_at_most(0, 0.8) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("waits", "buses", "within"),
    [(Lindley.waits, 500_000, 0.02), (lambda replication: observe_stage("sellers", replication), 20_000, 0.06)],
    ids=["all at once", "the planner's"],
)
def test_the_waits_are_those_of_erlangs_formula(waits, buses, within):
    replication = Replication(replace(venue(0.5), sellers=1), 7, 1, buses * 2 * MINUTE_US)
    found = float(np.quantile(waits(replication).waited, 0.95))
    assert found == pytest.approx(percentile_us(0.5), rel=within)


@pytest.mark.slow
def test_intervals_on_bus_arrivals_hold_the_truth():
    # One that covers 95 times in 100 covers fewer than 21 of 25 with a probability below 1 %.
    assert covered(0.85, 25, precision=25) >= 21


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("load", [0.85, 0.95])
@pytest.mark.parametrize("precision", [10, 25])
def test_of_many_intervals_on_bus_arrivals_94_in_100_hold_the_truth(load, precision):
    assert covered(load, 300, precision) >= 0.94 * 300
