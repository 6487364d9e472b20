"""Trials: whether one staffing meets the target at one stage, decided by as many replications as needed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, inf
from typing import Final, Literal

import numpy as np

from simulator.planning.demand import LEAST_WARM_UP, Demand, Stage
from simulator.planning.replication import Replication, Waits, observe_stage
from simulator.planning.statistics import (
    CONFIDENCE,
    Interval,
    Sample,
    mean_interval,
    mser5,
    percentile,
    percentile_interval,
    section_difference,
    share_up_to,
    slot_means,
)
from simulator.planning.target import Target, spoken
from simulator.planning.workers import Workers
from simulator.utilisation import utilisation

Verdict = Literal["meets", "fails", "unstable", "undecided"]

#: Waits are skewed: replications without a rare crush have low percentiles that differ little, and intervals from few
#: of them are too short, and too low.
LEAST_REPLICATIONS: Final = 24

#: A trial looks again after half as many replications more, and never runs more than this.
_GROWTH: Final = 1.5
_MOST_REPLICATIONS: Final = 1_000

#: Where a trial needs long replications it first tries whether these lengths, in shortest ones, show that it fails.
_QUICK_LENGTHS: Final = (1, 5)

#: Every staffing meets the same visitors: those of the replications from this number on.
_FIRST_NUMBER: Final = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """Result of a trial; times are microseconds."""

    utilisation: float
    verdict: Verdict
    cause: str  #: cause of the verdict, in a few words
    reason: str  #: the same with its numbers
    close: bool = False  #: whether the wait was not told apart from the target, only from one by the precision off
    wait: Interval | None = None  #: the target's percentile of visitors' waits; None if unstable
    share: Interval | None = None  #: share of visitors who wait no longer than the target
    replications: int = 0
    length_us: int = 0  #: of each replication, warm-up included
    warm_up_us: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """One staffing and its estimate."""

    stage: Stage  #: the stage whose waits were estimated
    sellers: int
    scanners: int | None  #: None: any, the sellers' lines do not depend on it
    estimate: Estimate

    @property
    def servers(self) -> int:
        """How many serve at the stage."""
        return self.scanners if self.stage == "scanners" and self.scanners is not None else self.sellers


@dataclass(frozen=True, slots=True)
class Replications:
    """What is being simulated."""

    sellers: int
    scanners: int | None
    replications: int
    length_us: int  #: of each, microseconds


@dataclass(frozen=True, slots=True)
class TrialRunner:
    """Runner of trials of one scenario against one target."""

    demand: Demand
    target: Target
    seed: int
    workers: Workers
    on_trial: Callable[[Trial], None]  #: callback after every trial
    on_replications: Callable[[Replications], None] = lambda _: None  #: callback before replications start

    def trial(self, stage: Stage, sellers: int, scanners: int | None) -> Trial:
        """Try a staffing; see ``Trial`` for the parameters."""
        trial = Trial(stage, sellers, scanners, self._estimate(stage, sellers, scanners))
        self.on_trial(trial)
        return trial

    def longer(self, less: Trial, more: Trial) -> Interval | None:
        """Return by how much the percentile is longer in ``less`` than in ``more``, microseconds.

        The interval is that of the paired differences between replications with the same visitors.

        Returns:
            The difference, or None if the lines of one of them do not settle.
        """
        if less.estimate.verdict == "unstable" or not self._settles(less) or not self._settles(more):
            return None
        longest = max(less, more, key=lambda trial: trial.estimate.length_us).estimate

        def samples(trial: Trial) -> list[Sample]:
            series = _Series(self, trial.stage, trial.sellers, trial.scanners, trial.estimate.utilisation)
            waits = series.observed(longest.length_us, range(_FIRST_NUMBER, _FIRST_NUMBER + LEAST_REPLICATIONS))
            return [each.arrived_from(longest.warm_up_us) for each in waits]

        return section_difference(
            samples(less), samples(more), lambda sample: percentile(sample, self.target.percentile)
        )

    def _settles(self, trial: Trial) -> bool:
        """Return whether the trial's replications were long enough for its lines to settle."""
        return self._wanted_us(trial.sellers, trial.scanners) <= trial.estimate.length_us

    def _wanted_us(self, sellers: int, scanners: int | None) -> float:
        wanted_us = self.demand.wanted_us("sellers", sellers)
        return wanted_us if scanners is None else max(wanted_us, self.demand.wanted_us("scanners", scanners))

    def _estimate(self, stage: Stage, sellers: int, scanners: int | None) -> Estimate:
        demand = self.demand
        busy: float = getattr(utilisation(demand.staffed(sellers, scanners)), stage)
        if busy >= 1:
            return Estimate(busy, "unstable", "busy >= 1", f"utilisation {busy:.3f}, so the line only grows")
        wanted_us = self._wanted_us(sellers, scanners)
        series = _Series(self, stage, sellers, scanners, busy)
        quick = [
            factor * demand.shortest_us
            for factor in _QUICK_LENGTHS
            if factor * demand.shortest_us < min(wanted_us, demand.longest_us)
        ]
        settles = wanted_us <= demand.longest_us
        length_us = ceil(wanted_us) if settles else demand.longest_us
        looks = list(_looks(demand.affordable(length_us) if settles else LEAST_REPLICATIONS))
        planned = looks[-1] + len(quick) * LEAST_REPLICATIONS
        for shorter_us in quick:
            # Lines grow from an empty start, so waits too long in a short replication are too long for good.
            found = series.run(shorter_us, looks[:1], planned, settles=False)
            if found.verdict == "fails":
                return found
        return series.run(length_us, looks, planned, settles=settles)


