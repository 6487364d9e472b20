"""One writer per lake.

On a local disk Delta's log store does not keep two JVMs apart: both can win the same version, and a second stream with
a checkpoint of its own would double every row. So whoever commits holds a lock on ``<lake>/.stream.lease``: a POSIX
lock of the JVM that does the commits, which the operating system frees when that JVM ends, however it ends.
"""

import fcntl
import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil
from pyspark.sql import SparkSession

from streaming.exceptions import LeaseHeld

LEASE_FILE: Final = ".stream.lease"

#: A JVM whose Python was killed needs a moment to notice and end; seconds.
_ORPHAN_PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to commit to a lake, until released or until the JVM ends."""

    _channel: Any

    def release(self) -> None:
        """Let the next writer in."""
        self._channel.close()


def require_free(lake_root: str) -> None:
    """Refuse early, before anything is started, if somebody else writes this lake.

    A holder that is about to end, because the process that it belongs to is gone, is waited for.

    Raises:
        LeaseHeld: somebody else does.
    """
    path = Path(lake_root) / LEASE_FILE
    deadline = time.monotonic() + _ORPHAN_PATIENCE_S
    while _locked(path):
        if _holder_lives(path) or time.monotonic() > deadline:
            raise _held(lake_root)
        time.sleep(0.2)


def take_lease(spark: SparkSession, lake_root: str, holder: str) -> Lease:
    """Become the lake's writer.

    Args:
        spark: The session that will commit; its JVM holds the lock.
        lake_root: The lake's folder.
        holder: What to call the holder in the message to those who are refused, e.g. ``ticketsim stream``.

    Raises:
        LeaseHeld: somebody else is.
    """
    path = Path(lake_root).resolve() / LEASE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    jvm: Any = spark._jvm
    channel = jvm.java.io.RandomAccessFile(str(path), "rw").getChannel()
    if channel.tryLock() is None:
        channel.close()
        raise _held(lake_root)
    # Written in place: a renamed file would be another file than the locked one.
    path.write_text(
        json.dumps({"pid": os.getpid(), "holder": holder, "since": datetime.now(UTC).isoformat(timespec="seconds")}),
        encoding="utf-8",
    )
    return Lease(channel)


def _locked(path: Path) -> bool:
    try:
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _holder_lives(path: Path) -> bool:
    return psutil.pid_exists(_read(path).get("pid", os.getpid()))


def _held(lake_root: str) -> LeaseHeld:
    about = _read(Path(lake_root) / LEASE_FILE)
    return LeaseHeld(
        f"lake {lake_root} is being written by process {about.get('pid', '?')} ({about.get('holder', 'unknown')}, "
        f"since {about.get('since', '?')}). Stop it first, or give this one a lake (--lake) and a checkpoint "
        "(--checkpoint) of its own."
    )
