"""Demand for staff, independent of its number: work, its variance, and the waits that no staffing removes."""

from dataclasses import dataclass, replace
from math import ceil, inf, log10
from statistics import fmean, pvariance
from typing import Final, Literal

import numpy as np

from simulator.arrivals import BOX_OFFICE, Arrivals
from simulator.distributions import MINUTE_US, Streams
from simulator.exceptions import PlanError, TargetError
from simulator.planning.statistics import Interval, Sample, percentile_interval
from simulator.scenario import Scenario
from simulator.utilisation import utilisation

Stage = Literal["sellers", "scanners"]

STAGES: Final[tuple[Stage, ...]] = ("sellers", "scanners")

#: Sampled buses, in this many independent lots: enough to know the variance of a bus's work to 10 %.
_LOTS: Final = 10
_BUSES_A_LOT: Final = 50

#: A replication has at least this many buses and visitors, so that its percentiles are meaningful ...
_LEAST_BUSES: Final = 160
_LEAST_VISITORS: Final = 2_000
#: ... and this many relaxation times, so that fluctuations average out and the cold start is a small part, ...
_RELAXATIONS: Final = 20
#: ... but no more visitors than this, less than a second; busier staff counts as too close to saturation.
_MOST_VISITORS: Final = 480_000

#: MSER-5 finds where the mean settles; the tail may take a little longer, so never less than this part is cut: of busy
#: lines' replications four relaxation times.
LEAST_WARM_UP: Final = 0.2

#: Visitors of one replication, after its warm-up, beyond the percentile: of fewer, its estimate is the longest wait
#: that happened to be seen.
_LEAST_BEYOND: Final = 10

#: The sellers' waits are those of the visitors who buy at the venue. Where these are fewer than this share of all, too
#: few for any line, their tail is not what the length of a replication depends on.
_LEAST_SHARE: Final = 0.01

#: Visitors in all replications of a trial, five to twenty seconds on one core; then a trial stays undecided.
_MOST_VISITORS_OF_A_TRIAL: Final = 24 * _MOST_VISITORS


@dataclass(frozen=True, slots=True)
class Demand:
    """Demand of one scenario, from a sample of its visitors that does not depend on the staffing."""

    scenario: Scenario
    gaps: tuple[float, ...]  #: from bus to bus, microseconds
    work: dict[Stage, tuple[float, ...]]  #: each bus's total service time at a stage, microseconds
    visitors: float  #: mean number on a bus
    alone: tuple[Sample, ...]  #: waits at the scanners if each group had its own
    least_visitors: float = _LEAST_VISITORS  #: of a replication

    def least_stable(self, stage: Stage) -> int:
        """Return the smallest number of servers with utilisation below 1."""
        load: float = getattr(utilisation(replace(self.scenario, sellers=1, scanners=1)), stage)
        return max(1, ceil(load) if load < ceil(load) else ceil(load) + 1)

    def floor(self, percentile: float) -> Interval:
        """Return the percentile of waits with infinitely many scanners, microseconds.

        A group is scanned one by one in the line that it joined; a line shared by all servers spreads it.
        """
        return percentile_interval(self.alone, percentile)

    def staffed(self, sellers: int, scanners: int | None) -> Scenario:
        """Return the scenario with this staff; None for as many scanners as keep up."""
        return replace(
            self.scenario,
            sellers=sellers,
            scanners=self.least_stable("scanners") + 1 if scanners is None else scanners,
        )

    def relaxation_us(self, stage: Stage, servers: int) -> float:
        """Return the relaxation time of a stage's lines, microseconds; infinite without spare capacity.

        It is that of reflected Brownian motion, which busy lines resemble: twice the variance rate of the work brought
        minus the work done, divided by the square of the spare capacity; at least one service.
        """
        load: float = getattr(utilisation(replace(self.scenario, sellers=servers, scanners=servers)), stage)
        if load >= 1:
            return inf
        net = [work / servers - load * gap for work, gap in zip(self.work[stage], self.gaps, strict=True)]
        service = self.scenario.sale_minutes if stage == "sellers" else self.scenario.scan_minutes
        return max(2 * pvariance(net) / fmean(self.gaps) / (1 - load) ** 2, service.mean_above(0) * MINUTE_US)

    @property
    def mean_gap_us(self) -> int:
        """Mean time from one bus to the next, microseconds."""
        return max(1, round(self.scenario.minutes_between_buses.mean_above(0) * MINUTE_US))

    @property
    def shortest_us(self) -> int:
        """Minimum length of a replication, microseconds."""
        return ceil(max(_LEAST_BUSES, self.least_visitors / self.visitors)) * self.mean_gap_us

    @property
    def longest_us(self) -> int:
        """Maximum length of a replication, microseconds."""
        return max(int(_MOST_VISITORS / self.visitors) * self.mean_gap_us, self.shortest_us)

    def affordable(self, length_us: int) -> int:
        """Return how many replications of this length a trial may run."""
        return int(_MOST_VISITORS_OF_A_TRIAL / self.visitors / (length_us / self.mean_gap_us))

    def wanted_us(self, stage: Stage, servers: int) -> float:
        """Return the replication length at which this staffing settles, microseconds; it may exceed ``longest_us``."""
        return max(self.shortest_us, _RELAXATIONS * self.relaxation_us(stage, servers))


