"""Arrivals: buses and the groups on them, with every random quantity that belongs to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.distributions import Streams
from simulator.encoding import Party
from simulator.events import CHANNELS
from simulator.scenario import Scenario

BOX_OFFICE, ONLINE = CHANNELS

# Sources of randomness, see ``Streams``.
GROUP_SIZE: Final = "group_size"
CHANNEL: Final = "channel"
WALK_TO_SELLERS: Final = "walk_to_sellers"
WALK_TO_SCANNERS: Final = "walk_to_scanners"
SALE: Final = "sale"
SCAN: Final = "scan"


class Bus(NamedTuple):
    """A bus at its arrival."""

    arrived_at: int  #: microseconds since the Unix epoch
    bus_id: int
    first_visitor_id: int
    occupancy: int


Group = tuple[Party, int, int, int, list[int]]
"""Visitors who stay together, at their bus's arrival, and durations in microseconds: walk to the sellers, walk to the
scanners, purchase (drawn even if the group bought online), and a scan for each member."""


Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Crowd:
    """All groups that come within some time, in the order of their numbers; times are microseconds."""

    arrived: Integers  #: when the group's bus arrived, since the start
    size: Integers
    buys: NDArray[np.bool_]  #: whether the group buys at the venue
    walk_to_sellers: Integers
    walk_to_scanners: Integers
    sale: Integers  #: drawn even if the group bought online
    scan_draws: Iterator[int]

    @cached_property
    def scan(self) -> Integers:
        """The scan of each visitor, drawn when first asked for: the sellers' lines do not depend on it."""
        return _taken(self.scan_draws, int(self.size.sum()))


class Arrivals:
    """Generator of the buses of one venue and the groups on them.

    Every random quantity of a group is drawn at its arrival, in a fixed order and from streams that do not depend on
    the staff: another staffing meets exactly the same visitors.
    """

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        self._gaps: Final = streams.microseconds("minutes_between_buses", scenario.minutes_between_buses)
        self._occupancies: Final = streams.whole_numbers("bus_occupancy", scenario.bus_occupancy)
        self._sizes: Final = streams.whole_numbers(GROUP_SIZE, scenario.group_size)
        self._channels: Final = streams.uniforms(CHANNEL)
        self._box_office_share: Final = scenario.box_office_share
        self._walks_to_sellers: Final = streams.microseconds(WALK_TO_SELLERS, scenario.walk_to_sellers_minutes)
        self._walks_to_scanners: Final = streams.microseconds(WALK_TO_SCANNERS, scenario.walk_to_scanners_minutes)
        self._sales: Final = streams.microseconds(SALE, scenario.sale_minutes)
        self._scans: Final = streams.microseconds(SCAN, scenario.scan_minutes)
        self._buses = 0
        self._groups = 0
        self._visitors = 0

    def time_to_next_bus(self) -> int:
        """Draw the time from one bus to the next, microseconds."""
        return next(self._gaps)

    def next_bus(self, now: int) -> Bus:
        """Create the bus that arrives at ``now``."""
        bus = Bus(now, self._buses, self._visitors, next(self._occupancies))
        self._buses += 1
        self._visitors += bus.occupancy
        return bus

    def groups(self, bus: Bus) -> Iterator[Group]:
        """Yield the groups on a bus until it is empty; the last group is cut to the visitors that are left."""
        first, end = bus.first_visitor_id, bus.first_visitor_id + bus.occupancy
        while first < end:
            size = min(next(self._sizes), end - first)
            channel = BOX_OFFICE if next(self._channels) < self._box_office_share else ONLINE
            yield (
                (bus.arrived_at, bus.bus_id, self._groups, first, size, channel),
                next(self._walks_to_sellers),
                next(self._walks_to_scanners),
                next(self._sales),
                list(islice(self._scans, size)),
            )
            self._groups += 1
            first += size

    def crowd(self, length_us: int) -> Crowd:
        """Draw all groups whose bus arrives before ``length_us`` microseconds from now.

        They are those that ``time_to_next_bus``, ``next_bus`` and ``groups`` give, each stream's draws taken in one go.
        """
        buses: list[int] = []
        groups_on_bus: list[int] = []
        sizes: list[int] = []
        now = next(self._gaps)
        while now < length_us:
            left, groups = next(self._occupancies), len(sizes)
            while left > 0:
                size = next(self._sizes)
                size = size if size < left else left
                sizes.append(size)
                left -= size
            buses.append(now)
            groups_on_bus.append(len(sizes) - groups)
            now += next(self._gaps)
        count = len(sizes)
        return Crowd(
            arrived=np.repeat(np.array(buses, dtype=np.int64), np.array(groups_on_bus, dtype=np.int64)),
            size=np.array(sizes, dtype=np.int64),
            buys=_taken(self._channels, count, np.float64) < self._box_office_share,
            walk_to_sellers=_taken(self._walks_to_sellers, count),
            walk_to_scanners=_taken(self._walks_to_scanners, count),
            sale=_taken(self._sales, count),
            scan_draws=self._scans,
        )


def _taken(draws: Iterator[Any], count: int, kind: type[np.generic] = np.int64) -> NDArray[Any]:
    return np.fromiter(islice(draws, count), kind, count)
