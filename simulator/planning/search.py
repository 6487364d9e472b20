"""Search for the smallest staffing that meets a target, with the reasons why less is not enough."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simulator.display import shown
from simulator.exceptions import PlanError, TargetUnreachable
from simulator.planning.demand import Demand, Stage, demand_of
from simulator.planning.statistics import Interval
from simulator.planning.target import Target, spoken
from simulator.planning.trial import Replications, Trial, TrialRunner
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
    either: dict[Stage, tuple[int, ...]]  #: the numbers of servers between which ``precision`` does not decide
    conservative: bool  #: whether one server less could not be shown to be too few
    why_not_less: dict[Stage, str]  #: what would happen with one server less
    longer: dict[Stage, Interval | None]  #: by how much the percentile is longer then, microseconds; None if not known
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
        runner = TrialRunner(demand, target, seed, pool, record, on_replications)
        search = _Search(runner, bounds)
        sellers = search.smallest("sellers", lambda number: runner.trial("sellers", number, None))
        staff = sellers.servers
        scanners = search.smallest("scanners", lambda number: runner.trial("scanners", staff, number))
        found: dict[Stage, _Found] = {"sellers": sellers, "scanners": scanners}
        longer = {
            stage: None if each.less is None else runner.longer(each.less, each.enough) for stage, each in found.items()
        }
    return Plan(
        scenario=scenario.name,
        target=target,
        seed=seed,
        bounds=bounds,
        floor=floor,
        sellers=sellers.servers,
        scanners=scanners.servers,
        either={stage: each.either for stage, each in found.items()},
        conservative=any(
            each.less is not None and each.less.estimate.verdict == "undecided" for each in found.values()
        ),
        why_not_less={
            stage: "there must be one" if each.less is None else each.less.estimate.reason
            for stage, each in found.items()
        },
        longer=longer,
        trials=tuple(trials),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The result of the search at one stage."""

    enough: Trial  #: the fewest servers with whom the target was met
    less: Trial | None  #: one server less, with whom it was not; None if there is only one

    @property
    def servers(self) -> int:
        """The fewest servers with whom the target was met."""
        return self.enough.servers

    @property
    def either(self) -> tuple[int, ...]:
        """The numbers of servers that the trials did not tell apart."""
        fewest = self.servers - (self.less is not None and self.less.estimate.close)
        return tuple(range(fewest, self.servers + self.enough.estimate.close + 1))


@dataclass(frozen=True, slots=True)
class _Search:
    """Search for the fewest servers of a stage."""

    runner: TrialRunner
    bounds: Bounds

    def smallest(self, stage: Stage, decided: Callable[[int], Trial]) -> _Found:
        """Climb from the fewest that keep up in growing steps, then bisect: more servers never mean longer waits.

        What is found has met the target, and no staffing tried that is smaller has.
        """
        most: int = getattr(self.bounds, stage)
        too_few, step = self.runner.demand.least_stable(stage) - 1, 1
        less: Trial | None = None
        while (enough := decided(min(too_few + step, most))).estimate.verdict != "meets":
            too_few, less = enough.servers, enough
            if too_few >= most:
                raise TargetUnreachable(
                    f"Unreachable target {spoken(self.runner.target.wait_us)}: {most} {stage} are not proven to be "
                    f"enough: {enough.estimate.reason}. Raise --max-{stage} or the --target-wait."
                )
            step *= 2
        while enough.servers - too_few > 1:
            middle = decided((enough.servers + too_few) // 2)
            if middle.estimate.verdict == "meets":
                enough = middle
            else:
                too_few, less = middle.servers, middle
        if less is None and too_few > 0:
            less = decided(too_few)
        return _Found(enough, less)


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
