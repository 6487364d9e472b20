"""The whole pipeline once, with real components: broker, simulator, stream, Dagster, dashboard, and the proof."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from simulator.chaos import Chaos, chaos_sink
from simulator.events import EVENT_TYPES, EventType
from simulator.run import Run, plan_run, simulate
from simulator.scenario import load_scenario
from simulator.sinks import open_sink
from streaming.child_environment import of_station
from streaming.exceptions import NoLake
from streaming.lake.duckdb_files import HIVE_TYPES
from streaming.lake.layout import QUARANTINE
from streaming.lake.reader import Lake, LakeFile, Snapshot
from ticketsim.exceptions import NotProved, StationFailed
from ticketsim.progress import OnProgress
from ticketsim.stack import broker
from ticketsim.stack.dagster_home import dagster_instance
from ticketsim.warehouse import open_warehouse
from ticketsim_assets.checks.reconciliation import read_reconciliation
from ticketsim_assets.run_locally import run_dashboard, run_hours, run_quarantine, tick_lake
from ticketsim_assets.settings import Settings

#: A stopping stream first commits its current batch.
_STREAM_TIMEOUT_S: Final = 90.0

_COUNTS_IN_LAKE: Final = f"""
select event_type, count(*)
from read_parquet(?, hive_partitioning = true, hive_types = {HIVE_TYPES})
where run_id = ? group by all
"""  # noqa: S608 our own text

_COUNTS_IN_WAREHOUSE: Final = "select event_type, count(*) from raw.events where run_id = ? group by all"


@dataclass(slots=True)
class DemoReport:
    """Results of the demo."""

    run_id: str
    sent_before: bool  #: the lake already contained the whole run, so it was not sent again
    produced: dict[str, int] = field(default_factory=dict)  #: messages by event type, receipts included
    in_lake: dict[str, int] = field(default_factory=dict)  #: rows of this run, copies included
    in_warehouse: dict[str, int] = field(default_factory=dict)  #: rows of this run
    quarantined: int = 0  #: rows in the lake that break the contract
    receipts: int = 0  #: combinations of venue, hour and event type of this run
    matched: int = 0  #: combinations that equal their receipt
    figures_matched: int = 0  #: sums that the marts show, of all runs, that equal those of the receipts
    figures_wrong: int = 0  #: sums of this run that differ from them
    hours: int = 0  #: hours of this run, drain included
    seconds: dict[str, float] = field(default_factory=dict)  #: per station
    page: Path = Path()

    @property
    def proved(self) -> bool:
        """Whether the warehouse holds what was produced, every receipt is matched, and no sum of the marts is wrong."""
        arrived = 0 < self.receipts == self.matched and self.produced == self.in_warehouse
        return arrived and not self.figures_wrong


@contextmanager
def _station(report: DemoReport, name: str, on_progress: OnProgress) -> Iterator[None]:
    on_progress(name)
    started = time.monotonic()
    yield
    report.seconds[name] = round(time.monotonic() - started, 1)


def run_demo(
    settings: Settings,
    *,
    hours: float,
    seed: int,
    venues: int,
    scenario: str,
    chaos: Chaos | None,
    on_progress: OnProgress,
) -> DemoReport:
    """Send one run through the whole pipeline and compare what arrived with what was sent.

    Args:
        settings: Settings, with the location of everything.
        hours: Hours in which buses arrive, event time.
        seed: Seed of the simulation.
        venues: Number of venues.
        scenario: Built-in name or file.
        chaos: Faults to inject on the way to Kafka; None: none.
        on_progress: Callback at the start of every station, and for progress within.

    Raises:
        NotProved: An hour does not equal its receipts.
        StationFailed: A process failed.
        TicketsimError, SimulatorError, StreamingError, AssetsError: Another expected error at a station.
    """
    run = plan_run(load_scenario(scenario), seed=seed, hours=hours, venues=venues)
    report = DemoReport(run.run_id, sent_before=_is_in_lake(settings, run), page=settings.dashboard_path)
    log = settings.logs / "demo.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    port = settings.broker_port
    ran_before = broker.status(settings.broker_dir).running
    try:
        with _station(report, "broker", on_progress):
            broker.start(settings.broker_dir, port, on_progress=lambda said: on_progress(f"broker: {said}"))
        with _station(report, "simulator", on_progress):
            report.produced = (
                _sent_before(settings, run) if report.sent_before else _send(settings, run, chaos, on_progress)
            )
        with _station(report, "stream", on_progress):
            _stream(settings, log, on_progress)
        with dagster_instance(settings) as instance:
            with _station(report, "graph", on_progress):
                watched = tick_lake(settings, instance, first_loads=True)
                for request in watched.hourly:
                    on_progress(f"graph: hours {request.first} to {request.last}")
                    run_hours(instance, request, log)
                run_quarantine(instance, watched.quarantine, log)
            with _station(report, "dashboard", on_progress):
                run_dashboard(instance, log)
    finally:
        if not ran_before:
            broker.stop(settings.broker_dir)
    on_progress("comparing")
    _compare(settings, report)
    if not report.proved:
        raise NotProved(
            f"Only {report.matched} of {report.receipts} receipts of run {run.run_id} are matched; sent: "
            f"{report.produced}, in the warehouse: {report.in_warehouse}. "
            "`ticketsim reconcile` lists the hours that differ."
        )
    return report


def _is_in_lake(settings: Settings, run: Run) -> bool:
    """Return whether the lake has the final receipts of every venue of ``run``, and so all of its messages."""
    files = _files(settings, {EventType.HOUR_CLOSED})
    if files is None:
        return False
    with duckdb.connect() as connection:
        closed = connection.execute(
            "select count(distinct venue_id) from read_parquet(?, hive_partitioning = false) "
            "where run_id = ? and final",
            [files, run.run_id],
        ).fetchall()[0][0]
    return int(closed) == run.venues


def _files(settings: Settings, event_types: set[str]) -> list[str] | None:
    try:
        snapshot: Snapshot = Lake(settings.lake).snapshot()
    except NoLake:
        return None
    chosen: list[LakeFile] = [file for file in snapshot.files() if file.event_type in event_types]
    return [snapshot.uri(file) for file in chosen] or None


def _send(settings: Settings, run: Run, chaos: Chaos | None, on_progress: OnProgress) -> dict[str, int]:
    with (
        open_sink(f"kafka://{settings.bootstrap}", on_wait=on_progress) as sink,
        chaos_sink(sink, chaos or Chaos(), run.seed) as faulty,
    ):
        return simulate(run, faulty, lambda progress: on_progress(f"simulator: {progress.events:,} messages")).events


def _sent_before(settings: Settings, run: Run) -> dict[str, int]:
    """Return the messages by event type according to the run's receipts in the lake, receipts included."""
    with duckdb.connect() as connection:
        counted = connection.execute(
            "with receipts as (select distinct event_id, of_event_type, event_count "
            "from read_parquet(?, hive_partitioning = false) where run_id = ?) "
            "select of_event_type, sum(event_count)::bigint, count(*) from receipts group by all",
            [_files(settings, {EventType.HOUR_CLOSED}), run.run_id],
        ).fetchall()
    sent = {event_type: events for event_type, events, _ in counted}
    return {**sent, EventType.HOUR_CLOSED: sum(receipts for _, _, receipts in counted)}


