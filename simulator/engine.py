"""Engines: ways to run the one model, which all send the same messages."""

from dataclasses import dataclass
from typing import Literal, Protocol

from simulator.distributions import Streams
from simulator.environment import Lateness
from simulator.journal import MessageHeader
from simulator.receipts import Ledger
from simulator.scenario import Scenario

EngineName = Literal["simpy", "fast"]


@dataclass(frozen=True, slots=True)
class Site:
    """A venue as an engine is given it."""

    scenario: Scenario
    streams: Streams
    header: MessageHeader
    ledger: Ledger  #: what the engine has sent; up to date when an hour or the venue is closed


class Engine(Protocol):
    """The venues of a run, from their first bus to their last visitor. Times are microseconds since the Unix epoch."""

    @property
    def now(self) -> int:
        """Simulated time: everything before it is sent."""

    @property
    def lateness(self) -> Lateness:
        """Lag behind the pace."""

    @property
    def events(self) -> int:
        """Messages sent so far, receipts included."""

    @property
    def receipts(self) -> int:
        """Receipts sent so far."""

    @property
    def all_closed(self) -> bool:
        """Whether the receipts of every venue's last hour are sent."""

    @property
    def open_hours_end(self) -> int:
        """The end of the last hour that is open at a venue which is not closed."""

    def advance(self, until_us: int | None) -> None:
        """Simulate for a tenth of a second or so, but nothing that happens at ``until_us`` or later."""

    def hurry(self) -> None:
        """Run as fast as possible from now on."""

    def close_hours(self) -> None:
        """Send the receipts of all hours that have ended, and the last ones of venues whose visitors are through."""

    def close(self) -> None:
        """Send the receipts of the open hour of each venue that is not closed, as its last."""
