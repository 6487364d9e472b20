"""Buses of a venue and the groups on them, drawn ahead for a span of time, as ``simulator.arrivals`` draws them."""

from typing import Final

import numpy as np

from simulator.arrivals import (
    CHANNEL,
    GROUP_SIZE,
    SALE,
    SCAN,
    WALK_TO_SCANNERS,
    WALK_TO_SELLERS,
    Arrivals,
)
from simulator.distributions import Streams
from simulator.fast.compiled import compiled
from simulator.fast.draws import Draws
from simulator.fast.tables import BUS, WALKS_TO_SELLERS, Rows
from simulator.scenario import Scenario


class Visitors:
    """Generator of the visitors of one venue, in spans of time that follow each other."""

    def __init__(self, row: int, scenario: Scenario, streams: Streams, start_us: int, horizon_us: int) -> None:
        """Draw the first bus.

        Args:
            row: The venue's row.
            scenario: Its parameters.
            streams: Its random streams.
            start_us: Simulated time at the start, microseconds since the Unix epoch.
            horizon_us: Time from which no bus arrives.
        """
        self._row: Final = row
        self._horizon: Final = horizon_us
        self._share: Final = scenario.box_office_share
        self._arrivals: Final = Arrivals(scenario, streams)
        self._sizes: Final = Draws(streams.blocks_of_whole_numbers(GROUP_SIZE, scenario.group_size))
        self._channels: Final = Draws(streams.blocks_of_uniforms(CHANNEL))
        self._durations: Final = [
            Draws(streams.blocks_of_microseconds(source, minutes))
            for source, minutes in (
                (WALK_TO_SELLERS, scenario.walk_to_sellers_minutes),
                (WALK_TO_SCANNERS, scenario.walk_to_scanners_minutes),
                (SALE, scenario.sale_minutes),
            )
        ]
        self._scans: Final = Draws(streams.blocks_of_microseconds(SCAN, scenario.scan_minutes))
        self._groups = 0
        self._next_bus = start_us
        self._draw_gap()

    @property
    def all_drawn(self) -> bool:
        """Whether no further bus arrives."""
        return self._next_bus == self._horizon

    def buses_until(self, time_us: int) -> Rows:
        """Draw the buses that arrive before ``time_us``, in rows of ``BUS``; the last is the one after them."""
        rows = []
        while self._next_bus < min(time_us, self._horizon):
            rows.append((*self._arrivals.next_bus(self._next_bus), False, 0, 0))
            self._draw_gap()
        rows.append((self._next_bus, 0, 0, 0, self.all_drawn, 0, 0))
        return np.array(rows, BUS)

    def seat(self, buses: Rows, groups: Rows, first_group: int, scans: Rows, first_scan: int) -> int:
        """Draw the groups on buses.

        Args:
            buses: Rows of ``BUS``, which are told which groups they have.
            groups: Where rows of ``GROUP`` are written.
            first_group: The first of them.
            scans: Where a row of ``SCAN`` for each visitor is written.
            first_scan: The first of them.

        Returns:
            The number of groups.
        """
        visitors = int(buses["people"].sum())
        number = int(
            _seat(
                *(buses, groups, first_group, scans, first_scan, self._row, self._groups),
                *(self._sizes.peek(visitors), self._channels.peek(visitors) < self._share),
                *(draws.peek(visitors) for draws in self._durations),
                self._scans.take(visitors),
            )
        )
        self._groups += number
        for draws in (self._sizes, self._channels, *self._durations):
            draws.drop(number)
        return number

    def _draw_gap(self) -> None:
        self._next_bus = min(self._next_bus + self._arrivals.time_to_next_bus(), self._horizon)


@compiled
def _seat(
    buses: Rows,
    groups: Rows,
    first_group: int,
    scans: Rows,
    first_scan: int,
    venue: int,
    group_id: int,
    sizes: Rows,
    buys: Rows,
    walks_to_sellers: Rows,
    walks_to_scanners: Rows,
    sales: Rows,
    durations: Rows,
) -> int:
    """Make groups of the visitors on each bus, the last one of who is left; return their number."""
    made, scan = 0, first_scan
    for bus_row in range(len(buses)):
        bus = buses[bus_row]
        bus.groups = first_group + made
        left = bus.people
        while left > 0:
            group = groups[first_group + made]
            group.venue = venue
            group.arrived_at = bus.time
            group.bus_id = bus.bus_id
            group.group_id = group_id + made
            group.first_visitor = bus.first_visitor + bus.people - left
            group.people = min(sizes[made], left)
            group.buys = buys[made]
            group.walk_to_sellers = walks_to_sellers[made]
            group.walk_to_scanners = walks_to_scanners[made]
            group.sale = sales[made]
            group.scans = scan
            group.stage = WALKS_TO_SELLERS
            scan += group.people
            left -= group.people
            made += 1
        bus.groups_end = first_group + made
    for place in range(scan - first_scan):
        scans[first_scan + place].duration = durations[place]
    return made
