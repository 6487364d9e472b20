"""Whose turn it is to commit to a lake on a local disk.

There Delta's log store does not keep two JVMs apart: both can win the same version. In a bucket it does, by a
precondition on the object of each version: there it is everybody's turn, always. On a disk one JVM at a time holds
``<lake>/.commit.turn``. The stream holds it for as long as nobody else asks. Who wants it draws a ticket, a file in
``<lake>/.commit.queue`` that it keeps locked while it waits, so that the ticket of a process that was killed counts for
nothing. Tickets are served in the order in which they were drawn. The stream looks for tickets between two batches; if
there are any it stops its query, gives the turn up and draws a ticket itself.
"""

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

from streaming.exceptions import TurnGivenUp
from streaming.locks.jvm_lock import Holder, holder_of, try_lock
from streaming.storage import in_bucket

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TURN_FILE: Final = ".commit.turn"

QUEUE_FOLDER: Final = ".commit.queue"

#: A turn is given up in the midst of seconds of work; asking more often would gain nothing.
_POLL_S: Final = 0.1


class Turn(Protocol):
    """The right to commit, for a while."""

    def release(self) -> None:
        """Give it up."""


class NoQueue:
    """The turn in a bucket, where Delta itself keeps writers apart."""

    def release(self) -> None:
        """Nobody waits for it."""


def turn_holder(lake_root: str) -> Holder | None:
    """Who may commit at present; None if nobody does, or if all may."""
    if in_bucket(lake_root):
        return None
    return holder_of(Path(lake_root) / TURN_FILE)


def others_wait(lake_root: str) -> bool:
    """Whether a living process has drawn a ticket; cheap, for it is asked all the time."""
    return not in_bucket(lake_root) and any(_tickets(Path(lake_root) / QUEUE_FOLDER))


def take_turn(
    spark: "SparkSession",
    lake_root: str,
    name: str,
    *,
    on_progress: Callable[[str], None],
    stop: threading.Event | None = None,
) -> Turn:
    """Wait until all who asked before have had their turn, and until the one who has it gives it up.

    Args:
        spark: The session that will commit; its JVM holds the turn.
        lake_root: The lake's folder.
        name: What to call this process in messages to others.
        on_progress: Told once whom this one waits for, if it has to.
        stop: Set it to give up waiting.

    Returns:
        The turn, to be released.

    Raises:
        TurnGivenUp: ``stop`` was set before it came.
    """
    if in_bucket(lake_root):
        return NoQueue()
    path = Path(lake_root).resolve() / TURN_FILE
    told = False
    with _ticket(path.with_name(QUEUE_FOLDER)) as ticket:
        while stop is None or not stop.is_set():
            if min(_tickets(ticket.parent), default=ticket) == ticket and (turn := try_lock(spark, path, name)):
                return turn
            if not told and (holder := holder_of(path)):
                on_progress(f"{name} waits for its turn to commit to {lake_root}: {holder} has it")
                told = True
            time.sleep(_POLL_S)
    raise TurnGivenUp(f"{name} was stopped while it waited for its turn to commit to {lake_root}.")


@contextlib.contextmanager
def _ticket(queue: Path) -> Iterator[Path]:
    """A ticket in ``queue``, torn up at the end."""
    queue.mkdir(parents=True, exist_ok=True)
    ticket = queue / f"{time.time_ns():020}-{os.getpid()}"
    unfinished = ticket.with_name(f".{ticket.name}")
    with unfinished.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump({"pid": os.getpid()}, file)
        file.flush()
        unfinished.rename(ticket)  # nobody ever sees a ticket that is not locked but by death
        try:
            yield ticket
        finally:
            ticket.unlink(missing_ok=True)


def _tickets(queue: Path) -> Iterator[Path]:
    """The tickets of living processes; those of dead ones are removed."""
    try:
        paths = [path for path in queue.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return
    for path in paths:
        with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
            if _is_locked(file):
                yield path
            else:
                path.unlink(missing_ok=True)


def _is_locked(file: IO[bytes]) -> bool:
    # flock, unlike the JVM's POSIX locks, also tells two tickets of one process apart.
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
