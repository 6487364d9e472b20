"""The benchmark of recovery: ``python -m benchmarks.recovery``.

A stream with a trigger of two seconds follows steady messages; the driver's JVM, its Python, the broker, or broker and
JVM together are killed by kill -9 at random moments, in turns. Whatever ended is started again as soon as its end is
noticed, as a supervisor does. Measured is the time from the kill to the next commit in the lake, and how fast the
messages that piled up meanwhile are then written. With ``--bucket`` the lake is in an emulated bucket, where a new
stream waits for the lease of the killed one.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import psutil
import typer

from benchmarks.local_kafka import running_broker
from benchmarks.messages import steady_messages
from benchmarks.target import print_ratio_at_most
from streaming.lake.reader import Lake
from ticketsim.stack import broker

#: Messages a second: an event of 1,000 visitors an hour sends fewer.
RATE: Final = 200.0

TRIGGER: Final = "2s"

#: Largest p95 from the kill to the next commit, seconds; in a bucket 45 of them are the lease.
TARGET_S: Final = {"disk": 30.0, "bucket": 75.0}

#: Nothing takes so long; what does has failed.
_PATIENCE_S: Final = 300.0


class Victim(StrEnum):
    """Who is killed."""

    JVM = "jvm"
    PYTHON = "python"
    BROKER = "broker"
    BOTH = "broker and jvm"


class Supervised:
    """``ticketsim stream``, started again whenever it has ended."""

    def __init__(self, bootstrap: str, lake: str, folder: Path) -> None:
        """Start the first one; its files are in ``folder``."""
        options = {"trigger": TRIGGER, "bootstrap": bootstrap, "lake": lake, "checkpoint": f"{lake}-checkpoint"}
        self._command = [sys.executable, "-m", "ticketsim", "stream", *(f"--{key}={v}" for key, v in options.items())]
        self._log = (folder / "stream.err").open("a")
        self.log_path = folder / "stream.err"
        self._ended = threading.Event()
        self.process = self._start()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=self._log)

    def _supervise(self) -> None:
        while not self._ended.is_set():
            self.process.wait()
            if not self._ended.is_set():
                self.process = self._start()

    def kill_jvm(self) -> None:
        """Kill the driver's JVM; its Python notices."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        next(child for child in children if child.name() == "java").kill()

    def kill_python(self) -> None:
        """Kill the driver's Python; its JVM notices."""
        self.process.kill()

    def batches(self) -> list[dict[str, float]]:
        """Return what the streams have said of their batches."""
        lines = self.log_path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"batch"')]

    def end(self) -> None:
        """End it for good."""
        self._ended.set()
        self.process.terminate()
        self.process.wait()


@contextmanager
def place_of_lake(folder: Path, *, bucket: bool) -> Iterator[str]:
    """Yield where the lake is: in ``folder``, or in a bucket of the tests' emulator."""
    if not bucket:
        yield str(folder / "lake")
        return
    from tests.cloud.gcs_emulator import running_gcs  # noqa: PLC0415 - what a lake on a disk need not load

    with running_gcs() as emulator:
        emulator.client().create_bucket("recovery")
        os.environ["STORAGE_EMULATOR_HOST"] = emulator.endpoint
        yield "gs://recovery/lake"


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds; exit if it takes longer than anything should."""
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"it took more than {_PATIENCE_S:.0f} s until {what}")
        time.sleep(0.02)


class Recovery:
    """One lake, its stream and its broker, and what kills have taken."""

    def __init__(self, lake: Lake, stream: Supervised, broker_place: Path, port: int) -> None:
        """Measure with a stream and a broker that run."""
        self._lake, self._stream, self._broker_place, self._port = lake, stream, broker_place, port
        self.seconds: dict[Victim, list[float]] = defaultdict(list)
        self.catch_up: list[float] = []  #: rows a second of the first batch after each kill

    def _version(self) -> int:
        return self._lake.snapshot().version if self._lake.exists() else -1

    def next_commits(self, commits: int) -> None:
        """Wait for so many commits."""
        wanted = self._version() + commits
        wait_for(lambda: self._version() >= wanted, f"{commits} commits were made")

    def turn(self, victim: Victim, delay_s: float) -> None:
        """Kill ``victim`` so long after a commit, and measure until the next one."""
        self.next_commits(2)
        time.sleep(delay_s)
        known, batches = self._version(), len(self._stream.batches())
        killed_at = time.monotonic()
        if victim in {Victim.BROKER, Victim.BOTH}:
            os.kill(broker.status(self._broker_place).pid or sys.exit("the broker does not run"), signal.SIGKILL)
        if victim in {Victim.JVM, Victim.BOTH}:
            self._stream.kill_jvm()
        if victim is Victim.PYTHON:
            self._stream.kill_python()
        if victim in {Victim.BROKER, Victim.BOTH}:
            broker.start(self._broker_place, self._port)
        wait_for(lambda: self._version() > known, f"{victim} had recovered")
        self.seconds[victim].append(time.monotonic() - killed_at)
        wait_for(lambda: len(self._stream.batches()) > batches, "the batch was reported")
        first = self._stream.batches()[batches]
        if first["seconds"]:
            self.catch_up.append(first["rows"] / first["seconds"])
        print(f"{victim:<15} {self.seconds[victim][-1]:>6.1f} s", flush=True)


def main(
    turns: Annotated[int, typer.Option(help="How often each is killed.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the moments of the kills.")] = 1,
    bucket: Annotated[bool, typer.Option("--bucket", help="Keep the lake in an emulated bucket.")] = False,
) -> None:
    """Measure and print."""
    chance = random.Random(seed)  # noqa: S311 - moments, no secret
    with tempfile.TemporaryDirectory(prefix="ticketsim-recovery-") as scratch:
        folder = Path(scratch)
        with running_broker(folder / "kafka") as bootstrap, place_of_lake(folder, bucket=bucket) as lake:
            stream = Supervised(bootstrap, lake, folder)
            port = int(bootstrap.rpartition(":")[2])
            recovery = Recovery(Lake(lake), stream, folder / "kafka", port)
            try:
                with steady_messages(bootstrap, RATE):
                    for victim in Victim:
                        for _ in range(turns):
                            recovery.turn(victim, chance.uniform(0, 2))
            finally:
                stream.end()
    for victim, seconds in recovery.seconds.items():
        half, most = np.percentile(seconds, [50, 95])
        print(f"{victim:<15} {len(seconds)} kills: p50 {half:.1f} s, p95 {most:.1f} s, longest {max(seconds):.1f} s")
    every = [each for seconds in recovery.seconds.values() for each in seconds]
    place = "bucket" if bucket else "disk"
    print_ratio_at_most(f"p95 of all, {place}, s", float(np.percentile(every, 95)), TARGET_S[place])
    print(f"first batch after a kill: p50 {np.percentile(recovery.catch_up, 50):,.0f} rows/s")


if __name__ == "__main__":
    typer.run(main)