def demand_of(scenario: Scenario, seed: int, percentile: float = 95.0) -> Demand:
    """Estimate a scenario's demand from a sample of its visitors.

    Args:
        scenario: The scenario; its staffing does not matter.
        seed: Seed of the sampled visitors.
        percentile: The percentile of their waits that is to be estimated.

    Raises:
        PlanError: A replication would have more visitors than can be simulated.
        TargetError: A replication cannot have enough visitors for the percentile.
    """
    least_visitors = _visitors_for(scenario, percentile)
    gaps: list[float] = []
    sale_work: list[float] = []
    scan_work: list[float] = []
    visitors: list[int] = []
    alone = []
    for lot in range(1, _LOTS + 1):
        streams = Streams(seed, lot)
        gap = streams.microseconds("minutes_between_buses", scenario.minutes_between_buses)
        arrivals = Arrivals(scenario, streams)
        waits: list[int] = []
        for _ in range(_BUSES_A_LOT):
            bus = arrivals.next_bus(0)
            groups = list(arrivals.groups(bus))
            gaps.append(next(gap))
            sale_work.append(sum(sale for (*_, channel), _, _, sale, _ in groups if channel == BOX_OFFICE))
            scan_work.append(sum(sum(scans) for *_, scans in groups))
            visitors.append(bus.occupancy)
            for *_, scans in groups:
                waits += [0] * len(scans) if scenario.one_line else _one_after_the_other(scans)
        alone.append(Sample(np.array(waits, dtype=np.int64), np.ones(len(waits), dtype=np.int64)))
    return Demand(
        scenario,
        tuple(gaps),
        {"sellers": tuple(sale_work), "scanners": tuple(scan_work)},
        fmean(visitors),
        tuple(alone),
        least_visitors,
    )


def _visitors_for(scenario: Scenario, percentile: float) -> float:
    """Return how many visitors a replication needs; refuse what none can have."""
    visitors = scenario.bus_occupancy.mean_above(1)
    if _LEAST_BUSES * visitors > _MOST_VISITORS:
        raise PlanError(
            f"Scenario {scenario.name} cannot be planned: bus_occupancy.mean = {scenario.bus_occupancy.mean:g} would "
            f"be {_LEAST_BUSES * visitors:,.0f} visitors in the {_LEAST_BUSES} buses that a replication has at least; "
            f"at most {_MOST_VISITORS:,} can be simulated."
        )
    tail = min(percentile, 100 - percentile) / 100
    counted = (1 - LEAST_WARM_UP) * max(_LEAST_SHARE, scenario.box_office_share or 1.0)
    needed = _LEAST_BEYOND / tail / counted
    if needed > _MOST_VISITORS:
        carried = 100 * _LEAST_BEYOND / _MOST_VISITORS / counted
        digits = max(0, ceil(-log10(carried))) + 1
        least = ceil(carried * 10**digits) / 10**digits
        raise TargetError(
            f"Invalid percentile of {percentile:.16g} %: it needs replications of {needed:.3g} visitors, and of this "
            f"scenario they have at most {_MOST_VISITORS:,}; expected {least:.{digits}f} to {100 - least:.{digits}f}."
        )
    return max(_LEAST_VISITORS, needed)


def _one_after_the_other(services: list[int]) -> list[int]:
    """Return how long each member of a group waits for the members before."""
    waits = [0]
    for service in services[:-1]:
        waits.append(waits[-1] + service)
    return waits
