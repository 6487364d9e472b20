"""The benchmark of recovery: ``python -m benchmarks.recovery``.

A stream with a trigger of two seconds follows steady messages; the driver's JVM, its Python, the broker, or broker and
JVM together are killed by kill -9 at random moments, in turns. Whatever ended is started again as soon as its end is
noticed, as a supervisor does. Measured is the time from the kill to the next commit in the lake, and how fast the
messages that piled up meanwhile are then written. With ``--bucket`` the lake is in an emulated bucket, where a new
stream waits for the lease of the killed one. A run that is interrupted prints what it has measured.
"""

import os
import random
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from benchmarks.local_kafka import running_broker
from benchmarks.messages import steady_messages
from benchmarks.target import print_ratio_at_most
from streaming.storage import path_of
from tests.chaos.harness.aims import Victim
from tests.chaos.harness.stream import Process, Stream, wait_until
from ticketsim.stack import broker

#: Messages a second: an event of 1,000 visitors an hour sends fewer.
RATE: Final = 200.0

TRIGGER: Final = "2s"

#: Largest p95 from the kill to the next commit, seconds; in a bucket 45 of them are the lease.
TARGET_S: Final = {"disk": 30.0, "bucket": 75.0}


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


class Recovery:
    """One lake, its stream and its broker, and what kills have taken."""

    def __init__(self, stream: Stream, broker_place: Path) -> None:
        """Start the stream, and measure with it and a broker that runs."""
        self._stream, self._broker_place = stream, broker_place
        self._lake = stream.opened
        self._process = self._start()
        self.seconds: dict[Victim, list[float]] = defaultdict(list)
        self.catch_up: list[float] = []  #: rows a second of the first batch after each kill

    def _start(self) -> Process:
        return self._stream.start(f"--trigger={TRIGGER}")

    def _version(self) -> int:
        return self._lake.snapshot().version if self._lake.exists() else -1

    def _batches(self) -> list[dict[str, Any]]:
        """What the streams have said of their batches."""
        return [batch for process in self._stream.started for batch in process.batches]

    def _committed_since(self, version: int, what: str) -> None:
        wait_until(lambda: self._version() > version, what, self._process.require_alive)

    def _restart_broker(self) -> None:
        broker.start(self._broker_place, int(self._stream.bootstrap.rpartition(":")[2]))

    def turn(self, victim: Victim, delay_s: float) -> None:
        """Kill ``victim`` so long after a commit, and measure until the next one."""
        self._committed_since(self._version() + 1, "two commits were made")
        time.sleep(delay_s)
        known, batches = self._version(), len(self._batches())
        killed_at = time.monotonic()
        with ThreadPoolExecutor() as supervisor:
            if victim in {Victim.BROKER, Victim.BOTH}:
                os.kill(broker.status(self._broker_place).pid, signal.SIGKILL)
                restarted = supervisor.submit(self._restart_broker)
            if victim is not Victim.BROKER:
                self._process.kill_python() if victim is Victim.PYTHON else self._process.kill_jvm()
                self._process = self._start()
            if victim in {Victim.BROKER, Victim.BOTH}:
                restarted.result()
        self._committed_since(known, f"{victim} had recovered")
        self.seconds[victim].append(time.monotonic() - killed_at)
        wait_until(lambda: len(self._batches()) > batches, "the batch was reported")
        first = self._batches()[batches]
        if first["seconds"]:
            self.catch_up.append(first["rows"] / first["seconds"])
        print(f"{victim:<15} {self.seconds[victim][-1]:>6.1f} s", flush=True)

    def report(self, place: str) -> None:
        """Print what was measured."""
        for victim, seconds in self.seconds.items():
            half, most = np.percentile(seconds, [50, 95])
            print(
                f"{victim:<15} {len(seconds)} kills: p50 {half:.1f} s, p95 {most:.1f} s, longest {max(seconds):.1f} s"
            )
        every = [each for seconds in self.seconds.values() for each in seconds]
        print_ratio_at_most(f"p95 of all, {place}, s", float(np.percentile(every, 95)), TARGET_S[place])
        slow, half = np.percentile(self.catch_up, [5, 50])
        print(f"first batch after a kill: p50 {half:,.0f} rows/s, p5 {slow:,.0f} rows/s")


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
            places = {"lake": path_of(lake), "checkpoint": path_of(f"{lake}-checkpoint")}
            stream = Stream.below(folder / "stream", bootstrap, **places)
            recovery = Recovery(stream, folder / "kafka")
            try:
                with steady_messages(bootstrap, RATE):
                    for _ in range(turns):
                        for victim in Victim:
                            recovery.turn(victim, chance.uniform(0, 2))
            finally:
                stream.end_all()
                if recovery.seconds:
                    recovery.report("bucket" if bucket else "disk")


if __name__ == "__main__":
    typer.run(main)