def _looks(affordable: int) -> Iterator[int]:
    """Return after how many replications a trial tries to decide."""
    look = LEAST_REPLICATIONS
    while True:
        yield look
        look = ceil(_GROWTH * look)
        if look > min(affordable, _MOST_REPLICATIONS):
            return


@dataclass(frozen=True, slots=True)
class _Series:
    """The replications of one trial."""

    runner: TrialRunner
    stage: Stage
    sellers: int
    scanners: int | None
    utilisation: float

    def run(self, at_least_us: int, looks: Sequence[int], planned: int, *, settles: bool) -> Estimate:
        """Run replications until the stage is decided, or no look is left.

        The error that all intervals together may have is spent on the looks as their replications come.

        Args:
            at_least_us: Minimum length of a replication, microseconds.
            looks: Numbers of replications after which to decide.
            planned: The most replications of the whole trial.
            settles: Whether this length is enough for the lines to settle.
        """
        gap_us = self.runner.demand.mean_gap_us
        length_us = -(-at_least_us // gap_us) * gap_us
        waits: list[Waits] = []
        for look in looks:
            new = range(_FIRST_NUMBER + len(waits), _FIRST_NUMBER + look)
            waits += self.observed(length_us, new)
            found = estimate(
                waits,
                self.runner.target,
                utilisation=self.utilisation,
                length_us=length_us,
                slot_us=gap_us,
                settles=settles,
                confidence=1 - (1 - CONFIDENCE) * len(new) / planned,
            )
            if found.verdict != "undecided":
                break
        return found

    def observed(self, length_us: int, numbers: range) -> list[Waits]:
        """Run the replications with these numbers."""
        runner = self.runner
        runner.on_replications(Replications(self.sellers, self.scanners, numbers.stop - _FIRST_NUMBER, length_us))
        scenario = runner.demand.staffed(self.sellers, self.scanners)
        return runner.workers.observe(
            partial(observe_stage, self.stage),
            [Replication(scenario, runner.seed, number, length_us) for number in numbers],
        )


def estimate(
    replications: Sequence[Waits],
    target: Target,
    *,
    utilisation: float,
    length_us: int,
    slot_us: int,
    settles: bool,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Estimate one stage from replications of one staffing.

    Args:
        replications: Waits of each replication.
        target: The target to meet.
        utilisation: Utilisation of the stage's servers.
        length_us: Time in which buses arrived in each replication, microseconds.
        slot_us: Slot of one MSER-5 observation: the mean wait of visitors who arrive within it, microseconds.
        settles: Whether the replications are long enough for lines this busy; if not, the target cannot be met.
        confidence: Probability with which the interval of the percentile is to hold it.
    """
    edges = np.arange(0, length_us + slot_us, slot_us, dtype=np.int64)
    means = slot_means([waits.sample for waits in replications], [waits.arrived for waits in replications], edges)
    warm_up_us = max(mser5(means) * slot_us, round(LEAST_WARM_UP * length_us))
    samples = [waits.arrived_from(warm_up_us) for waits in replications]
    wait = percentile_interval(samples, target.percentile, confidence).within(0, inf)
    verdict, close, cause, reason = _judged(wait, target, utilisation, len(replications), settles=settles)
    return Estimate(
        utilisation=utilisation,
        verdict=verdict,
        cause=cause,
        reason=reason,
        close=close,
        wait=wait,
        share=mean_interval([share_up_to(sample, target.wait_us) for sample in samples]).within(0, 1),
        replications=len(replications),
        length_us=length_us,
        warm_up_us=warm_up_us,
    )


def _judged(
    wait: Interval, target: Target, utilisation: float, replications: int, *, settles: bool
) -> tuple[Verdict, bool, str, str]:
    """Return the verdict, whether it is close, and its cause, in a few words and with numbers."""
    found = f"{target.percentile:.10g} % wait up to {spoken(wait.estimate)} [{spoken(wait.low)}, {spoken(wait.high)}]"
    limit = spoken(target.wait_us)
    if wait.low > target.wait_us:
        return "fails", False, f"> {limit}", f"{found}, more than {limit}"
    if not settles:
        reason = f"at utilisation {utilisation:.3f} lines fluctuate too slowly to estimate waits: {found}"
        return "undecided", False, "busy near 1", reason
    if wait.high <= target.wait_us:
        return "meets", False, f"<= {limit}", f"{found}, within {limit}"
    off = f"{100 * target.precision:.3g} %"
    not_worse, not_better = wait.high <= target.most_us, wait.low > target.least_us
    if not_worse and (not not_better or wait.estimate <= target.wait_us):
        return "meets", True, f"~ {limit}", f"{found}, not {off} more than {limit}"
    if not_better:
        return "fails", True, f"~ {limit}", f"{found}, not {off} less than {limit}"
    return "undecided", False, f"~ {limit}", f"{found} around {limit}, after {replications} replications"
