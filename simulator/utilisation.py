"""Utilisation of a scenario's staff, computed from its parameters."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt
from typing import Final

from simulator.distributions import Distribution
from simulator.events import HOUR_US
from simulator.scenario import Scenario

#: From this utilisation on, lines depend on more than the last hour.
_BUSY: Final = 0.8

_HOURS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Share of time in which servers are busy; from 1 on, lines grow without bound."""

    sellers: float
    scanners: float


def utilisation(scenario: Scenario) -> Utilisation:
    """Compute the utilisation of a venue's sellers and scanners; with a daily profile, at the full rate.

    Groups on a bus are counted by renewal theory: the last group, cut off when the bus is empty, would on average
    exceed it by ``(E[size^2] - E[size]) / (2 E[size])``. That is exact for buses much larger than groups.
    """
    visitors, _ = _moments(scenario.bus_occupancy)
    size, size_squared = _moments(scenario.group_size)
    groups = max(1.0, (visitors + (size_squared - size) / (2 * size)) / size)
    buses = 1 / scenario.minutes_between_buses.mean_above(0)
    return Utilisation(
        sellers=buses * groups * scenario.box_office_share * scenario.sale_minutes.mean_above(0) / scenario.sellers,
        scanners=buses * visitors * scenario.scan_minutes.mean_above(0) / scenario.scanners,
    )


def utilisation_by_hour(scenario: Scenario) -> tuple[Utilisation, ...]:
    """Compute the utilisation from the arrivals of each of the 24 hours of the day, UTC.

    Above 1, the backlog at the end of the hour is carried into the hours after it, in addition to their own load.
    """
    full = utilisation(scenario)
    shares = scenario.bus_rate_by_hour or (1.0,) * _HOURS_A_DAY
    return tuple(Utilisation(full.sellers * share, full.scanners * share) for share in shares)


def generous_drain_us(scenario: Scenario, length_us: int) -> int:
    """Return an upper bound of the drain after a run of ``length_us``, until the last visitor is in; microseconds.

    Lines at utilisation near 1 fluctuate like the square root of time; above it they grow with the excess.
    """
    return max(_drain_us(kind, length_us) for kind in scenario.kinds)


def _drain_us(scenario: Scenario, length_us: int) -> int:
    hours = length_us / HOUR_US
    by_hour = [max(load.sellers, load.scanners) for load in utilisation_by_hour(scenario)]
    walk = (scenario.walk_to_sellers_minutes.mean + scenario.walk_to_scanners_minutes.mean) / 60
    service = (scenario.sale_minutes.mean + scenario.scan_minutes.mean) / 60
    wandering = sqrt(hours) if max(by_hour) > _BUSY else 0.0
    # Whatever its first hour, the run includes each hour of the day at most this many times.
    times = hours / _HOURS_A_DAY if min(by_hour) == max(by_hour) else ceil(hours / _HOURS_A_DAY)
    excess = times * sum(max(0.0, load - 1) for load in by_hour)
    return ceil((1 + 4 * (walk + service) + wandering + 1.1 * excess) * HOUR_US)


def _moments(distribution: Distribution) -> tuple[float, float]:
    """Compute mean and mean square of draws rounded to whole numbers and truncated below 1."""
    below = [distribution.below(k - 0.5) for k in range(1, ceil(distribution.largest) + 3)]
    weights = [upper - lower for lower, upper in pairwise(below)]
    total = sum(weights)
    mean = sum(k * weight for k, weight in enumerate(weights, 1)) / total
    return mean, sum(k * k * weight for k, weight in enumerate(weights, 1)) / total
