"""Runs: one start of the simulator, from its parameters to the summary of what it sent."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, process_time
from typing import Final

from simulator.chaos import Injected
from simulator.daily_rate import streams_of_day
from simulator.display import shown
from simulator.distributions import Streams
from simulator.engine import Engine, EngineName, Site
from simulator.environment import ON_TIME, Lateness, rare_garbage_collection, wall_clock_us
from simulator.events import EARLIEST_TIME_US, EVENT_TYPES, HOUR_US, LATEST_TIME_US, EventType, hour_start_us
from simulator.exceptions import RunError
from simulator.journal import MessageHeader
from simulator.receipts import Ledger
from simulator.run_id import default_run_id
from simulator.scenario import Scenario
from simulator.simpy_engine import SimpyEngine
from simulator.sinks.protocol import Sink
from simulator.timestamps import iso, utc
from simulator.utilisation import generous_drain_us

_DAY_US: Final = 24 * HOUR_US

#: Seconds of CPU that a stopped run has to finish its open hour, so that it ends within two seconds.
_FINISH_WITHIN_S: Final = 0.5

#: Seconds between two reports of progress.
_REPORT_EVERY_S: Final = 0.2

#: Limits for one process and for all machines.
_MOST_VENUES: Final = 1000
_MOST_RUN_VENUES: Final = 100_000

#: The largest seed; seeds of more digits are typing errors.
MOST_SEED: Final = 2**64 - 1

#: Slower than this nothing seems to happen, faster is 0: as fast as possible.
_LEAST_PACE: Final = 0.001
_MOST_PACE: Final = 1e9

#: Part of every event id, of file names and of pages.
RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Parameters of one run; created and validated by ``plan_run``. Times are microseconds, UTC."""

    scenario: Scenario
    seed: int
    run_id: str
    start_us: int
    horizon_us: int | None  #: no bus arrives at this time or later; None: until stopped
    live: bool  #: whether it reaches into the present; such a run is never sent again, and a stop ends it early
    venues: int  #: simulated here
    venue_offset: int = 0  #: number of the venue before the first one simulated here
    run_venues: int  #: venues of the whole run, on all machines
    pace: float  #: simulated seconds per second; 0: as fast as possible
    drain: bool = True  #: whether people inside at the horizon finish or are cut off

    @property
    def hours(self) -> float | None:
        """Hours in which buses arrive, or None."""
        return None if self.horizon_us is None else (self.horizon_us - self.start_us) / HOUR_US

    @property
    def venue_numbers(self) -> range:
        """Numbers of the venues simulated here."""
        return range(self.venue_offset + 1, self.venue_offset + self.venues + 1)


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run."""

    events: int  #: messages sent, receipts included
    seconds: float  #: wall clock since the start
    simulated_us: int  #: simulated time
    fraction: float | None  #: of the hours in which buses arrive; None if open-ended
    lateness: Lateness = ON_TIME  #: zero without a pace


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a run."""

    run_id: str
    scenario: str
    seed: int
    venues: int
    events: dict[str, int]  #: messages by event type, receipts included, zeros too
    seconds: float  #: wall clock, until the last message was delivered
    first_hour: datetime  #: start of the first hour with receipts, UTC
    last_hour: datetime  #: start of the last one, drain included
    stopped: bool  #: whether the run was stopped before its end; always true for an open-ended one
    whole_hours: bool = True  #: whether its last hour has receipts; not if it was stopped in one that takes too long
    lateness: Lateness = ON_TIME  #: behind its pace
    injected: Injected | None = None  #: injected faults, not counted in ``events``; None if not requested

    @property
    def total(self) -> int:
        """All messages."""
        return sum(self.events.values())

    @property
    def events_per_second(self) -> float:
        """Messages per second of wall clock."""
        return self.total / self.seconds if self.seconds else 0.0


