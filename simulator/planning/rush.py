"""The load to plan for: each kind of venue at the rate of its busiest hour."""

from dataclasses import dataclass, replace

from simulator.distributions import Exponential
from simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Rush:
    """One kind of venue in its busiest hours."""

    kind: int | None  #: number of the kind, from 1; None if all venues are alike
    hours: tuple[int, ...]  #: the busiest hours of the day, UTC; empty if they are all the same
    scenario: Scenario  #: the same venue with buses at that rate all the time

    @property
    def name(self) -> str:
        """Title of the plan for this rush."""
        kind = "" if self.kind is None else f", venue kind {self.kind}"
        hours = f", busiest hour {', '.join(f'{hour:02}' for hour in self.hours)} UTC" if self.hours else ""
        return f"{self.scenario.name}{kind}{hours}"


def rushes(scenario: Scenario) -> tuple[Rush, ...]:
    """Return the busiest hours of each kind of venue.

    Lines need time to grow, so a permanent rush has longer waits than a rush of one hour: planning for it is
    conservative.
    """
    return tuple(_rush(kind, number if scenario.venue_kinds else None) for number, kind in enumerate(scenario.kinds, 1))


def _rush(kind: Scenario, number: int | None) -> Rush:
    shares = kind.bus_rate_by_hour
    if not shares:
        return Rush(number, (), replace(kind, venue_kinds=()))
    highest = max(shares)
    hours = tuple(hour for hour, share in enumerate(shares) if share == highest)
    gaps = Exponential(kind.minutes_between_buses.mean / highest)
    return Rush(number, hours, replace(kind, minutes_between_buses=gaps, bus_rate_by_hour=(), venue_kinds=()))
