"""The model: buses bring groups, who walk, wait, buy, walk on, wait again and are scanned.

SimPy's clock counts whole microseconds since the Unix epoch. One process per group; every message is sent when what it
tells of ends.
"""

from collections.abc import Generator
from typing import Any, Final

import simpy

from simulator.distributions import Streams
from simulator.environment import Environment
from simulator.journal import Journal
from simulator.lines import Lines, OneLine, SeparateLines
from simulator.messages import (
    BusArrival,
    BuyTickets,
    ScanTickets,
    WaitInScannerLine,
    WaitInSellerLine,
    WalkToScanner,
    WalkToSeller,
)
from simulator.scenario import Scenario
from simulator.visitors import Arrivals, Bus, Group, Member

#: Raised whenever the same scenario and seed give other events than before; part of every run's default id.
MODEL_VERSION: Final = 1

Steps = Generator[simpy.Event, Any, None]


class Venue:
    """One venue in a SimPy environment, from its first bus to its last visitor."""

    def __init__(
        self, env: Environment, scenario: Scenario, streams: Streams, journal: Journal, horizon_us: int
    ) -> None:
        """Set the venue up and start its processes.

        Args:
            env: SimPy's environment; its time is integer microseconds since the Unix epoch.
            scenario: What the venue is like.
            streams: The venue's random streams.
            journal: Where its messages go.
            horizon_us: No bus arrives at this time or later.
        """
        self._env: Final = env
        self._arrivals: Final = Arrivals(scenario, streams)
        self._sellers: Final = _lines(scenario.sellers, scenario, streams, "seller_ties")
        self._scanners: Final = _lines(scenario.scanners, scenario, streams, "scanner_ties")
        self._price: Final = scenario.ticket_price_cents
        self._horizon: Final = horizon_us
        self._groups_inside = 0
        self.journal: Final = journal
        self.closed = False  #: whether the receipts of the last hour are sent
        env.process(self._clock())
        env.process(self._buses())

    def close(self) -> None:
        """Send the last hour's receipts, whoever is still inside; does nothing if that is done."""
        if not self.closed:
            self.journal.close()
            self.closed = True

    def _buses(self) -> Steps:
        """Buses come until the horizon; without groups inside then, the venue closes."""
        env = self._env
        while True:
            gap = self._arrivals.time_to_next_bus()
            if env.now + gap >= self._horizon:
                break
            yield env.timeout(gap)
            self._unload(self._arrivals.next_bus(env.now))
        yield env.timeout(self._horizon - env.now)
        self._close_if_done()

    def _unload(self, bus: Bus) -> None:
        self.journal.record(BusArrival, bus.arrived_at, bus)
        for group in self._arrivals.groups(bus):
            self._groups_inside += 1
            self._env.process(self._visit(group))

    def _visit(self, group: Group) -> Steps:
        """A group's way in: to the sellers if it has no tickets, to the scanners, through them."""
        env, record = self._env, self.journal.record
        party, walk_to_sellers, walk_to_scanners, sale, scans = group
        set_off = env.now
        if group.buys_at_the_venue:
            yield env.timeout(walk_to_sellers)
            joined = env.now
            line, ((served, bought),) = self._sellers.join(joined, (sale,))
            at_seller = (*party, line)
            record(WalkToSeller, set_off, at_seller)
            if served > joined:
                yield env.timeout(served - joined)
            record(WaitInSellerLine, joined, at_seller)
            yield env.timeout(bought - served)
            self._sellers.leave(line)
            record(BuyTickets, served, (*at_seller, self._price * len(scans)))
            set_off = bought
            yield env.timeout(walk_to_scanners)
        else:
            yield env.timeout(walk_to_sellers + walk_to_scanners)

        now = joined = env.now
        line, times = self._scanners.join(joined, scans)
        members = group.members(line)
        for member in members:
            record(WalkToScanner, set_off, member)
        for moment, begins, member, began in _moments(members, times):
            if moment > now:
                yield env.timeout(moment - now)
                now = moment
            if begins:
                record(WaitInScannerLine, joined, member)
            else:
                self._scanners.leave(line)
                record(ScanTickets, began, member)

        self._groups_inside -= 1
        self._close_if_done()

    def _clock(self) -> Steps:
        """At every full hour, close the hour before, unless it was the venue's last."""
        env, journal = self._env, self.journal
        while not self.closed:
            yield env.timeout(journal.open_hour_end - env.now)
            if not (self.closed or self._done):
                journal.close_hours()

    @property
    def _done(self) -> bool:
        return not self._groups_inside and self._env.now >= self._horizon

    def _close_if_done(self) -> None:
        if self._done:
            self.close()


def _lines(servers: int, scenario: Scenario, streams: Streams, ties: str) -> Lines:
    return OneLine(servers) if scenario.one_line else SeparateLines(servers, streams.uniforms(ties))


def _moments(members: list[Member], times: list[tuple[int, int]]) -> list[tuple[int, bool, Member, int]]:
    """When the members' scans end and begin, in order: the moment, whether it begins, whose, and when it began."""
    moments = []
    for member, (begin, end) in zip(members, times, strict=True):
        moments.append((begin, True, member, begin))
        moments.append((end, False, member, begin))
    moments.sort()
    return moments