def plan_run(
    scenario: Scenario,
    *,
    seed: int = 7,
    run_id: str | None = None,
    start: datetime | None = None,
    hours: float | None = None,
    venues: int = 1,
    venue_offset: int = 0,
    run_venues: int | None = None,
    pace: float = 0.0,
    drain: bool = True,
) -> Run:
    """Fill in defaults and validate the parameters of a run.

    Args:
        scenario: Parameters of the venues.
        seed: Seed of the random streams; the same seed gives the same visitors.
        run_id: Id of the run. Default: a digest of all parameters that affect its messages; for a live run, with its
            start.
        start: Simulated time at the start, with time zone. Default: now if paced, else a midnight far enough back that
            the run, drain included, ends before now.
        hours: Hours in which buses arrive. None, for paced runs only: until stopped.
        venues: Number of venues simulated here, each with its own visitors.
        venue_offset: Number of venues of the run that come before them, simulated elsewhere.
        run_venues: Number of venues of the whole run, on all machines. Default: those simulated here.
        pace: Simulated seconds per second; 0: as fast as possible.
        drain: Whether people inside at the end finish or are cut off.

    Raises:
        RunError: A parameter is invalid, or events would lie in the future.
    """
    began_us = wall_clock_us()
    if not 0 <= seed <= MOST_SEED:
        raise RunError(f"Invalid seed {shown(seed)}; expected a whole number from 0 to 2^64 - 1.")
    if not 1 <= venues <= _MOST_VENUES:
        raise RunError(f"Invalid number of venues: {shown(venues)} venues; expected 1 to {_MOST_VENUES}.")
    run_venues = _run_venues(venues, venue_offset, run_venues)
    if pace != 0 and not _LEAST_PACE <= pace <= _MOST_PACE:
        raise RunError(
            f"Invalid pace of {pace:g}; expected 0 (as fast as possible), 1 (real time) or another factor from "
            f"{_LEAST_PACE:g} to {_MOST_PACE:g}."
        )
    if run_id is not None and not RUN_ID.fullmatch(run_id):
        raise RunError(f"Invalid run id {run_id!r}; expected up to 100 letters, digits, '.', '_' and '-'.")
    if hours is None and pace == 0:
        raise RunError("Missing --hours: a run as fast as possible needs an end. Give --hours, or a --pace above 0.")
    if hours is not None and not 0 < hours * HOUR_US < LATEST_TIME_US:
        raise RunError(f"Invalid length of {hours:g} hours; expected a number above 0.")

    length_us = None if hours is None else max(1, round(hours * HOUR_US))
    start_us = _start(start, pace, length_us, scenario, began_us)
    horizon_us = None if length_us is None else start_us + length_us
    if not EARLIEST_TIME_US <= start_us < (horizon_us or start_us + 1) < LATEST_TIME_US - _DAY_US:
        raise RunError(
            f"Invalid run from {iso(start_us)} to {iso(horizon_us or start_us)}; expected times from 2000 to 2099."
        )
    live = horizon_us is None or horizon_us > began_us
    if run_venues != venues and run_id is None and (live or start is None):
        raise RunError(
            "Missing run id: all parts of a run need the same one and, so that they can be sent again, the same start. "
            "Give every part the same --run-id, or the same --start and --hours that lie in the past."
        )
    if run_id is None:
        run_id = default_run_id(
            scenario,
            seed=seed,
            start_us=start_us,
            horizon_us=horizon_us,
            venues=run_venues,
            drain=drain,
            live_since_us=began_us if live else None,
        )
    return Run(
        scenario=scenario,
        seed=seed,
        run_id=run_id,
        start_us=start_us,
        horizon_us=horizon_us,
        live=live,
        venues=venues,
        venue_offset=venue_offset,
        run_venues=run_venues,
        pace=pace,
        drain=drain,
    )


def simulate(
    run: Run,
    sink: Sink,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    engine: EngineName = "simpy",
    stopped: Callable[[], bool] = lambda: False,
) -> Summary:
    """Simulate ``run`` and send its messages to ``sink``; return when everything is delivered.

    Args:
        run: The run to simulate.
        sink: Destination of the messages.
        on_progress: Callback for progress, several times a second.
        engine: Engine of the run; whichever it is, the messages are the same. The fast one has no pace.
        stopped: Callback several times a second; once it returns true, the venues close their open hour and the run
            ends: a live run immediately, any other at the end of that hour, so that it has sent the beginning of the
            whole run, or earlier if that takes too long.
    """
    with rare_garbage_collection():
        return _Execution(run, sink, on_progress, stopped, engine).execute()


