"""One replication of a venue's model, of which only the waits are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulator.arrivals import Arrivals, Crowd
from simulator.daily_rate import streams_of_day
from simulator.distributions import Streams
from simulator.encoding import About
from simulator.environment import Environment, rare_garbage_collection
from simulator.events import EARLIEST_TIME_US, HOUR_US, EventType
from simulator.journal import Journal, MessageHeader
from simulator.planning.demand import Stage
from simulator.planning.statistics import Sample
from simulator.receipts import Ledger
from simulator.recursion import Passage, through_scanners, through_sellers
from simulator.scenario import Scenario
from simulator.venue import Venue


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of one stage, in the order of the visitors' numbers; times are microseconds."""

    arrived: NDArray[np.int64]  #: when the bus arrived, since the start
    waited: NDArray[np.int64]  #: from joining the line to being served
    visitors: NDArray[np.int64]  #: how many waited so

    def arrived_from(self, moment: int) -> Sample:
        """Return the waits of visitors whose bus arrived at ``moment`` or later."""
        kept = self.arrived >= moment
        return Sample(self.waited[kept], self.visitors[kept])

    @property
    def sample(self) -> Sample:
        """All waits."""
        return Sample(self.waited, self.visitors)


@dataclass(frozen=True, slots=True)
class Observation:
    """Waits observed in one replication."""

    sellers: Waits  #: one for each group that buys at the venue
    scanners: Waits  #: one for each visitor


@dataclass(frozen=True, slots=True)
class Replication:
    """Parameters of one replication; its number, used as the venue's number, selects the random streams."""

    scenario: Scenario
    seed: int
    number: int
    length_us: int  #: for how long buses arrive; everyone on them is followed to the end

    @property
    def visitors(self) -> float:
        """About how many visitors come."""
        return self.length_us / HOUR_US * self.scenario.visitors_an_hour


def observe(replication: Replication) -> Observation:
    """Run a replication; the same seed and number give the same visitors under every staffing.

    The waits are found by recursion, or, where that cannot tell which came first of what happens in the same
    microsecond, by the model itself: to the microsecond the same.
    """
    crowd, streams = _drawn(replication)
    sellers = through_sellers(crowd, replication.scenario, streams)
    scanners = None if sellers is None else through_scanners(crowd, sellers, replication.scenario, streams)
    if sellers is None or scanners is None:
        return observe_events(replication)
    return Observation(_at_sellers(crowd, sellers), _at_scanners(crowd, scanners))


def observe_stage(stage: Stage, replication: Replication) -> Waits:
    """Return what ``observe`` does for one stage; the sellers' lines do not depend on the scanners."""
    if stage == "scanners":
        return observe(replication).scanners
    crowd, streams = _drawn(replication)
    sellers = through_sellers(crowd, replication.scenario, streams)
    return observe_events(replication).sellers if sellers is None else _at_sellers(crowd, sellers)


def _drawn(replication: Replication) -> tuple[Crowd, Streams]:
    streams = _streams(replication)
    return Arrivals(replication.scenario, streams).crowd(replication.length_us), streams


def _streams(replication: Replication) -> Streams:
    streams = Streams(replication.seed, replication.number)
    return streams_of_day(streams, replication.scenario.bus_rate_by_hour, EARLIEST_TIME_US)


def _at_sellers(crowd: Crowd, passage: Passage) -> Waits:
    return Waits(crowd.arrived[crowd.buys], passage.begins - passage.joined, crowd.size[crowd.buys])


def _at_scanners(crowd: Crowd, passage: Passage) -> Waits:
    waited = passage.begins - np.repeat(passage.joined, crowd.size)
    return Waits(np.repeat(crowd.arrived, crowd.size), waited, np.ones_like(waited))


def observe_events(replication: Replication) -> Observation:
    """Run a replication event by event, in SimPy: the reference for ``observe``."""
    scenario, start_us = replication.scenario, EARLIEST_TIME_US
    env = Environment(start_us)
    log = _WaitLog(env, scenario, start_us)
    venue = Venue(env, scenario, _streams(replication), log, start_us + replication.length_us)
    with rare_garbage_collection():
        while not venue.closed:
            env.run(env.now + HOUR_US)
    return Observation(_waits(log.sellers, start_us), _waits(log.scanners, start_us))


class _Visitors(msgspec.Struct, frozen=True, gc=False):
    """The part of a message's second half that says who waited."""

    arrived_at: int
    first_visitor_id: int
    party_size: int


_read: Final = msgspec.json.Decoder(_Visitors).decode


class _WaitLog(Journal):
    """A journal that sends nothing and keeps the waits: bus's arrival, wait, visitors, first visitor's number."""

    def __init__(self, env: Environment, scenario: Scenario, start_us: int) -> None:
        ledger = Ledger(start_us, sellers=scenario.sellers, scanners=scenario.scanners)
        super().__init__(env, MessageHeader("plan", "plan", 1), ledger, _Nowhere())
        self.sellers: Final[list[tuple[int, int, int, int]]] = []
        self.scanners: Final[list[tuple[int, int, int, int]]] = []
        self._kept: Final = {EventType.WAIT_IN_SELLER_LINE: self.sellers, EventType.WAIT_IN_SCANNER_LINE: self.scanners}

    def record(self, kind: EventType, began: int, ended: int, about: About) -> None:
        """Record the activity that ends now if it is a wait."""
        if kind in self._kept:
            who = _read(b"{%b}" % about[0])
            self._kept[kind].append((who.arrived_at, ended - began, who.party_size, who.first_visitor_id))

    def record_members(self, kind: EventType, began: int, ended: int, members: Sequence[About]) -> None:
        """Do nothing: what members do together is no wait."""


class _Nowhere:
    """Sink that discards all messages."""

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Discard the message."""

    def poll(self) -> None:
        """Do nothing: no message is ever pending."""

    def flush(self) -> None:
        """Do nothing: no message is ever pending."""


def _waits(rows: list[tuple[int, int, int, int]], start_us: int) -> Waits:
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    arrived, waited, visitors, _ = table[np.argsort(table[:, 3])].T
    return Waits(arrived - start_us, waited, visitors)
