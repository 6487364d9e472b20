"""A lock on a file that belongs to a JVM: what a process commits, it commits through its JVM, which may outlive it.

It is a POSIX lock, which the operating system frees when that JVM ends, however it ends. The file says who holds it.
"""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from py4j.protocol import Py4JError

from streaming.same_process import same_process

if TYPE_CHECKING:  # importing Spark takes a second, and who only looks needs none
    from pyspark.sql import SparkSession


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as it said itself."""

    pid: int | None  #: of the Python process; None if the file does not tell
    name: str  #: e.g. ``ticketsim stream``
    since: str  #: ISO 8601
    host: str | None = None  #: None: this machine
    create_time: float | None = None  #: of the process, seconds since the Unix epoch; None if the file does not tell

    @property
    def lives(self) -> bool:
        """Whether the process is there; its JVM notices within seconds if it is not, and ends."""
        return self.pid is None or self.host is not None or same_process(self.pid, self.create_time)

    def __str__(self) -> str:
        """Process, name and time, as messages call it."""
        where = f" on {self.host}" if self.host else ""
        return f"process {self.pid or '?'} ({self.name}, since {self.since}){where}"


@dataclass(frozen=True, slots=True)
class JvmLock:
    """A lock that is held, until released or until the JVM ends."""

    _channel: Any

    def release(self) -> None:
        """Let the next one have it."""
        with suppress(Py4JError, OSError):  # a JVM that is gone has done so
            self._channel.close()


def try_lock(spark: "SparkSession", path: Path, name: str) -> JvmLock | None:
    """Lock ``path`` for the JVM of ``spark`` under the ``name`` of the holder; None if somebody else has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    jvm: Any = spark._jvm
    channel = jvm.java.io.RandomAccessFile(str(path), "rw").getChannel()
    if channel.tryLock() is None:
        channel.close()
        return None
    # Written in place: a renamed file would be another file than the locked one.
    path.write_text(
        json.dumps(
            {
                "pid": os.getpid(),
                "create_time": psutil.Process().create_time(),
                "holder": name,
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        ),
        encoding="utf-8",
    )
    return JvmLock(channel)


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock on ``path``; None if nobody does."""
    try:
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        about = _read(path)
        return Holder(
            about.get("pid"),
            about.get("holder", "unknown"),
            about.get("since", "?"),
            create_time=about.get("create_time"),
        )
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
