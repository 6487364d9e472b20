"""The reference engine: the processes of ``simulator.venue`` in SimPy, at any pace."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from simulator.engine import Site
from simulator.environment import ON_TIME, Environment, Lateness, PacedEnvironment
from simulator.events import HOUR_US
from simulator.journal import Journal
from simulator.sinks.protocol import Sink
from simulator.venue import Venue

#: Simulated time between two checks of the wall clock, which is adapted to what there is to simulate.
_LONGEST_SLICE_US: Final = HOUR_US // 12
_SHORTEST_SLICE_US: Final = 10_000

#: Seconds between two checks of the wall clock, at least and at most.
_LEAST_SLICE_S: Final = 0.02
_MOST_SLICE_S: Final = 0.1


class SimpyEngine:
    """All venues in one environment; see ``Engine``."""

    def __init__(
        self,
        sites: Sequence[Site],
        sink: Sink,
        *,
        start_us: int,
        horizon_us: int,
        pace: float,
        while_waiting: Callable[[], bool],
    ) -> None:
        """Set the venues up.

        Args:
            sites: The venues.
            sink: Destination of the messages.
            start_us: Simulated time at the start, microseconds since the Unix epoch.
            horizon_us: Time from which no bus arrives.
            pace: Simulated seconds per second; 0: as fast as possible.
            while_waiting: Callback between short sleeps of a paced run; the simulation stops when it returns false.
        """
        self._env: Final = PacedEnvironment(start_us, pace, while_waiting) if pace else Environment(start_us)
        self._slice_us = _SHORTEST_SLICE_US
        self._venues: Final = [
            Venue(
                self._env, site.scenario, site.streams, Journal(self._env, site.header, site.ledger, sink), horizon_us
            )
            for site in sites
        ]

    @property
    def now(self) -> int:
        """Simulated time."""
        return self._env.now

    @property
    def lateness(self) -> Lateness:
        """Lag behind the pace."""
        return self._env.lateness if isinstance(self._env, PacedEnvironment) else ON_TIME

    @property
    def events(self) -> int:
        """Messages sent so far, receipts included."""
        return sum(venue.journal.events for venue in self._venues)

    @property
    def receipts(self) -> int:
        """Receipts sent so far."""
        return sum(venue.journal.receipts for venue in self._venues)

    @property
    def all_closed(self) -> bool:
        """Whether the receipts of every venue's last hour are sent."""
        return all(venue.closed for venue in self._venues)

    @property
    def open_hours_end(self) -> int:
        """The end of the last hour that is open at a venue which is not closed."""
        return max(venue.journal.open_hour_end for venue in self._venues if not venue.closed)

    def advance(self, until_us: int | None) -> None:
        """Simulate for a tenth of a second or so, but nothing that happens at ``until_us`` or later."""
        began = monotonic()
        slice_end = self._env.now + self._slice_us
        self._env.run(slice_end if until_us is None else min(slice_end, until_us))
        lasted = monotonic() - began
        if lasted < _LEAST_SLICE_S:
            self._slice_us = min(2 * self._slice_us, _LONGEST_SLICE_US)
        elif lasted > _MOST_SLICE_S:
            self._slice_us = max(self._slice_us // 4, _SHORTEST_SLICE_US)

    def hurry(self) -> None:
        """Run as fast as possible from now on."""
        if isinstance(self._env, PacedEnvironment):
            self._env.hurry()

    def close_hours(self) -> None:
        """Send the receipts of all hours that have ended, and the last ones of venues whose visitors are through."""
        for venue in self._venues:
            venue.close_hours()

    def close(self) -> None:
        """Send the receipts of the open hour of each venue that is not closed, as its last."""
        for venue in self._venues:
            venue.close()