def _stream(settings: Settings, log: Path, on_progress: OnProgress) -> None:
    """Run the stream's own process until it has written everything."""
    command = [
        *(sys.executable, "-m", "ticketsim", "stream", "--once"),
        *("--bootstrap", settings.bootstrap, "--lake", settings.lake, "--checkpoint", str(settings.checkpoint)),
    ]
    with subprocess.Popen(
        command, env=of_station(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        last = ""
        try:
            with log.open("a", encoding="utf-8") as file:
                for line in process.stderr or ():
                    file.write(line)
                    last = line.strip() or last
                    if line.startswith('{"batch"'):
                        on_progress(f"stream: {line.strip()}")
            code = process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached the stream as well; it commits its current batch.
            process.wait(_STREAM_TIMEOUT_S)
            raise
    if code:
        raise StationFailed(f"The stream failed with exit code {code}: {last.removeprefix('error: ')} (log: {log}).")


def _compare(settings: Settings, report: DemoReport) -> None:
    snapshot = Lake(settings.lake).snapshot()
    report.quarantined = snapshot.rows_by_type().get(QUARANTINE, 0)
    with duckdb.connect() as connection:
        in_lake = connection.execute(
            _COUNTS_IN_LAKE, [_files(settings, {*EVENT_TYPES}) or [], report.run_id]
        ).fetchall()
    report.in_lake = dict(in_lake)
    with open_warehouse(settings).reading() as connection:
        report.in_warehouse = dict(connection.execute(_COUNTS_IN_WAREHOUSE, [report.run_id]).fetchall())
        found = read_reconciliation(connection)
    venues = [venue for venue in found.venues if venue.run_id == report.run_id]
    wrong = [problem for problem in found.figures.problems if problem.state == "wrong"]
    report.figures_matched = found.figures.proved
    report.figures_wrong = sum(problem.run_id == report.run_id for problem in wrong)
    report.receipts = sum(venue.proved + venue.counted + venue.unproved + venue.wrong for venue in venues)
    report.matched = sum(venue.proved for venue in venues)
    report.hours = max((venue.hours for venue in venues), default=0)
