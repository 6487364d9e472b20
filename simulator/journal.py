"""The journal of a venue: its messages, numbered, counted and sent in chronological order."""

from dataclasses import dataclass
from typing import Final

from simulator.digest import WEIGHT_MODULUS
from simulator.environment import Environment
from simulator.events import EventType
from simulator.messages import FACTOR_OF_END, FACTOR_OF_START, activity_form, encode
from simulator.receipts import Ledger
from simulator.sinks.protocol import Sink


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """Fields that all messages of one venue of one run share."""

    run_id: str
    venue_id: str
    run_venues: int  #: venues of the whole run, on all machines


class Journal:
    """Sender of a venue's messages.

    An entry is made when its activity ends, so times never decrease; the first entry of a new hour first closes the
    hours before it.
    """

    def __init__(self, env: Environment, header: MessageHeader, ledger: Ledger, sink: Sink) -> None:
        self._env: Final = env
        self._header: Final = header
        self._ledger: Final = ledger
        self._send: Final = sink.send
        self._key: Final = header.venue_id.encode()
        self._pages: Final = {
            kind: (activity_form(kind, header.run_id, header.venue_id), tally.topic, tally)
            for kind, tally in ledger.tallies.items()
        }
        self._sequence = 0
        self.receipts = 0  #: receipts sent so far

    @property
    def open_hour_end(self) -> int:
        """The end of the hour whose receipts come next, microseconds since the Unix epoch."""
        return self._ledger.hour_end

    @property
    def events(self) -> int:
        """Messages sent so far, receipts included."""
        return self._sequence

    def record(self, kind: EventType, began: int, ended: int, about: bytes, weight: int) -> None:
        """Send the message of a single visitor's activity that ends now.

        Args:
            kind: Type of the activity.
            began: Its start, microseconds since the Unix epoch.
            ended: Its end, which is now, in the same unit.
            about: Who and where: the second half of the message.
            weight: The weight of that half.
        """
        if ended >= self._ledger.hour_end:
            self.close_hours()
        form, topic, tally = self._pages[kind]
        self._sequence = number = self._sequence + 1
        weight = (weight + number + FACTOR_OF_START * began + FACTOR_OF_END * ended) % WEIGHT_MODULUS
        tally.count += 1
        tally.duration_us += ended - began
        tally.content += weight * weight
        self._send(topic, self._key, form % (number, ended, began, about))

    def record_party(
        self, kind: EventType, began: int, ended: int, about: bytes, weight: int, *, party_size: int
    ) -> None:
        """Send the message of a party's activity; see ``record``."""
        self.record(kind, began, ended, about, weight)
        tally = self._ledger.tallies[kind]
        tally.companions += party_size - 1
        tally.companion_us += (party_size - 1) * (ended - began)

    def record_sale(
        self, began: int, ended: int, about: bytes, weight: int, *, party_size: int, amount_cents: int
    ) -> None:
        """Send the message of a sale; see ``record``."""
        self.record_party(EventType.BUY_TICKETS, began, ended, about, weight, party_size=party_size)
        self._ledger.revenue_cents += amount_cents

    def record_scan(self, began: int, ended: int, about: bytes, weight: int, arrived_at: int) -> None:
        """Send the message of a visitor's scan; see ``record``."""
        self.record(EventType.SCAN_TICKETS, began, ended, about, weight)
        self._ledger.time_in_system_us += ended - arrived_at

    def close_hours(self) -> None:
        """Send the receipts of every hour that has ended."""
        while self._ledger.hour_end <= self._env.now:
            self._close_hour(final=False)

    def close(self) -> None:
        """Send the receipts of the open hour, which is the venue's last."""
        self._close_hour(final=True)

    def _close_hour(self, *, final: bool) -> None:
        head = self._header
        for receipt in self._ledger.close_hour(head.run_id, head.venue_id, head.run_venues, self._sequence + 1, final):
            self._sequence += 1
            self.receipts += 1
            self._send(EventType.HOUR_CLOSED.topic, self._key, encode(receipt))
