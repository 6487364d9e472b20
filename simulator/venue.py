"""The model: buses bring groups, who walk, wait, buy, walk on, wait again and are scanned.

SimPy's clock counts whole microseconds since the Unix epoch. Each group is one process; every message is sent when its
activity ends.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final

import simpy

from simulator.arrivals import BOX_OFFICE, Arrivals, Bus, Group
from simulator.distributions import Streams
from simulator.encoding import About, about_bus, about_members, about_party, about_sale
from simulator.environment import Environment, Steps
from simulator.events import ACTIVITY_TYPES
from simulator.journal import Journal
from simulator.queues import SCANNER_TIES, SELLER_TIES, Lines, OneLine, SeparateLines
from simulator.scenario import Scenario

#: Increased whenever the same scenario and seed give other events than before; part of every run's default id.
MODEL_VERSION: Final = 3

# Local names because an enumeration lookup costs a tenth of a microsecond, and each message needs one.
(
    BUS_ARRIVAL,
    WALK_TO_SELLER,
    WAIT_IN_SELLER_LINE,
    BUY_TICKETS,
    WALK_TO_SCANNER,
    WAIT_IN_SCANNER_LINE,
    SCAN_TICKETS,
) = ACTIVITY_TYPES

Process = Generator[simpy.Event, Any, None]


class Venue:
    """One venue in a SimPy environment, from its first bus to its last visitor."""

    def __init__(
        self, env: Environment, scenario: Scenario, streams: Streams, journal: Journal, horizon_us: int
    ) -> None:
        """Set the venue up and start its processes.

        Args:
            env: SimPy's environment; its time is integer microseconds since the Unix epoch.
            scenario: Parameters of the venue.
            streams: Random streams of the venue.
            journal: Journal of its messages.
            horizon_us: Time from which no bus arrives.
        """
        self._env: Final = env
        self._arrivals: Final = Arrivals(scenario, streams)
        self._sellers: Final = _lines(scenario.sellers, scenario, streams, SELLER_TIES)
        self._scanners: Final = _lines(scenario.scanners, scenario, streams, SCANNER_TIES)
        self._one_line: Final = scenario.one_line
        self._price: Final = scenario.ticket_price_cents
        self._horizon: Final = horizon_us
        self._groups_inside = 0
        self.journal: Final = journal
        self.closed = False  #: whether the receipts of the last hour are sent
        env.process(self._clock())
        env.process(self._buses())

    def close(self) -> None:
        """Send the last hour's receipts, even with people still inside; do nothing if already closed."""
        if not self.closed:
            self.journal.close()
            self.closed = True

    def close_hours(self) -> None:
        """Send the receipts of the hours that have ended, the final ones if all visitors are through."""
        if not self.closed:
            if self._done:
                self.close()
            else:
                self.journal.close_hours()

    def _buses(self) -> Process:
        """Let buses arrive until the horizon; close the venue if no group is inside then."""
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
        self.journal.record(BUS_ARRIVAL, bus.arrived_at, bus.arrived_at, about_bus(*bus))
        for group in self._arrivals.groups(bus):
            self._groups_inside += 1
            Steps(self._env, self._visit(group, bus.arrived_at))

    def _visit(self, group: Group, set_off: int) -> Iterator[int]:
        """Simulate a group from the bus to its last scan: to the sellers if it has no tickets, then to the scanners.

        Args:
            group: The group.
            set_off: Time at which it leaves the bus, microseconds since the Unix epoch.

        Yields:
            Time until the group's next step, microseconds.
        """
        journal = self.journal
        record, ledger = journal.record, journal.ledger
        party, walk_to_sellers, walk_to_scanners, sale, scans = group
        arrived_at = set_off
        if party[-1] == BOX_OFFICE:
            yield walk_to_sellers
            joined = set_off + walk_to_sellers
            line, (served,) = self._sellers.join(joined, (sale,))
            at_seller = about_party(party, line)
            record(WALK_TO_SELLER, set_off, joined, at_seller)
            if served > joined:
                yield served - joined
            record(WAIT_IN_SELLER_LINE, joined, served, at_seller)
            yield sale
            set_off = served + sale
            self._sellers.leave(line)
            amount = self._price * len(scans)
            record(BUY_TICKETS, served, set_off, about_sale(at_seller, amount))
            ledger.revenue_cents += amount
            yield walk_to_scanners
            joined = set_off + walk_to_scanners
        else:
            walk = walk_to_sellers + walk_to_scanners
            yield walk
            joined = set_off + walk

        scanners = self._scanners
        line, begins = scanners.join(joined, scans)
        members = about_members(party, line)
        journal.record_members(WALK_TO_SCANNER, set_off, joined, members)
        if self._one_line:
            yield from self._scan_side_by_side(joined, begins, group, members)
        else:
            now = joined
            for place, member in enumerate(members):
                begin = begins[place]
                if begin > now:
                    yield begin - now
                record(WAIT_IN_SCANNER_LINE, joined, begin, member)
                yield scans[place]
                now = begin + scans[place]
                scanners.leave(line)
                record(SCAN_TICKETS, begin, now, member)
                ledger.time_in_system_us += now - arrived_at

        self._groups_inside -= 1
        self._close_if_done()

    def _clock(self) -> Process:
        """Close every hour when it ends, unless it is the venue's last."""
        env, journal = self._env, self.journal
        while not self.closed:
            yield env.timeout(journal.open_hour_end - env.now)
            if not self._done:
                self.close_hours()

    def _scan_side_by_side(
        self, joined: int, begins: Sequence[int], group: Group, members: Sequence[About]
    ) -> Iterator[int]:
        """Simulate the waits and scans of a group whose members different scanners may serve at the same time."""
        (arrived_at, *_), _, _, _, scans = group
        moments = [(begin, True, place) for place, begin in enumerate(begins)]
        moments += [(begins[place] + scan, False, place) for place, scan in enumerate(scans)]
        now = joined
        for moment, begin, place in sorted(moments):
            if moment > now:
                yield moment - now
                now = moment
            if begin:
                self.journal.record(WAIT_IN_SCANNER_LINE, joined, now, members[place])
            else:
                self.journal.record(SCAN_TICKETS, begins[place], now, members[place])
                self.journal.ledger.time_in_system_us += now - arrived_at

    @property
    def _done(self) -> bool:
        return not self._groups_inside and self._env.now >= self._horizon

    def _close_if_done(self) -> None:
        if self._done:
            self.close()


def _lines(servers: int, scenario: Scenario, streams: Streams, ties: str) -> Lines:
    return OneLine(servers) if scenario.one_line else SeparateLines(servers, streams.uniforms(ties))
