"""Search for the smallest staffing that meets a target, with the reasons why less is not enough."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulator.display import shown
from simulator.exceptions import PlanError, TargetUnreachable
from simulator.planning.demand import STAGES, Demand, Stage, demand_of
from simulator.planning.statistics import Interval
from simulator.planning.target import Target, spoken
from simulator.planning.trial import Estimate, Replications, Trial, TrialRunner
from simulator.planning.workers import Workers
from simulator.run import MOST_SEED
from simulator.scenario import MOST_SERVERS, Scenario

#: Default bounds: this many times the fewest servers that keep up, and some more for small venues.
_BOUND_FACTOR: Final = 4
_BOUND_EXTRA: Final = 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most servers that a search may try."""

    sellers: int
    scanners: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The fewest sellers, and with these the fewest scanners, that meet the target."""

    scenario: str
    target: Target
    seed: int
    bounds: Bounds
    floor: Interval  #: the percentile of waits with infinitely many scanners, microseconds
    sellers: int
    scanners: int
    conservative: bool  #: whether one server less could not be shown to be too few
    why_not_less: dict[Stage, str]  #: what would happen with one server less
    trials: tuple[Trial, ...]  #: all trials, in the order in which they ran


def find_plan(
    scenario: Scenario,
    target: Target,
    *,
    seed: int = 7,
    max_sellers: int | None = None,
    max_scanners: int | None = None,
    workers: int = 1,
    on_trial: Callable[[Trial], None] = lambda _: None,
    on_replications: Callable[[Replications], None] = lambda _: None,
) -> Plan:
    """Find the smallest staffing that meets ``target``; sellers first, as their lines do not depend on scanners.

    Args:
        scenario: What the venue is like, all day long; its own staffing does not matter.
        target: The target to meet.
        seed: The same seed gives the same visitors, under every staffing.
        max_sellers: The most sellers to try. Default: four times the fewest that keep up, and twenty.
        max_scanners: The most scanners to try, with the same default.
        workers: Number of worker processes; it does not change the result.
        on_trial: Callback after every trial.
        on_replications: Callback before replications start.

    Raises:
        PlanError: The seed, a bound or the number of workers is invalid, or the scenario has several kinds of
            venues or busier hours than others, or more visitors on a bus than can be simulated.
        TargetError: The replications cannot have enough visitors for the percentile.
        TargetUnreachable: No staffing, or none within the bounds, meets the target.
    """
    if not 0 <= seed <= MOST_SEED:
        raise PlanError(f"Invalid seed {shown(seed)}; expected a whole number from 0 to 2^64 - 1.")
    if scenario.venue_kinds or scenario.bus_rate_by_hour:
        raise PlanError(
            f"Scenario {scenario.name} has several kinds of venues or busier hours; plan each of its rushes separately."
        )
    demand = demand_of(scenario, seed, target.percentile)
    bounds = Bounds(
        sellers=_bound(demand, "sellers", max_sellers),
        scanners=_bound(demand, "scanners", max_scanners),
    )
    floor = demand.floor(target.percentile)
    if floor.low > target.wait_us:
        raise TargetUnreachable(
            f"Unreachable target: {target.percentile:.10g} % waiting at most {spoken(target.wait_us)} is impossible "
            f"with any number of scanners: a group is scanned one by one, and even with its own scanner "
            f"{target.percentile:.10g} % wait up to {spoken(floor.estimate)}. Use a --target-wait above that, or "
            "one_line = true in the scenario."
        )
    trials: list[Trial] = []

    def record(trial: Trial) -> None:
        trials.append(trial)
        on_trial(trial)

    with Workers(workers) as pool:
        search = _Search(TrialRunner(demand, target, seed, pool, record, on_replications), bounds, trials)
        sellers, scanners, lacking = search.without_spare(*search.checked(*search.smallest()))
    return Plan(
        scenario=scenario.name,
        target=target,
        seed=seed,
        bounds=bounds,
        floor=floor,
        sellers=sellers,
        scanners=scanners,
        conservative=any(found is not None and found.verdict == "undecided" for found in lacking.values()),
        why_not_less={
            stage: "there must be one" if found is None else found.reason for stage, found in lacking.items()
        },
        trials=tuple(trials),
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """State of a running search."""

    runner: TrialRunner
    bounds: Bounds
    trials: list[Trial]

    def smallest(self) -> tuple[int, int]:
        """Find the fewest sellers that meet the target, and with these the fewest scanners."""
        sellers = self._smallest("sellers", lambda number: self.runner.trial("sellers", number, None))
        scanners = self._smallest("scanners", lambda number: self.runner.trial("scanners", sellers, number))
        return sellers, scanners

    def checked(self, sellers: int, scanners: int) -> tuple[int, int]:
        """Check a staffing on visitors that the search has not seen; a stage that fails there gets one more server.

        The search selects a staffing that met the target on its own visitors, so on those its estimate is biased.
        """
        while not (trial := self.runner.trial("both", sellers, scanners)).meets:
            if trial.estimates["sellers"].verdict != "meets":
                sellers = self._one_more("sellers", sellers)
            if trial.estimates["scanners"].verdict != "meets":
                scanners = self._one_more("scanners", scanners)
        return sellers, scanners

    def without_spare(self, sellers: int, scanners: int) -> tuple[int, int, dict[Stage, Estimate | None]]:
        """Take away servers without whom the target is met, on fresh visitors, too.

        A check that fails may add servers to both stages where one of them was enough.

        Returns:
            Sellers, scanners, and the estimate against one server less of each stage; None if it has only one.
        """
        lacking = {stage: self.with_one_less(stage, sellers, scanners) for stage in STAGES}
        for stage, found in lacking.items():
            if found is not None and found.verdict == "meets":
                less = (sellers - 1, scanners) if stage == "sellers" else (sellers, scanners - 1)
                trial = self.runner.trial("both", *less)
                if trial.meets:
                    return self.without_spare(*less)
                lacking[stage] = next(each for each in trial.estimates.values() if each.verdict != "meets")
        return sellers, scanners, lacking

    def with_one_less(self, stage: Stage, sellers: int, scanners: int) -> Estimate | None:
        """Return the estimate of ``stage`` with one server less; None if it has only one."""
        less = (sellers - 1, None) if stage == "sellers" else (sellers, scanners - 1)
        if 0 in less:
            return None
        for trial in reversed(self.trials):
            known = trial.estimates.get(stage)
            if known is not None and known.verdict != "meets" and less in _staffings(trial):
                return known
        return self.runner.trial(stage, *less).estimates[stage]

    def _smallest(self, stage: Stage, decided: Callable[[int], Trial]) -> int:
        """Climb from the fewest that keep up in growing steps, then bisect: more servers never mean longer waits."""
        most: int = getattr(self.bounds, stage)
        too_few, step = self.runner.demand.least_stable(stage) - 1, 1
        while not decided(enough := min(too_few + step, most)).meets:
            too_few = self._one_more(stage, enough) - 1
            step *= 2
        while enough - too_few > 1:
            middle = (enough + too_few) // 2
            if decided(middle).meets:
                enough = middle
            else:
                too_few = middle
        return enough

    def _one_more(self, stage: Stage, number: int) -> int:
        if number >= getattr(self.bounds, stage):
            found = next(trial for trial in reversed(self.trials) if stage in trial.estimates).estimates[stage]
            raise TargetUnreachable(
                f"Unreachable target {spoken(self.runner.target.wait_us)}: {number} {stage} are not proven to be "
                f"enough: {found.reason}. Raise --max-{stage} or the --target-wait."
            )
        return number + 1


def _staffings(trial: Trial) -> set[tuple[int, int | None]]:
    """Return the staffings that a trial covers; None means any number of scanners."""
    return {(trial.sellers, None), (trial.sellers, trial.scanners)}


def _bound(demand: Demand, stage: Stage, given: int | None) -> int:
    """Return the bound of a stage, given or by default; refuse one below the fewest servers that keep up."""
    least = demand.least_stable(stage)
    if least > MOST_SERVERS:
        raise TargetUnreachable(
            f"Unreachable target: it takes {least:,} {stage} for a utilisation below 1, and at most "
            f"{MOST_SERVERS:,} can be simulated. Plan for fewer visitors or shorter services."
        )
    if given is None:
        return min(_BOUND_FACTOR * least + _BOUND_EXTRA, MOST_SERVERS)
    if not 1 <= given <= MOST_SERVERS:
        raise PlanError(f"Invalid --max-{stage} {shown(given)}; expected 1 to {MOST_SERVERS:,}.")
    if given < least:
        raise TargetUnreachable(
            f"Unreachable target with at most {given} {stage}: it takes {least} for a utilisation below 1; "
            f"with fewer, the line only grows. Raise --max-{stage}."
        )
    return given
