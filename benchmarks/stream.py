"""The benchmark of the stream's speed: ``python -m benchmarks.stream``.

Our simulator's messages are put into a real local Kafka once; jobs then bring them into files, one after the other,
each in processes of its own: ours with full validation, a consumer written by hand, and the plain Spark job that ours
replaces, as Spark comes and with all of our settings (see ``stream_contestants``). Rates are of the clock and of CPU
seconds of all of a job's processes, the JVM and Python's workers included; the broker, which has the same cores, is not
counted. The first portion of each, with its start and the JVM's warm-up, is reported apart.

Last, events are sent steadily to our job at a trigger of two seconds, and the time from Kafka's timestamp to the commit
is printed.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from benchmarks.local_kafka import running_broker
from benchmarks.messages import steady_messages
from benchmarks.target import print_ratio
from simulator.run import plan_run
from simulator.scenario import load_scenario
from simulator.workers import simulate_to
from streaming.lake.reader import Lake

#: Our rows a second, once warm, against those of the others.
TARGETS: Final = {"handwritten": 0.55, "plain": 1.0, "plain-tuned": 1.0}

#: Messages of the scenario `original` in an hour at one venue, about.
PER_VENUE_HOUR: Final = 7_150
HOURS: Final = 12

#: A steady stream for the latency: messages a second, and how many seconds of it count, after the first batches.
LIVE_RATE: Final = 2_000
LIVE_WARM_UP_S: Final = 20.0
LIVE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Mark:
    """The progress of a contestant at some time."""

    rows: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """The progress of a contestant, from its start to its last portion."""

    marks: list[Mark]

    @property
    def first(self) -> Mark:
        """The progress after start and first portion."""
        return self.marks[0]

    @property
    def rows_per_second(self) -> float:
        """The rate of all portions but the first."""
        return (self.marks[-1].rows - self.first.rows) / (self.marks[-1].seconds - self.first.seconds)

    @property
    def rows_per_cpu_second(self) -> float:
        """The rate of all portions but the first, per CPU second."""
        return (self.marks[-1].rows - self.first.rows) / (self.marks[-1].cpu_seconds - self.first.cpu_seconds)

    @property
    def cpu_us_a_row(self) -> list[float]:
        """The CPU time per row of each portion but the first: a JVM compiles for minutes."""
        return [
            1e6 * (after.cpu_seconds - before.cpu_seconds) / (after.rows - before.rows)
            for before, after in pairwise(self.marks)
        ]


class ProcessTree:
    """The CPU seconds of a process and all of its descendants, those that have ended included."""

    def __init__(self, pid: int) -> None:
        """Watch ``pid``."""
        self._root = psutil.Process(pid)
        self._seen: dict[psutil.Process, float] = {}

    def cpu_seconds(self) -> float:
        """Return the user and system time so far."""
        for process in (self._root, *self._root.children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            self._seen[process] = times.user + times.system
        return sum(self._seen.values())


def run_contestant(name: str, bootstrap: str, folder: Path) -> Result:
    """Run one contestant until it exits."""
    command = [sys.executable, "-m", "benchmarks.stream_contestants", name, bootstrap, str(folder)]
    began = time.monotonic()
    marks: list[Mark] = []
    rows = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        tree = ProcessTree(process.pid)
        for line in process.stdout or ():
            if not line.startswith("{"):  # a JVM speaks of its modules
                continue
            rows += json.loads(line)["rows"]
            marks.append(Mark(rows, time.monotonic() - began, tree.cpu_seconds()))
    if process.returncode:
        sys.exit(f"{name} exited with {process.returncode}")
    if marks[0] is marks[-1]:
        sys.exit(
            f"{name} read {rows:,} rows in one portion: nothing is left to measure once warm. Send more --messages."
        )
    return Result(marks)


def fill(bootstrap: str, messages: int) -> int:
    """Send about that many messages, of many venues, and return how many were sent."""
    venues = max(1, round(messages / HOURS / PER_VENUE_HOUR))
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    run = plan_run(load_scenario("original"), hours=HOURS, venues=venues, start=start)
    return simulate_to(run, f"kafka://{bootstrap}", workers=os.cpu_count() or 1).total


def live_seconds(bootstrap: str, folder: Path) -> np.ndarray:
    """Return the latency of each event of a steady stream, from Kafka's timestamp to the commit; trigger: 2 s."""
    command = [sys.executable, "-m", "benchmarks.stream_contestants", "live", bootstrap, str(folder)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        steady_messages(bootstrap, LIVE_RATE),
    ):
        first_batch: list[float] = []
        listener = threading.Thread(
            target=lambda: [first_batch.append(time.monotonic()) for _ in process.stdout or ()], daemon=True
        )
        listener.start()
        while not first_batch or time.monotonic() < first_batch[0] + LIVE_WARM_UP_S + LIVE_S:
            if process.poll() is not None:
                sys.exit(f"the live stream exited with {process.returncode}")
            time.sleep(0.1)
        process.terminate()
        process.wait()
        listener.join()
    lake = Lake(str(folder / "lake"))
    commits = [commit for commit in lake.commits(0, lake.snapshot().version) if commit.added]
    warm = [c for c in commits if (c.committed_at - commits[0].committed_at).total_seconds() > LIVE_WARM_UP_S]
    latencies = []
    for commit in warm:
        for file in commit.added:
            path = f"{lake.table_uri}/{file.path}"
            arrived = pq.read_table(path, columns=["kafka_timestamp"], partitioning=None)["kafka_timestamp"]
            microseconds = arrived.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
            latencies.append(commit.committed_at.timestamp() - microseconds / 1e6)
    return np.concatenate(latencies)


