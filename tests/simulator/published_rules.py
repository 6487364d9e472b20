"""The rules of the published program that are not ours, each put into our own engine.

From the published source (K. Brown, "Simulating real-life events in Python with SimPy") as its readers know it: where
its code does something else than its text says, the code counts.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from unittest import mock

import numpy as np

from simulator import venue
from simulator.arrivals import BOX_OFFICE, GROUP_SIZE, ONLINE, Arrivals, Bus, Group
from simulator.distributions import MINUTE_US, Normal, Streams
from simulator.planning.replication import Observation, Replication, observe_events
from simulator.queues import SeparateLines
from simulator.recursion import through_scanners, through_sellers
from simulator.scenario import Scenario

#: What differs, by name; each is a parameter of ``observe_published``.
RULES = ("lines", "online walks", "groups of nobody", "whole numbers")


class PublishedLines(SeparateLines):
    """Lines of which the first one shorter than a random one is joined, counting the groups that wait alone."""

    def __init__(self, servers: int, uniforms: Iterator[float]) -> None:
        super().__init__(servers, uniforms)
        self._begins: list[list[int]] = [[] for _ in range(servers)]
        self._now = 0

    def join(self, now: int, services: Sequence[int]) -> tuple[int, list[int]]:
        self._now = now
        line, begins = super().join(now, services)
        self._begins[line - 1].append(begins[0])
        return line, begins

    def _shortest(self) -> int:
        waiting = [sum(begin > self._now for begin in begins) for begins in self._begins]
        self._begins = [[begin for begin in begins if begin > self._now] for begins in self._begins]
        order = list(range(len(waiting)))
        for last in range(len(order) - 1, 0, -1):  # Fisher and Yates
            other = int(next(self._uniforms) * (last + 1))
            order[last], order[other] = order[other], order[last]
        return next((line for line in order if waiting[line] < waiting[order[0]]), order[0])


class PublishedArrivals(Arrivals):
    """Arrivals under some of ``RULES``."""

    rules: frozenset[str] = frozenset()

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        super().__init__(scenario, streams)
        # In millionths of a person, from the same draws as the whole numbers are.
        self._occupancies_drawn = streams.microseconds("bus_occupancy", scenario.bus_occupancy)
        self._sizes_drawn = streams.microseconds(GROUP_SIZE, scenario.group_size)
        first, second = scenario.walk_to_sellers_minutes, scenario.walk_to_scanners_minutes
        assert isinstance(first, Normal)
        assert isinstance(second, Normal)
        both = Normal(first.mean + second.mean, first.sd + second.sd)
        self._online_walks = streams.microseconds("online_walk", both)

    def next_bus(self, now: int) -> Bus:
        bus = super().next_bus(now)
        if "whole numbers" not in self.rules:
            return bus
        truncated = max(1, next(self._occupancies_drawn) // MINUTE_US)
        self._visitors += truncated - bus.occupancy
        return bus._replace(occupancy=truncated)

    def groups(self, bus: Bus) -> Iterator[Group]:
        first, end = bus.first_visitor_id, bus.first_visitor_id + bus.occupancy
        while first < end:
            size = self._size()
            size = min(size or end, end - first)
            channel = BOX_OFFICE if next(self._channels) < self._box_office_share else ONLINE
            to_sellers, to_scanners = next(self._walks_to_sellers), next(self._walks_to_scanners)
            walk = next(self._online_walks)
            if channel == ONLINE and "online walks" in self.rules:
                to_sellers, to_scanners = walk, 0
            yield (
                (bus.arrived_at, bus.bus_id, self._groups, first, size, channel),
                to_sellers,
                to_scanners,
                next(self._sales),
                list(islice(self._scans, size)),
            )
            self._groups += 1
            first += size

    def _size(self) -> int:
        """Draw a group's size; 0 takes the rest of the bus."""
        if "groups of nobody" in self.rules:
            return round(next(self._sizes_drawn) / MINUTE_US)
        return next(self._sizes)


def observe_published(replication: Replication, rules: Sequence[str]) -> Observation:
    """Run a replication of our model, event by event, under some of ``RULES``."""
    arrivals = type("ArrivalsUnderRules", (PublishedArrivals,), {"rules": frozenset(rules)})
    lines = PublishedLines if "lines" in rules else SeparateLines
    with mock.patch.object(venue, "Arrivals", arrivals), mock.patch.object(venue, "SeparateLines", lines):
        return observe_events(replication)


def mean_minutes(waits) -> float:
    """The mean wait of one stage's visitors, minutes."""
    return float(np.average(waits.waited, weights=waits.visitors)) / MINUTE_US


def mean_until_the_groups_turn(replication: Replication) -> float:
    """The mean wait at the scanners, minutes, if it ends for a whole group when its first member is scanned."""
    streams = Streams(replication.seed, replication.number)
    crowd = Arrivals(replication.scenario, streams).crowd(replication.length_us)
    sellers = through_sellers(crowd, replication.scenario, streams)
    assert sellers is not None
    scanners = through_scanners(crowd, sellers, replication.scenario, streams)
    assert scanners is not None
    turns = scanners.begins[np.cumsum(crowd.size) - crowd.size] - scanners.joined
    return float(np.average(turns, weights=crowd.size)) / MINUTE_US
