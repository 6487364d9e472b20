"""A schedule of kills, carried out."""

import math
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from harness.aims import Kill, Victim, await_moment
from harness.stream import Process, Stream, wait_until
from streaming.locks.stream_lease import lease_holder

#: Commits between two checkpoints of Delta's log, so that a kill need not wait for the twentieth.
_LOG_CHECKPOINT_EVERY = 3


class Killable(Protocol):
    def kill(self) -> None: ...

    def restart(self) -> None: ...


class Killer:
    """A schedule of kills at work: it kills the victims, restarts them, and continues."""

    def __init__(self, stream: Stream, broker: Killable) -> None:
        self._stream, self._broker = stream, broker
        self._often = False
        self.process: Process | None = None  #: the running stream, if it runs
        self.carried_out = 0

    def carry_out(self, kills: Iterable[Kill], until: float = math.inf) -> None:
        """Carry out one kill after the other; none starts after ``until`` (of the monotonic clock)."""
        for kill in kills:
            if time.monotonic() > until:
                return
            process = self.running()
            await_moment(kill.moment, self._stream, process)
            time.sleep(kill.delay_ms / 1000)
            self._kill(kill.victim, process)
            self.lose_checkpoint(kill.lost)
            self.carried_out += 1

    def finish(self) -> None:
        """Let the stream write everything available and exit."""
        self.stop()
        self._stream.once()

    def stop(self) -> None:
        """Stop the stream after the running batch, if it runs."""
        if self.process is not None:
            self.process.stop()
            self.process = None

    def lose_checkpoint(self, parts: Iterable[str]) -> None:
        """Delete parts of the checkpoint of a stream that does not run."""
        for part in parts:
            _delete(self._stream.checkpoint / part)

    def running(self) -> Process:
        """Return the running stream, which is started if there is none."""
        if self.process is None:
            if not self._often and self._stream.versions() >= 0:
                self._stream.set_log_checkpoint_interval(_LOG_CHECKPOINT_EVERY)
                self._often = True
            self.process = self._stream.start("--trigger=1s")
            # Until then what appears on disk is of the JVM that a killed Python has left behind.
            wait_until(self._holds_the_lease, "the stream may write", self.process.require_alive)
        return self.process

    def _holds_the_lease(self) -> bool:
        holder = lease_holder(str(self._stream.lake))
        return holder is not None and self.process is not None and holder.pid == self.process.popen.pid

    def _kill(self, victim: Victim, process: Process) -> None:
        if victim in (Victim.BROKER, Victim.BOTH):
            self._broker.kill()
        if victim is Victim.BROKER:
            self._broker.restart()
            known = self._stream.versions()
            wait_until(lambda: self._stream.versions() > known, "the stream resumes", process.require_alive)
            return
        if victim is Victim.PYTHON:
            process.kill_python()
        else:
            process.kill_jvm()
        if victim is Victim.BOTH:
            self._broker.restart()
        self.process = None


def _delete(part: Path) -> None:
    shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)
