"""Receipts: what a venue produced in an hour, counted and digested while it is produced."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from simulator.digest import digest_of
from simulator.events import ACTIVITY_TYPES, HOUR_US, SCHEMA_VERSION, EventType, hour_start_us
from simulator.messages import HourClosed


@dataclass(slots=True)
class Tally:
    """Sums over the events of one type at a venue."""

    event_type: EventType
    topic: str
    servers: int | None  #: sellers for buy_tickets, scanners for scan_tickets, else None
    count: int = 0  #: events in the open hour
    duration_us: int = 0  #: sum of their durations
    content: int = 0  #: sum of the squares of their weights, see ``simulator.digest``
    closed: int = 0  #: events in the hours before


class Ledger:
    """Tallies of one venue's open hour, and the receipts that close it.

    Exactly one hour is open at a time, beginning with the one in which the run starts. Before an event is recorded, all
    earlier hours must be closed.
    """

    def __init__(self, start_us: int, *, sellers: int, scanners: int) -> None:
        """Open the hour of ``start_us``, microseconds since the Unix epoch."""
        servers = {EventType.BUY_TICKETS: sellers, EventType.SCAN_TICKETS: scanners}
        self.tallies: Final = {kind: Tally(kind, kind.topic, servers.get(kind)) for kind in ACTIVITY_TYPES}
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
            )
            digest = digest_of(msgspec.structs.asdict(receipt), content=tally.content)
            yield msgspec.structs.replace(receipt, digest=digest)
            tally.closed += tally.count
            tally.count = tally.duration_us = tally.content = 0
        self.hour_start = self.hour_end
        self.hour_end += HOUR_US
