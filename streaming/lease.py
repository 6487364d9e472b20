"""One stream per lake.

A second stream with a checkpoint of its own would double every row. So a stream holds ``<lake>/.stream.lease`` for its
whole life, and a second one is refused by name. Who else writes, maintenance or a replay of the quarantine, needs no
lease: on a local disk all of them take turns (``streaming.turns``).
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streaming.exceptions import LeaseHeld
from streaming.jvm_lock import Holder, JvmLock, holder_of, try_lock

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEASE_FILE: Final = ".stream.lease"

#: A JVM whose Python was killed needs a moment to notice and end; seconds.
_ORPHAN_PATIENCE_S: Final = 30.0


def lease_holder(lake_root: str) -> Holder | None:
    """The stream that fills this lake now; None if there is none."""
    return holder_of(Path(lake_root) / LEASE_FILE)


def require_free(lake_root: str) -> None:
    """Refuse early, before anything is started, if another stream fills this lake.

    A holder that is about to end, because the process that it belongs to is gone, is waited for.

    Raises:
        LeaseHeld: another one does.
    """
    deadline = time.monotonic() + _ORPHAN_PATIENCE_S
    while holder := lease_holder(lake_root):
        if holder.lives or time.monotonic() > deadline:
            raise _held(lake_root, holder)
        time.sleep(0.2)


def take_lease(spark: "SparkSession", lake_root: str, holder: str) -> JvmLock:
    """Become the lake's one stream.

    Args:
        spark: The session that will commit; its JVM holds the lock.
        lake_root: The lake's folder.
        holder: What to call the holder in the message to those who are refused, e.g. ``ticketsim stream``.

    Raises:
        LeaseHeld: another stream is.
    """
    lease = try_lock(spark, Path(lake_root).resolve() / LEASE_FILE, holder)
    if lease is None:
        raise _held(lake_root, lease_holder(lake_root) or Holder(None, "unknown", "?"))
    return lease


def _held(lake_root: str, holder: Holder) -> LeaseHeld:
    return LeaseHeld(
        f"lake {lake_root} is being written by {holder}. Stop it first, or give this one a lake (--lake) and a "
        "checkpoint (--checkpoint) of its own."
    )