class _Execution:
    """State of one running run."""

    def __init__(
        self,
        run: Run,
        sink: Sink,
        on_progress: Callable[[Progress], None] | None,
        stopped: Callable[[], bool],
        engine: EngineName,
    ) -> None:
        self._run: Final = run
        self._sink: Final = sink
        self._on_progress: Final = on_progress
        self._stopped: Final = stopped
        self._began: Final = monotonic()
        self._reported = self._began
        self._ledgers: Final = [
            Ledger(run.start_us, sellers=scenario.sellers, scanners=scenario.scanners)
            for scenario in map(run.scenario.of_venue, run.venue_numbers)
        ]
        self._engine: Final = self._start(engine)

    def execute(self) -> Summary:
        """Simulate until all venues are closed, the run is cut off or it is stopped."""
        self._advance(self._cut_us, self._stopped)
        if not self._over and not self._run.live:
            self._finish_hour()
        stopped = not self._over
        if stopped and not self._run.live:
            self._engine.close_hours()
        else:
            self._engine.close()
        self._sink.flush()
        self._report()
        return self._summary(stopped=stopped)

    def _start(self, engine: EngineName) -> Engine:
        run = self._run
        sites = [self._site(number, ledger) for number, ledger in zip(run.venue_numbers, self._ledgers, strict=True)]
        horizon_us = LATEST_TIME_US if run.horizon_us is None else run.horizon_us
        if engine == "fast":
            # It takes a second to load, and is an extra.
            from simulator.fast.engine import FastEngine  # noqa: PLC0415

            return FastEngine(sites, self._sink, start_us=run.start_us, horizon_us=horizon_us)
        return SimpyEngine(
            sites,
            self._sink,
            start_us=run.start_us,
            horizon_us=horizon_us,
            pace=run.pace,
            while_waiting=lambda: self._poll() and not self._stopped(),
        )

    def _site(self, number: int, ledger: Ledger) -> Site:
        run = self._run
        scenario = run.scenario.of_venue(number)
        return Site(
            scenario,
            streams_of_day(Streams(run.seed, number), scenario.bus_rate_by_hour, run.start_us),
            MessageHeader(run.run_id, f"venue-{number}", run.run_venues),
            ledger,
        )

    def _finish_hour(self) -> None:
        """Continue, as fast as possible, to the end of the open hour: up to there the whole run sends the same."""
        self._engine.hurry()
        end_us = self._engine.open_hours_end
        until = process_time() + _FINISH_WITHIN_S
        self._advance(end_us if self._cut_us is None else min(end_us, self._cut_us), lambda: process_time() > until)

    def _advance(self, until_us: int | None, stopped: Callable[[], bool]) -> None:
        """Simulate until ``until_us``, until all venues are closed or until ``stopped``."""
        while self._poll() and self._engine.now != until_us and not stopped():
            self._engine.advance(until_us)

    def _poll(self) -> bool:
        """Report progress and poll the sink if due; return false once all venues are closed."""
        if monotonic() - self._reported >= _REPORT_EVERY_S:
            self._sink.poll()
            self._report()
        return not self._engine.all_closed

    @property
    def _cut_us(self) -> int | None:
        """Time at which people still inside are cut off; None: never."""
        return None if self._run.drain else self._run.horizon_us

    @property
    def _over(self) -> bool:
        """Whether the run has reached its end."""
        return self._engine.all_closed or self._engine.now == self._cut_us

    def _report(self) -> None:
        self._reported = monotonic()
        if self._on_progress is not None:
            run, now = self._run, self._engine.now
            length_us = None if run.horizon_us is None else run.horizon_us - run.start_us
            self._on_progress(
                Progress(
                    events=self._engine.events,
                    seconds=self._reported - self._began,
                    simulated_us=now,
                    fraction=None if length_us is None else min(1.0, (now - run.start_us) / length_us),
                    lateness=self._engine.lateness,
                )
            )

    def _summary(self, *, stopped: bool) -> Summary:
        events = dict.fromkeys((str(kind) for kind in EVENT_TYPES), 0)
        for ledger in self._ledgers:
            for tally in ledger.tallies.values():
                events[tally.event_type] += tally.closed + tally.count
        first_hour = hour_start_us(self._run.start_us)
        last_hour = max(ledger.hour_start for ledger in self._ledgers) - HOUR_US
        events[EventType.HOUR_CLOSED] = self._engine.receipts
        return Summary(
            run_id=self._run.run_id,
            scenario=self._run.scenario.name,
            seed=self._run.seed,
            venues=self._run.venues,
            events=events,
            seconds=monotonic() - self._began,
            first_hour=utc(first_hour),
            last_hour=utc(max(first_hour, last_hour)),
            stopped=stopped,
            whole_hours=not any(tally.count for ledger in self._ledgers for tally in ledger.tallies.values()),
            lateness=self._engine.lateness,
        )


def _run_venues(venues: int, offset: int, run_venues: int | None) -> int:
    """Return the number of venues of the whole run; refuse venues beyond it."""
    if run_venues is None:
        if offset:
            raise RunError(
                f"Incomplete part of a run: with {shown(offset)} venues before these, give the venues of the whole run "
                "as --run-venues."
            )
        return venues
    if offset < 0 or not offset + venues <= run_venues <= _MOST_RUN_VENUES:
        raise RunError(
            f"Invalid venues {shown(offset + 1)} to {shown(offset + venues)} of {shown(run_venues)}; expected an "
            f"offset of at least 0, and a whole run that includes them and has at most {_MOST_RUN_VENUES}."
        )
    return run_venues


def _start(start: datetime | None, pace: float, length_us: int | None, scenario: Scenario, now_us: int) -> int:
    """Return the run's start, given or by default; refuse one from which events would lie in the future."""
    if pace > 0 or length_us is None:
        start_us = now_us if start is None else round(start.timestamp() * 1_000_000)
        if start_us > now_us:
            raise RunError(f"Invalid start {iso(start_us)} in the future: it is {iso(now_us)}. Start now or earlier.")
        return start_us
    latest = now_us - length_us - generous_drain_us(scenario, length_us)
    if start is None:
        return latest // _DAY_US * _DAY_US
    start_us = round(start.timestamp() * 1_000_000)
    if start_us > latest:
        raise RunError(
            f"Invalid start {iso(start_us)}: a run as fast as possible would send events from the future. With its "
            f"drain it may last until {iso(start_us + now_us - latest)}, and it is {iso(now_us)}. "
            f"Start at {iso(latest // HOUR_US * HOUR_US)} or earlier, or give a --pace above 0."
        )
    return start_us
