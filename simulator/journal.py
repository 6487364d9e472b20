"""The journal of a venue: every message it sends, numbered, counted and encoded in the order of time."""

from dataclasses import dataclass
from typing import Any, Final

from simulator.environment import Environment
from simulator.events import SCHEMA_VERSION, EventType
from simulator.messages import MESSAGE_OF_ACTIVITY, Activity, encode
from simulator.receipts import Ledger
from simulator.sinks.protocol import Sink


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What stands in every message of one venue of one run."""

    run_id: str
    venue_id: str
    run_venues: int  #: venues of the whole run, on all machines


class Journal:
    """Sends a venue's messages to a sink.

    An entry is made when its activity ends, so times never decrease; the first entry of a new hour first closes the
    hours before it.
    """

    def __init__(self, env: Environment, letterhead: Letterhead, ledger: Ledger, sink: Sink) -> None:
        self._env: Final = env
        self._letterhead: Final = letterhead
        self._ledger: Final = ledger
        self._send: Final = sink.send
        self._key: Final = letterhead.venue_id.encode()
        self._id_prefix: Final = f"{letterhead.run_id}-{letterhead.venue_id}-"
        self._tallies: Final = {MESSAGE_OF_ACTIVITY[kind]: tally for kind, tally in ledger.tallies.items()}
        self._run_id: Final = letterhead.run_id
        self._venue_id: Final = letterhead.venue_id
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

    def record(self, kind: type[Activity], started_at: int, details: tuple[Any, ...]) -> None:
        """Send what ends now.

        Args:
            kind: The message.
            started_at: When the activity began, microseconds since the Unix epoch.
            details: The message's other fields, from ``arrived_at`` on.
        """
        now = self._env.now
        if now >= self._ledger.hour_end:
            self.close_hours()
        tally = self._tallies[kind]
        tally.count += 1
        tally.duration_us += now - started_at
        self._sequence = sequence = self._sequence + 1
        event_id = f"{self._id_prefix}{sequence}"
        message = kind(SCHEMA_VERSION, event_id, self._run_id, self._venue_id, now, started_at, *details)
        self._send(tally.topic, self._key, encode(message))

    def close_hours(self) -> None:
        """Send the receipts of every hour that has ended by now."""
        while self._ledger.hour_end <= self._env.now:
            self._close_hour(final=False)

    def close(self) -> None:
        """Send the receipts of the open hour, which is the venue's last."""
        self._close_hour(final=True)

    def _close_hour(self, *, final: bool) -> None:
        head = self._letterhead
        for receipt in self._ledger.close_hour(head.run_id, head.venue_id, head.run_venues, self._sequence + 1, final):
            self._sequence += 1
            self.receipts += 1
            self._send(EventType.HOUR_CLOSED.topic, self._key, encode(receipt))
