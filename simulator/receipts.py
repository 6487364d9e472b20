"""Receipts: what a venue produced in an hour, counted, summed and digested while it is produced."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from simulator.digest import digest_of
from simulator.encoding import HourClosed
from simulator.events import ACTIVITY_TYPES, HOUR_US, SCHEMA_VERSION, EventType, hour_start_us


@dataclass(slots=True)
class Tally:
    """Sums over the events of one type at a venue."""

    event_type: EventType
    topic: str
    servers: int | None  #: sellers for buy_tickets, scanners for scan_tickets, else None
    count: int = 0  #: events in the open hour
    duration_us: int = 0  #: sum of their durations
    # Most events are about one visitor: only what the others add to number and durations is added up for each event.
    companions: int = 0  #: visitors beyond one per event
    companion_us: int = 0  #: sum of durations times companions
    content: int = 0  #: sum of the squares of their weights, see ``simulator.digest``
    closed: int = 0  #: events in the hours before

    def reset(self) -> None:
        """Begin the next hour."""
        self.closed += self.count
        self.count = self.duration_us = self.companions = self.companion_us = self.content = 0


class Ledger:
    """Tallies of one venue's open hour, and the receipts that close it.

    Exactly one hour is open at a time, beginning with the one in which the run starts. Before an event is recorded, all
    earlier hours must be closed.
    """

    def __init__(self, start_us: int, *, sellers: int, scanners: int) -> None:
        """Open the hour of ``start_us``, microseconds since the Unix epoch."""
        servers = {EventType.BUY_TICKETS: sellers, EventType.SCAN_TICKETS: scanners}
        self.tallies: Final = {kind: Tally(kind, kind.topic, servers.get(kind)) for kind in ACTIVITY_TYPES}
        self.revenue_cents = 0  #: sum of the amounts of the open hour's sales
        self.time_in_system_us = 0  #: sum of the times from the bus to the end of the open hour's scans
        self.hour_start = hour_start_us(start_us)  #: start of the open hour
        self.hour_end = self.hour_start + HOUR_US  #: start of the next

    def close_hour(
        self, run_id: str, venue_id: str, run_venues: int, first_sequence: int, final: bool
    ) -> Iterator[HourClosed]:
        """Yield the open hour's seven receipts, in the order of the types, and open the next hour.

        Args:
            run_id: Id of the run.
            venue_id: Id of the venue.
            run_venues: Number of venues of the whole run.
            first_sequence: Sequence number of the first receipt; the others follow.
            final: Whether the venue sends nothing after this hour.
        """
        for sequence, tally in enumerate(self.tallies.values(), first_sequence):
            receipt = HourClosed(
                schema_version=SCHEMA_VERSION,
                event_id=f"{run_id}-{venue_id}-{sequence}",
                run_id=run_id,
                venue_id=venue_id,
                event_time=self.hour_end - 1,
                started_at=self.hour_start,
                arrived_at=self.hour_start,
                hour_start=self.hour_start,
                of_event_type=tally.event_type,
                event_count=tally.count,
                duration_us=tally.duration_us,
                servers=tally.servers,
                run_venues=run_venues,
                final=final,
                visitors=tally.count + tally.companions,
                visitor_us=tally.duration_us + tally.companion_us,
                revenue_cents=self.revenue_cents if tally.event_type is EventType.BUY_TICKETS else None,
                time_in_system_us=self.time_in_system_us if tally.event_type is EventType.SCAN_TICKETS else None,
            )
            digest = digest_of(msgspec.structs.asdict(receipt), content=tally.content)
            yield msgspec.structs.replace(receipt, digest=digest)
            tally.reset()
        self.revenue_cents = self.time_in_system_us = 0
        self.hour_start = self.hour_end
        self.hour_end += HOUR_US
