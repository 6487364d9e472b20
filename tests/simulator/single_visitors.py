"""Venues that are queues of theory: visitors come alone, as a Poisson process, and all buy."""

from dataclasses import replace
from typing import Any

from simulator.distributions import Exponential, Normal
from simulator.scenario import Scenario, load_scenario

#: Visitors a minute of the fixture ``markov``, at sellers who serve one a minute.
OFFERED = 4


def single_visitors(every_minutes: float, **changes: Any) -> Scenario:
    """Visitors come alone, as a Poisson process, and walk for the same time, so they join as a Poisson process, too."""
    alone: dict[str, Any] = {
        "minutes_between_buses": Exponential(every_minutes),
        "bus_occupancy": Normal(1, 0),
        "group_size": Normal(1, 0),
        "box_office_share": 1.0,
        "walk_to_sellers_minutes": Normal(1, 0),
        "walk_to_scanners_minutes": Normal(1, 0),
        "one_line": True,
    }
    return replace(load_scenario("original"), **(alone | changes))
