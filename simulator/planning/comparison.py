"""Two versions of a scenario on the same days: how long visitors wait in each, and the paired differences.

Both meet the same visitors as far as the change leaves them the same, because everything about a visitor is drawn at
arrival, each attribute from a stream of its own (common random numbers): days that are hard are hard for both, so the
difference is known much better than either wait. See A. M. Law: Simulation Modeling and Analysis, 5th ed., 11.2.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from simulator.display import shown
from simulator.events import HOUR_US
from simulator.exceptions import PlanError
from simulator.planning.demand import STAGES, Stage
from simulator.planning.replication import Observation, Replication, observe
from simulator.planning.statistics import (
    Interval,
    Sample,
    Statistic,
    mean,
    percentile,
    section_difference,
    section_interval,
    share_up_to,
)
from simulator.planning.target import Target
from simulator.planning.workers import Workers
from simulator.run import MOST_SEED
from simulator.scenario import Scenario
from simulator.utilisation import utilisation

LEAST_DAYS: Final = 2
MOST_DAYS: Final = 1_000
MOST_HOURS: Final = 7 * 24.0

#: Percentiles of the plot.
PERCENTILES: Final = (5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0)


@dataclass(frozen=True, slots=True)
class Measure:
    """One statistic of the waits, before the change and after it; waits in microseconds, shares from 0 to 1."""

    before: Interval
    after: Interval
    difference: Interval  #: after minus before, of pairs of days

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        return not self.difference.low <= 0 <= self.difference.high


@dataclass(frozen=True, slots=True)
class StageComparison:
    """The waits at one stage."""

    utilisation: tuple[float, float]  #: of its servers, before and after, at the full rate of buses
    mean: Measure
    percentiles: Mapping[float, Measure]  #: by percent, ``PERCENTILES`` and the target's
    share: Measure  #: of visitors who wait at most as long as the target says


@dataclass(frozen=True, slots=True)
class Comparison:
    """One kind of venue, before and after the change."""

    kind: int | None  #: number of the kind, from 1; None if all venues are alike
    stages: Mapping[Stage, StageComparison]


def compare(
    before: Scenario,
    after: Scenario,
    target: Target,
    *,
    days: int = 20,
    hours: float = 24.0,
    seed: int = 7,
    workers: int = 1,
    on_days: Callable[[str], None] = lambda _: None,
) -> tuple[Comparison, ...]:
    """Simulate the same days under two versions of a scenario and compare the waits, kind by kind of venue.

    Args:
        before: The scenario.
        after: The same one, changed; with as many kinds of venues.
        target: Its wait and percentile are among what is compared.
        days: Number of days, each with visitors of its own; a day begins at midnight, empty, and is followed until
            everybody is in.
        hours: Length of a day, in which buses come.
        seed: The same seed gives the same days.
        workers: Number of worker processes; it does not change the result.
        on_days: Callback before days are simulated, with what they are of.

    Raises:
        PlanError: The days, hours, seed or workers are invalid.
    """
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise PlanError(f"Invalid --days {shown(days)}; expected {LEAST_DAYS} to {MOST_DAYS:,}.")
    if not 0 < hours <= MOST_HOURS:
        raise PlanError(f"Invalid --hours {shown(hours)}; expected a number above 0, at most {MOST_HOURS:g}.")
    if not 0 <= seed <= MOST_SEED:
        raise PlanError(f"Invalid --seed {shown(seed)}; expected a whole number from 0 to 2^64 - 1.")
    length_us = round(hours * HOUR_US)
    with Workers(workers) as pool:

        def observed(scenario: Scenario, what: str) -> list[Observation]:
            on_days(what)
            return pool.observe(observe, [Replication(scenario, seed, day, length_us) for day in range(1, days + 1)])

        return tuple(
            _compared(kind if before.venue_kinds else None, each, target, observed)
            for kind, each in enumerate(zip(before.kinds, after.kinds, strict=True), 1)
        )


def _compared(
    kind: int | None,
    versions: tuple[Scenario, Scenario],
    target: Target,
    observed: Callable[[Scenario, str], list[Observation]],
) -> Comparison:
    of_kind = "" if kind is None else f" of venue kind {kind}"
    before, after = (
        observed(version, f"days{of_kind} {name} the change")
        for version, name in zip(versions, ("before", "after"), strict=True)
    )
    loads = [utilisation(version) for version in versions]
    return Comparison(
        kind,
        {
            stage: _stage(
                (getattr(loads[0], stage), getattr(loads[1], stage)),
                [getattr(day, stage).sample for day in before],
                [getattr(day, stage).sample for day in after],
                target,
            )
            for stage in STAGES
        },
    )


def _stage(
    loads: tuple[float, float], before: Sequence[Sample], after: Sequence[Sample], target: Target
) -> StageComparison:
    def measure(statistic: Statistic, least: float, most: float) -> Measure:
        return Measure(
            section_interval(before, statistic).within(least, most),
            section_interval(after, statistic).within(least, most),
            section_difference(after, before, statistic),
        )

    waits = partial(measure, least=0, most=float("inf"))
    return StageComparison(
        utilisation=loads,
        mean=waits(mean),
        percentiles={
            percent: waits(partial(percentile, percent=percent))
            for percent in sorted({*PERCENTILES, target.percentile})
        },
        share=measure(lambda sample: share_up_to(sample, target.wait_us), 0, 1),
    )
