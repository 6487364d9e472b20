"""The journal of a venue: its messages, numbered, counted and sent in chronological order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.digest import WEIGHT_MODULUS
from simulator.encoding import FACTOR_OF_END, FACTOR_OF_NUMBER, About, activity_form, encode, form_of_times
from simulator.environment import Environment
from simulator.events import EventType
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
        self.ledger: Final = ledger
        self._send: Final = sink.send
        self._key: Final = header.venue_id.encode()
        self._pages: Final = {
            kind: (activity_form(kind, header.run_id, header.venue_id), tally.topic, tally)
            for kind, tally in ledger.tallies.items()
        }
        self._forms_of_times: Final = {kind: form_of_times(form) for kind, (form, _, _) in self._pages.items()}
        self._sequence = 0
        self.receipts = 0  #: receipts sent so far

    @property
    def open_hour_end(self) -> int:
        """The end of the hour whose receipts come next, microseconds since the Unix epoch."""
        return self.ledger.hour_end

    @property
    def events(self) -> int:
        """Messages sent so far, receipts included."""
        return self._sequence

    def record(self, kind: EventType, began: int, ended: int, about: About) -> None:
        """Send the message of an activity that ends now.

        Args:
            kind: Type of the activity.
            began: Its start, microseconds since the Unix epoch.
            ended: Its end, which is now, in the same unit.
            about: Who and where.
        """
        if ended >= self.ledger.hour_end:
            self.close_hours()
        form, topic, tally = self._pages[kind]
        text, weight, companions = about
        self._sequence = number = self._sequence + 1
        duration = ended - began
        weight = (weight + FACTOR_OF_NUMBER * number + FACTOR_OF_END * duration + began) % WEIGHT_MODULUS
        tally.count += 1
        tally.duration_us += duration
        tally.content += weight * weight
        if companions:
            tally.companions += companions
            tally.companion_us += companions * duration
        self._send(topic, self._key, form % (number, ended, began, text))

    def record_members(self, kind: EventType, began: int, ended: int, members: Sequence[About]) -> None:
        """Send a message for each member of a party, who began together and end now; see ``record``."""
        if ended >= self.ledger.hour_end:
            self.close_hours()
        _, topic, tally = self._pages[kind]
        send, key, number = self._send, self._key, self._sequence
        duration = ended - began
        times = FACTOR_OF_END * duration + began
        form = self._forms_of_times[kind] % (ended, began)
        for text, member_weight, _ in members:
            number += 1
            weight = (member_weight + FACTOR_OF_NUMBER * number + times) % WEIGHT_MODULUS
            tally.content += weight * weight
            send(topic, key, form % (number, text))
        self._sequence = number
        tally.count += len(members)
        tally.duration_us += len(members) * duration

    def close_hours(self) -> None:
        """Send the receipts of every hour that has ended."""
        while self.ledger.hour_end <= self._env.now:
            self._close_hour(final=False)

    def close(self) -> None:
        """Send the receipts of the open hour, which is the venue's last."""
        self._close_hour(final=True)

    def _close_hour(self, *, final: bool) -> None:
        head = self._header
        for receipt in self.ledger.close_hour(head.run_id, head.venue_id, head.run_venues, self._sequence + 1, final):
            self._sequence += 1
            self.receipts += 1
            self._send(EventType.HOUR_CLOSED.topic, self._key, encode(receipt))