def print_result(name: str, result: Result) -> None:
    """Print one line."""
    first = result.first
    print(
        f"{name:<12} warm {result.rows_per_second:>9,.0f} rows/s {result.rows_per_cpu_second:>9,.0f} rows/CPU-second   "
        f"first {first.rows:,} rows after {first.seconds:.1f} s, {first.cpu_seconds:.0f} CPU-seconds; "
        f"CPU a row by portion: {' '.join(f'{us:.1f}' for us in result.cpu_us_a_row)} us",
        flush=True,
    )


def main(
    messages: Annotated[int, typer.Option(help="Approximate number of messages.")] = 3_000_000,
    turns: Annotated[int, typer.Option(help="How often each takes its turn; the fastest counts.")] = 1,
    only: Annotated[list[str] | None, typer.Option(help="Contestants to run; default all.")] = None,
    home: Annotated[Path | None, typer.Option(help="Keep the broker in this folder, and reuse its messages.")] = None,
    live: Annotated[bool, typer.Option(help="Measure the latency as well.")] = True,
) -> None:
    """Measure and print."""
    names = only or ["handwritten", "plain", "plain-tuned", "ours"]
    with tempfile.TemporaryDirectory(prefix="ticketsim-benchmark-") as scratch:
        kept = home is not None and home.exists()
        with running_broker(home or Path(scratch) / "kafka") as bootstrap:
            if not kept:
                print(f"{fill(bootstrap, messages):,} messages", flush=True)
            fastest: dict[str, Result] = {}
            for turn in range(turns):
                for name in names:
                    result = run_contestant(name, bootstrap, Path(scratch) / f"{name}-{turn}")
                    print_result(name, result)
                    if name not in fastest or result.rows_per_second > fastest[name].rows_per_second:
                        fastest[name] = result
        for other, target in TARGETS.items():
            if {"ours", other} <= fastest.keys():
                ours, theirs = fastest["ours"], fastest[other]
                print_ratio(f"ours / {other}, rows/s", ours.rows_per_second / theirs.rows_per_second, target)
                in_cpu = ours.rows_per_cpu_second / theirs.rows_per_cpu_second
                print(f"{'':<25} {in_cpu:>11.3f} in rows/CPU-second", flush=True)
        if live:
            with running_broker(Path(scratch) / "live-kafka") as bootstrap:
                half, most = np.percentile(live_seconds(bootstrap, Path(scratch) / "live"), [50, 95])
                print(f"Event to lake at a 2-second trigger: p50 {half:.1f} s, p95 {most:.1f} s")


if __name__ == "__main__":
    typer.run(main)
