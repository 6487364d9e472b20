"""Replay: an event log sent as a run of one venue."""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice
from time import monotonic
from typing import Any, Final

import simpy

from simulator.encoding import about_bus, about_party, about_sale
from simulator.environment import Environment, wall_clock_us
from simulator.events import EARLIEST_TIME_US, EVENT_TYPES, HOUR_US, SCHEMA_VERSION, EventType, hour_start_us
from simulator.exceptions import RunError
from simulator.journal import Journal, MessageHeader
from simulator.receipts import Ledger
from simulator.replay.spool import ActivityRecord, EventLog
from simulator.run import RUN_ID
from simulator.scenario import load_scenario
from simulator.sinks.protocol import Sink
from simulator.timestamps import iso, utc

_DAY_US: Final = 24 * HOUR_US

#: Increased whenever the same log gives other messages than before; part of every default run id.
_TRANSLATION_VERSION: Final = 4

_DIGEST_LENGTH: Final = 10

#: Events between two polls of the sink.
_POLL_EVERY: Final = 5000


@dataclass(frozen=True, slots=True)
class Replay:
    """Parameters of a replay; created and validated by ``plan_replay``."""

    run_id: str
    venue_id: str
    start_us: int  #: the log's minute 0, microseconds since the Unix epoch


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """Progress of a replay."""

    messages: int  #: sent so far, receipts included
    fraction: float  #: of the log's events


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """Summary of a replay."""

    run_id: str
    venue_id: str
    events: dict[str, int]  #: messages by event type, receipts included, zeros too
    empty_buses: int  #: buses with nobody on them, for which the contract has no message
    seconds: float  #: wall clock, until the last message was delivered
    first_hour: datetime  #: start of the first hour with receipts, UTC
    last_hour: datetime  #: start of the last one

    @property
    def total(self) -> int:
        """All messages."""
        return sum(self.events.values())

    @property
    def events_per_second(self) -> float:
        """Messages a second of wall clock."""
        return self.total / self.seconds if self.seconds else 0.0


def plan_replay(
    log: EventLog, *, start: datetime | None = None, run_id: str | None = None, venue_id: str = "venue-1"
) -> Replay:
    """Fill in defaults and validate the parameters of a replay.

    Args:
        log: The log to send.
        start: The log's minute 0, with time zone. Default: the latest midnight for which all of its hours are over.
        run_id: Id of the run. Default: a digest of the log's content, its start and the venue.
        venue_id: Id of the venue.

    Raises:
        RunError: An id is invalid, or events would lie in the future or before the year 2000.
    """
    for name, value in (("run", run_id), ("venue", venue_id)):
        if value is not None and not RUN_ID.fullmatch(value):
            raise RunError(f"Invalid {name} id {value!r}; expected up to 100 letters, digits, '.', '_' and '-'.")
    start_us = _start(start, log.length_us)
    if run_id is None:
        shape = [_TRANSLATION_VERSION, SCHEMA_VERSION, log.content_digest, start_us, venue_id]
        run_id = f"replay-{sha256(json.dumps(shape).encode()).hexdigest()[:_DIGEST_LENGTH]}"
    return Replay(run_id, venue_id, start_us)


def replay(
    log: EventLog, run: Replay, sink: Sink, on_progress: Callable[[ReplayProgress], None] = lambda _: None
) -> ReplaySummary:
    """Send a log and return when everything is delivered.

    Args:
        log: The log to send.
        run: Start, venue and id of the run.
        sink: Destination of the messages.
        on_progress: Callback for progress, after every batch of events.
    """
    began = monotonic()
    env = Environment(run.start_us)
    ledger = Ledger(run.start_us, sellers=log.sellers, scanners=log.scanners)
    journal = Journal(env, MessageHeader(run.run_id, run.venue_id, run_venues=1), ledger, sink)

    def reenact() -> Generator[simpy.Event, Any, None]:
        """Advance SimPy's clock from the end of one activity to the next, as in a simulation."""
        price = load_scenario("original").ticket_price_cents
        activities = log.activities()
        sent = 0
        while batch := list(islice(activities, _POLL_EVERY)):
            for activity in batch:
                ended = run.start_us + activity.ended_us
                if ended > env.now:
                    yield env.timeout(ended - env.now)
                _record(journal, activity, run.start_us, price)
            sent += len(batch)
            sink.poll()
            on_progress(ReplayProgress(journal.events, sent / log.events))

    env.process(reenact())
    env.run()
    journal.close()
    sink.flush()
    events = dict.fromkeys((str(kind) for kind in EVENT_TYPES), 0)
    events |= {str(kind): tally.closed for kind, tally in ledger.tallies.items()}
    events[EventType.HOUR_CLOSED] = journal.receipts
    return ReplaySummary(
        run_id=run.run_id,
        venue_id=run.venue_id,
        events=events,
        empty_buses=log.empty_buses,
        seconds=monotonic() - began,
        first_hour=utc(hour_start_us(run.start_us)),
        last_hour=utc(ledger.hour_start - HOUR_US),
    )


def _record(journal: Journal, activity: ActivityRecord, start_us: int, price: int) -> None:
    """Send the message of an activity that ends now."""
    kind, began_us, ended_us, arrived_us, bus_id, group_id, first_visitor_id, party_size, channel, line = activity
    began, ended, arrived_at = start_us + began_us, start_us + ended_us, start_us + arrived_us
    if line is None:
        journal.record(kind, began, ended, about_bus(arrived_at, bus_id, first_visitor_id, party_size))
        return
    about = about_party((arrived_at, bus_id, group_id, first_visitor_id, party_size, channel), line)
    if kind is EventType.BUY_TICKETS:
        journal.record(kind, began, ended, about_sale(about, price * party_size))
        journal.ledger.revenue_cents += price * party_size
    else:
        journal.record(kind, began, ended, about)
    if kind is EventType.SCAN_TICKETS:
        journal.ledger.time_in_system_us += ended - arrived_at


def _start(start: datetime | None, length_us: int) -> int:
    """Return the log's minute 0, given or by default; refuse one from which events would lie in the future."""
    now_us = wall_clock_us()
    hours = f"{length_us / HOUR_US:.2f} hours"
    if start is None:
        start_us = (now_us - length_us - HOUR_US) // _DAY_US * _DAY_US
        if start_us < EARLIEST_TIME_US:
            raise RunError(
                f"The log has {hours}, more than lie between the year 2000 and now; expected minutes from 0 as times."
            )
    else:
        start_us = round(start.timestamp() * 1_000_000)
    if start_us + length_us > now_us:
        raise RunError(
            f"Invalid start {iso(start_us)} for a log of {hours}: its events would lie in the future, and it is "
            f"{iso(now_us)}. Start at {iso(now_us - length_us)} or earlier."
        )
    if start_us < EARLIEST_TIME_US:
        raise RunError(f"Invalid start {iso(start_us)} for a log of {hours}; expected a time from 2000 to 2099.")
    return start_us
