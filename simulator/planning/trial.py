"""Trials: whether one staffing meets the target, decided by as many replications as needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Final, Literal

import numpy as np

from simulator.planning.demand import LEAST_WARM_UP, STAGES, Demand, Stage
from simulator.planning.replication import Observation, Replication, Waits
from simulator.planning.statistics import (
    Interval,
    mean_interval,
    mser5,
    percentile_interval,
    share_up_to,
    slot_means,
)
from simulator.planning.target import Target, spoken
from simulator.planning.workers import Workers
from simulator.scenario import Scenario
from simulator.utilisation import utilisation

Verdict = Literal["meets", "fails", "unstable", "undecided"]
Purpose = Literal["sellers", "scanners", "both"]

#: Numbers of replications after which a trial tries to decide; few, because each decision can err.
REPLICATION_STEPS: Final = (6, 12, 24, 48)

#: Waits are skewed: replications without a rare crush have low percentiles that differ little. Intervals from six
#: missed the truth 6 times in 24 on an M/M/5 queue, always by being too low. So six may show a failure, nothing more.
LEAST_TO_MEET: Final = 12

#: Where a trial needs long replications it first tries whether these lengths, in shortest ones, show that it fails.
_QUICK_LENGTHS: Final = (1, 5)

#: The search and the check of its result meet different visitors: the replications' numbers begin here.
_FIRST_NUMBER: Final[dict[Purpose, int]] = {"sellers": 1, "scanners": 1, "both": 1_000_001}


@dataclass(frozen=True, slots=True)
class Estimate:
    """Result of a trial for one stage; times are microseconds."""

    utilisation: float
    verdict: Verdict
    cause: str  #: cause of the verdict, in a few words
    reason: str  #: the same with its numbers
    wait: Interval | None = None  #: the target's percentile of visitors' waits; None if unstable
    share: Interval | None = None  #: share of visitors who wait no longer than the target
    replications: int = 0
    length_us: int = 0  #: of each, warm-up included
    warm_up_us: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """One staffing and its estimates."""

    purpose: Purpose  #: the stage whose staffing was sought, or both for the check of the result
    sellers: int
    scanners: int | None  #: None: any, the sellers' lines do not depend on it
    estimates: dict[Stage, Estimate]  #: of the stages that the trial was about

    @property
    def meets(self) -> bool:
        """Whether every stage of the trial meets the target."""
        return all(estimate.verdict == "meets" for estimate in self.estimates.values())


@dataclass(frozen=True, slots=True)
class Replications:
    """What is being simulated."""

    sellers: int
    scanners: int
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

    def trial(self, purpose: Purpose, sellers: int, scanners: int | None) -> Trial:
        """Try a staffing; see ``Trial`` for the parameters."""
        trial = Trial(purpose, sellers, scanners, self._estimates(purpose, sellers, scanners))
        self.on_trial(trial)
        return trial

    def _estimates(self, purpose: Purpose, sellers: int, scanners: int | None) -> dict[Stage, Estimate]:
        demand = self.demand
        # These scanners are not evaluated, but the simulation must end.
        simulated_scanners = demand.least_stable("scanners") + 1 if scanners is None else scanners
        scenario = replace(demand.scenario, sellers=sellers, scanners=simulated_scanners)
        load = utilisation(scenario)
        stages: tuple[Stage, ...] = STAGES if purpose == "both" else (purpose,)
        loads: dict[Stage, float] = {stage: getattr(load, stage) for stage in stages}
        if max(loads.values()) >= 1:
            return {stage: _unstable(busy) for stage, busy in loads.items() if busy >= 1}

        wanted_us = demand.wanted_us("sellers", sellers)
        if scanners is not None:
            wanted_us = max(wanted_us, demand.wanted_us("scanners", scanners))
        series = _Series(self, scenario, loads, _FIRST_NUMBER[purpose])
        for factor in _QUICK_LENGTHS:
            # Lines grow from an empty start, so waits too long in a short replication are too long for good.
            if factor * demand.shortest_us < min(wanted_us, demand.longest_us):
                estimates = series.run(factor * demand.shortest_us, REPLICATION_STEPS[:1], settled=False)
                if all(estimate.verdict == "fails" for estimate in estimates.values()):
                    return estimates
        if wanted_us > demand.longest_us:
            return series.run(demand.longest_us, REPLICATION_STEPS[:1], settled=False)
        return series.run(ceil(wanted_us), REPLICATION_STEPS, settled=True)


@dataclass(frozen=True, slots=True)
class _Series:
    """The replications of one trial."""

    runner: TrialRunner
    scenario: Scenario
    loads: dict[Stage, float]
    first_number: int

    def run(self, at_least_us: int, steps: Sequence[int], *, settled: bool) -> dict[Stage, Estimate]:
        """Run replications until every stage is decided, or all steps are used up.

        Args:
            at_least_us: Minimum length of a replication, microseconds.
            steps: Numbers of replications after which to decide.
            settled: Whether this length is enough for the lines to settle.
        """
        runner, gap_us = self.runner, self.runner.demand.mean_gap_us
        length_us = -(-at_least_us // gap_us) * gap_us
        observations: list[Observation] = []
        estimates: dict[Stage, Estimate] = {}
        affordable = max(LEAST_TO_MEET, runner.demand.affordable(length_us))
        for step in (step for step in steps if step <= affordable):
            runner.on_replications(Replications(self.scenario.sellers, self.scenario.scanners, step, length_us))
            numbers = range(self.first_number + len(observations), self.first_number + step)
            observations += runner.workers.observe(
                [Replication(self.scenario, runner.seed, number, length_us) for number in numbers]
            )
            estimates = {
                stage: estimate(
                    [getattr(observation, stage) for observation in observations],
                    runner.target,
                    utilisation=load,
                    length_us=length_us,
                    slot_us=gap_us,
                    settled=settled and step >= LEAST_TO_MEET,
                )
                for stage, load in self.loads.items()
            }
            if all(found.verdict != "undecided" for found in estimates.values()):
                break
        return estimates


def estimate(
    replications: Sequence[Waits],
    target: Target,
    *,
    utilisation: float,
    length_us: int,
    slot_us: int,
    settled: bool,
) -> Estimate:
    """Estimate one stage from replications of one staffing.

    Args:
        replications: Waits of each replication.
        target: The target to meet.
        utilisation: Utilisation of the stage's servers.
        length_us: Time in which buses arrived in each replication, microseconds.
        slot_us: Slot of one MSER-5 observation: the mean wait of visitors who arrive within it, microseconds.
        settled: Whether the replications are long enough for lines this busy; if not, the target cannot be met.
    """
    edges = np.arange(0, length_us + slot_us, slot_us, dtype=np.int64)
    means = slot_means([waits.sample for waits in replications], [waits.arrived for waits in replications], edges)
    warm_up_us = max(mser5(means) * slot_us, round(LEAST_WARM_UP * length_us))
    samples = [waits.arrived_from(warm_up_us) for waits in replications]
    wait = percentile_interval(samples, target.percentile).within(0, inf)
    verdict, cause, reason = _judged(wait, target, utilisation, len(replications), settled=settled)
    return Estimate(
        utilisation=utilisation,
        verdict=verdict,
        cause=cause,
        reason=reason,
        wait=wait,
        share=mean_interval([share_up_to(sample, target.wait_us) for sample in samples]).within(0, 1),
        replications=len(replications),
        length_us=length_us,
        warm_up_us=warm_up_us,
    )


def _judged(
    wait: Interval, target: Target, utilisation: float, replications: int, *, settled: bool
) -> tuple[Verdict, str, str]:
    found = f"{target.percentile:.10g} % wait up to {spoken(wait.estimate)} [{spoken(wait.low)}, {spoken(wait.high)}]"
    limit = spoken(target.wait_us)
    if wait.low > target.wait_us:
        return "fails", f"> {limit}", f"{found}, more than {limit}"
    if not settled:
        reason = f"at utilisation {utilisation:.3f} lines fluctuate too slowly to estimate waits: {found}"
        return "undecided", "busy near 1", reason
    if wait.high <= target.wait_us:
        return "meets", f"<= {limit}", f"{found}, within {limit}"
    return "undecided", f"~ {limit}", f"{found} around {limit}, after {replications} replications"


def _unstable(utilisation: float) -> Estimate:
    return Estimate(utilisation, "unstable", "busy >= 1", f"utilisation {utilisation:.3f}, so the line only grows")
