"""``ticketsim stream`` as a process that can be killed, and its files."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from deltalake import DeltaTable

from streaming.lake.reader import Lake

#: Far beyond what anything here takes on a busy machine; seconds.
TIMEOUT_S = 180.0


class Violation(AssertionError):
    """An invariant was violated; the message says under which circumstances."""


def wait_until(
    condition: Callable[[], bool], what: str, alive: Callable[[], None] = lambda: None, every_s: float = 0.05
):
    """Wait for ``condition``; ``alive`` raises if waiting has become pointless."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        asked = time.monotonic()
        if condition():
            return
        alive()
        if time.monotonic() > deadline:
            raise Violation(f"it took more than {TIMEOUT_S:.0f} s until {what}")
        # What is costly to ask for, as whether the lake holds everything, leaves most of the time to the stream.
        cost_s = time.monotonic() - asked
        time.sleep(every_s if cost_s < 0.02 else max(every_s, 3 * cost_s))


@dataclass
class Process:
    """A running ``ticketsim stream``."""

    popen: subprocess.Popen
    out: Path
    err: Path

    @property
    def jvm(self) -> psutil.Process | None:
        """Its Spark, once it has started."""
        try:
            children = psutil.Process(self.popen.pid).children(recursive=True)
            return next((child for child in children if child.name() == "java"), None)
        except psutil.NoSuchProcess:
            return None

    def require_alive(self) -> None:
        if self.popen.poll() is not None:
            raise Violation(f"the stream ended by itself, exit code {self.popen.returncode}:\n{self.errors}")

    @property
    def errors(self) -> str:
        return self.err.read_text()

    @property
    def batches(self) -> list[dict[str, Any]]:
        """The structured lines, one per batch."""
        return [json.loads(line) for line in self.errors.splitlines() if line.startswith('{"batch"')]

    def kill_jvm(self) -> None:
        """Send SIGKILL to the driver's JVM; its Python reports it and exits."""
        jvm = self.jvm
        assert jvm is not None
        jvm.kill()
        self.ended(1, wordy=True)
        assert "Nothing is lost: restart the stream" in self.errors, self.errors

    def kill_python(self) -> None:
        """Send SIGKILL to the driver's Python; its JVM is left alone and has to notice."""
        self.popen.kill()
        self.popen.wait(TIMEOUT_S)

    def stop(self) -> dict[str, Any]:
        """Send SIGTERM: the stream exits after the running batch; return its summary."""
        self.popen.terminate()
        return self.ended(0)

    def ended(self, code: int, *, wordy: bool = False) -> dict[str, Any]:
        """Wait for its end, which must have this exit code; its JSON, if it printed one.

        A traceback is a defect, unless ``wordy``: pyspark itself complains of connections that a killed JVM has cut.
        """
        try:
            self.popen.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Violation(f"the stream does not end:\n{self.errors}") from None
        if self.popen.returncode != code:
            raise Violation(f"the stream ended with {self.popen.returncode}, not {code}:\n{self.errors}")
        assert wordy or "Traceback" not in self.errors, self.errors
        text = self.out.read_text()
        return json.loads(text) if text else {}


@dataclass
class Stream:
    """One lake, its checkpoint, and the processes that write it, one after the other."""

    bootstrap: str
    home: Path
    lake: Path
    checkpoint: Path
    launcher: tuple[str, ...] = (sys.executable, "-m", "ticketsim", "stream", "--json")
    started: list[Process] = field(default_factory=list)

    @classmethod
    def below(cls, home: Path, bootstrap: str, **places: Any) -> "Stream":
        home.mkdir(parents=True, exist_ok=True)
        return cls(bootstrap, home, **{"lake": home / "lake", "checkpoint": home / "checkpoint", **places})

    @property
    def table(self) -> Path:
        return self.lake / "events"

    @property
    def opened(self) -> Lake:
        return Lake(str(self.lake))

    def start(self, *options: str, checkpoint: Path | None = None) -> Process:
        places = {"bootstrap": self.bootstrap, "lake": self.lake, "checkpoint": checkpoint or self.checkpoint}
        command = [*self.launcher, *options, *(f"--{name}={value}" for name, value in places.items())]
        env = {**os.environ, "COLUMNS": "200"}
        number = len(self.started)
        out, err = self.home / f"stream-{number}.out", self.home / f"stream-{number}.err"
        with out.open("w") as stdout, err.open("w") as stderr:
            popen = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=self.home, env=env)
        self.started.append(Process(popen, out, err))
        return self.started[-1]

    def once(self, *options: str) -> dict[str, Any]:
        """Write everything available."""
        return self.start("--once", *options).ended(0)

    def refused(self, *options: str, checkpoint: Path | None = None) -> str:
        """Start a stream that must be refused with exit code 1; return its message."""
        process = self.start("--once", *options, checkpoint=checkpoint)
        process.ended(1)
        return process.errors

    def end_all(self) -> None:
        for process in self.started:
            process.popen.kill()
            process.popen.wait(10)

    def set_log_checkpoint_interval(self, commits: int) -> None:
        """Let Delta write a checkpoint of its log more often than by default; nothing else may write the lake."""
        DeltaTable(str(self.table)).alter.set_table_properties({"delta.checkpointInterval": str(commits)})

    def versions(self) -> int:
        return max((int(path.stem) for path in self.table.glob("_delta_log/*[0-9].json")), default=-1)
