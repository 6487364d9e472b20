"""Runs spread over processes: each worker simulates a range of the venues, with its own Kafka producer.

The messages of a venue do not depend on the number of workers. Lines for standard output or a file are written by the
parent, whole, in order within a venue.

A worker and its parent communicate through one pipe: the worker sends lines, progress and sentences, and at the end a
summary or an error; the parent sends only the request to stop. If its parent is gone, a worker stops with its receipts.
"""

import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from operator import add
from time import monotonic
from typing import Final

from simulator.chaos import Chaos, chaos_sink
from simulator.display import shown
from simulator.engine import EngineName
from simulator.environment import Lateness
from simulator.exceptions import RunError, SimulatorError, SinkError, WorkersFailed
from simulator.processes import MOST_WORKERS, end_with_parent, signals_blocked
from simulator.run import Progress, Run, Summary, simulate
from simulator.sinks import Sink, is_kafka, open_sink
from simulator.sinks.jsonl import JsonlSink

#: Timeout for messages of workers before checking whether the run was stopped, seconds.
_POLL_TIMEOUT_S: Final = 0.1

#: Seconds that a worker may take to exit after its pipe is closed.
_EXIT_TIMEOUT_S: Final = 10.0


def simulate_to(
    run: Run,
    destination: str,
    *,
    workers: int = 1,
    chaos: Chaos | None = None,
    engine: EngineName = "simpy",
    on_open: Callable[[], object] = lambda: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Simulate ``run`` in this process or in several; return when everything is delivered.

    Args:
        run: The run to simulate.
        destination: Destination of the messages, as in ``open_sink``.
        workers: Number of processes, at most one per venue; a single worker is this process itself.
        chaos: Faults to inject.
        engine: Engine of every process, see ``simulator.engine_choice``.
        on_open: Callback, called once, when the destination is ready and the first messages may be sent.
        on_progress: Callback for progress, several times a second.
        stopped: Callback several times a second; once it returns true, the venues close their open hour and the run
            ends.
        on_wait: Callback with a sentence that says what is being waited for.

    Raises:
        RunError: The number of workers is invalid.
        SinkError: The destination cannot be opened or written.
        WorkersFailed: Workers failed or died; the others stopped, with their receipts.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise RunError(f"Invalid number of workers: {shown(workers)} workers; expected 1 to {MOST_WORKERS}.")
    parts = split(run, workers)
    if len(parts) == 1:
        with open_sink(destination, on_wait=on_wait, batches=_in_batches(engine, chaos)) as sink:
            on_open()
            return _simulate(run, sink, chaos, engine, on_progress=on_progress, stopped=stopped)
    began = monotonic()
    with _lines_sink(destination) as lines, _team(parts, destination, chaos, engine) as team:
        _follow(team, lines, began, on_open=on_open, on_progress=on_progress, stopped=stopped, on_wait=on_wait)
        failures = [f"{worker.name} {worker.failure}" for worker in team if worker.failure]
        if failures:
            raise WorkersFailed(" ".join(failures))
    return _together(run, [worker.summary for worker in team if worker.summary is not None], monotonic() - began)


def split(run: Run, workers: int) -> list[Run]:
    """Split the run into at most ``workers`` parts of consecutive venues, as equal as possible."""
    count = min(workers, run.venues)
    ends = [run.venues * part // count for part in range(count + 1)]
    return [replace(run, venue_offset=run.venue_offset + first, venues=end - first) for first, end in pairwise(ends)]


def _simulate(
    run: Run,
    sink: Sink,
    chaos: Chaos | None,
    engine: EngineName,
    *,
    on_progress: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> Summary:
    if chaos is None:
        return simulate(run, sink, on_progress, engine=engine, stopped=stopped)
    with chaos_sink(sink, chaos, run.seed) as faulty_sink:
        summary = simulate(run, faulty_sink, on_progress, engine=engine, stopped=stopped)
    return replace(summary, injected=faulty_sink.injected)


def _in_batches(engine: EngineName, chaos: Chaos | None) -> bool:
    """Return whether messages come in batches: faults are injected one by one."""
    return engine == "fast" and chaos is None


@contextmanager
def _lines_sink(destination: str) -> Iterator[JsonlSink | None]:
    """Open the sink to which the parent writes lines; None if the workers send to Kafka themselves."""
    if is_kafka(destination):
        yield None
    else:
        with open_sink(destination) as sink:
            assert isinstance(sink, JsonlSink)  # noqa: S101 - of all sinks, only Kafka's writes no lines
            yield sink


@dataclass(frozen=True, slots=True)
class _Opened:
    """Message of a worker: its sink is open."""


@dataclass(slots=True)
class _Worker:
    """A worker as its parent sees it."""

    name: str
    process: SpawnProcess
    connection: Connection
    progress: Progress | None = None
    summary: Summary | None = None
    failure: str = ""


@contextmanager
def _team(parts: list[Run], destination: str, chaos: Chaos | None, engine: EngineName) -> Iterator[list[_Worker]]:
    """Start the workers; none of them outlives the context."""
    context = multiprocessing.get_context("spawn")
    team: list[_Worker] = []
    try:
        with signals_blocked():
            for number, part in enumerate(parts, 1):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, part, destination, chaos, engine), daemon=True)
                process.start()
                theirs.close()
                numbers = part.venue_numbers
                name = f"worker {number} of {len(parts)} (venue-{numbers[0]} to venue-{numbers[-1]})"
                team.append(_Worker(name, process, ours))
        yield team
    finally:
        for worker in team:
            worker.connection.close()
            worker.process.kill()
            worker.process.join()


def _follow(
    team: list[_Worker],
    lines: JsonlSink | None,
    began: float,
    *,
    on_open: Callable[[], object],
    on_progress: Callable[[Progress], None],
    stopped: Callable[[], bool],
    on_wait: Callable[[str], None],
) -> None:
    """Receive the workers' messages until all have ended; if one fails or the run is stopped, stop the others."""
    connected = {worker.connection: worker for worker in team}
    opened, stopping, last_wait = False, False, ""
    while connected:
        for connection in wait(list(connected), _POLL_TIMEOUT_S):
            assert isinstance(connection, Connection)  # noqa: S101 - nothing else is waited for
            worker = connected[connection]
            try:
                news = connection.recv()
            except (EOFError, OSError):
                del connected[connection]
                _record_exit(worker)
                continue
            match news:
                case _Opened() if not opened:
                    opened = True
                    on_open()
                case bytes() if lines is not None:
                    lines.send_lines(news)
                    lines.poll()
                case Progress():
                    worker.progress = news
                    on_progress(_progress(team, began))
                case Summary():
                    worker.summary = news
                case SimulatorError():
                    worker.failure = f"failed: {news}"
                case str() if news != last_wait:
                    last_wait = news
                    on_wait(news)
        if not stopping and (stopped() or any(worker.failure for worker in team)):
            stopping = True
            for connection in connected:
                with suppress(OSError):
                    connection.send(None)


def _record_exit(worker: _Worker) -> None:
    """Record how a worker ended whose pipe is closed."""
    worker.process.join(_EXIT_TIMEOUT_S)
    if worker.summary is None and not worker.failure:
        code = worker.process.exitcode
        how = f"with exit code {code}" if code is None or code >= 0 else f"by {signal.Signals(-code).name}"
        worker.failure = f"died {how} before its venues were done; its undelivered messages are lost. Run it again."


def _progress(team: list[_Worker], began: float) -> Progress:
    known = [worker.progress for worker in team if worker.progress is not None]
    fractions = [progress.fraction for progress in known if progress.fraction is not None]
    return Progress(
        events=sum(progress.events for progress in known),
        seconds=monotonic() - began,
        simulated_us=min(progress.simulated_us for progress in known),
        fraction=sum(fractions) / len(team) if fractions else None,
        lateness=_latest(progress.lateness for progress in known),
    )


def _together(run: Run, parts: list[Summary], seconds: float) -> Summary:
    """Combine the summaries of all workers."""
    events: Counter[str] = Counter()
    for part in parts:
        events.update(part.events)
    injected = [part.injected for part in parts if part.injected is not None]
    return replace(
        parts[0],
        venues=run.venues,
        events=dict(events),
        seconds=seconds,
        last_hour=max(part.last_hour for part in parts),
        stopped=any(part.stopped for part in parts),
        whole_hours=all(part.whole_hours for part in parts),
        lateness=_latest(part.lateness for part in parts),
        injected=reduce(add, injected) if injected else None,
    )


def _latest(parts: Iterable[Lateness]) -> Lateness:
    """Return the largest lateness of all workers."""
    known = list(parts)
    return Lateness(max(part.present_s for part in known), max(part.largest_s for part in known))


def _work(connection: Connection, run: Run, destination: str, chaos: Chaos | None, engine: EngineName) -> None:
    """Run a worker process."""
    end_with_parent(_EXIT_TIMEOUT_S)

    def report(news: object) -> None:
        # Without a parent nobody receives this; the closed pipe then stops the run.
        with suppress(OSError):
            connection.send(news)

    with closing(connection):
        try:
            with _worker_sink(connection, destination, report, batches=_in_batches(engine, chaos)) as sink:
                report(_Opened())
                summary = _simulate(run, sink, chaos, engine, on_progress=report, stopped=connection.poll)
        except SimulatorError as error:
            report(error)
        else:
            report(summary)


@contextmanager
def _worker_sink(
    connection: Connection, destination: str, on_wait: Callable[[str], None], *, batches: bool
) -> Iterator[Sink]:
    if is_kafka(destination):
        with open_sink(destination, on_wait=on_wait, batches=batches) as kafka:
            yield kafka
    else:
        lines = JsonlSink(_ToParent(connection))
        yield lines
        lines.flush()


class _ToParent:
    """Stream of lines to the parent; a full pipe slows the simulation."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection

    def write(self, lines: bytes | memoryview) -> None:
        try:
            self._connection.send(bytes(lines))
        except OSError as error:
            raise SinkError(
                "The process that writes the lines has gone away; the simulation was stopped. Run it again."
            ) from error

    def flush(self) -> None:
        """Do nothing: no line is buffered here."""
