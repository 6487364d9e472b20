"""One stream per lake.

A second stream with a checkpoint of its own would double every row. So a stream holds ``<lake>/.stream.lease`` for its
whole life, and a second one is refused by name. On a disk it is a file that the stream's JVM has locked
(`streaming.locks.jvm_lock`), in a bucket an object that is renewed (`streaming.locks.gcs_lease`). Who else writes,
maintenance or reprocessing of the quarantine, needs no lease: on a local disk all of them take turns
(`streaming.locks.commit_queue`).
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from py4j.protocol import Py4JError

from streaming.exceptions import BucketUnreachable, LeaseHeld, LeaseLost
from streaming.locks.jvm_lock import Holder, holder_of, try_lock
from streaming.storage import in_bucket

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEASE_FILE: Final = ".stream.lease"

#: A JVM whose Python was killed needs a moment to notice and end; seconds.
_ORPHAN_PATIENCE_S: Final = 30.0


class Lease(ABC):
    """What makes a process the one stream of a lake: require_free, await_expiry, held, one after the other."""

    @abstractmethod
    def require_free(self, stop: threading.Event) -> None:
        """Refuse early, before Spark is started, if another stream fills this lake.

        Args:
            stop: Set it to give up waiting for a holder of which it is not known yet whether it lives.

        Raises:
            LeaseHeld: another one does.
        """

    @abstractmethod
    def await_expiry(self, stop: threading.Event) -> None:
        """Wait for the rest of the time for which a holder that is not heard of may be alive; Spark may start before.

        Args:
            stop: Set it to give up.

        Raises:
            LeaseHeld: The holder was heard of.
        """

    @abstractmethod
    def held(self, spark: "SparkSession") -> AbstractContextManager[None]:
        """Be the lake's one stream, which commits by the JVM of ``spark``, until the block is left.

        Raises:
            LeaseHeld: another one is.
            LeaseLost: another one may be by now; the JVM was ended, and nothing was committed since.
        """


def create_lease(lake_root: str, name: str) -> Lease:
    """The lease on a lake, not held yet.

    Args:
        lake_root: The lake's folder, or its place in a bucket.
        name: What to call the holder in the message to those who are refused, e.g. ``ticketsim stream``.
    """
    return _BucketLease(lake_root, name) if in_bucket(lake_root) else _DiskLease(lake_root, name)


def lease_holder(lake_root: str) -> Holder | None:
    """The stream that fills this lake now; None if there is none."""
    if in_bucket(lake_root):
        from streaming.locks.gcs_lease import present_holder  # noqa: PLC0415  the client of Google takes a second

        return present_holder(_place(lake_root))
    return holder_of(Path(lake_root) / LEASE_FILE)


class _DiskLease(Lease):
    """The JVM holds a lock, which the system frees when it ends."""

    def __init__(self, lake_root: str, name: str) -> None:
        self._root = lake_root
        self._name = name

    def require_free(self, stop: threading.Event) -> None:
        deadline = time.monotonic() + _ORPHAN_PATIENCE_S
        while holder := lease_holder(self._root):
            if holder.lives or time.monotonic() > deadline:
                raise _refusal(self._root, holder)
            if stop.wait(0.2):
                return

    def await_expiry(self, stop: threading.Event) -> None:
        """Nothing expires: once a JVM has ended, its lock is free."""

    @contextmanager
    def held(self, spark: "SparkSession") -> Iterator[None]:
        lock = try_lock(spark, Path(self._root).resolve() / LEASE_FILE, self._name)
        if lock is None:
            raise _refusal(self._root, lease_holder(self._root))
        yield
        lock.release()  # after an error the JVM, which may still commit, keeps it to its end


class _BucketLease(Lease):
    """An object that this process renews; the JVM is killed before anybody else may take it over."""

    def __init__(self, lake_root: str, name: str) -> None:
        from streaming.locks.gcs_lease import HeartbeatLease  # noqa: PLC0415  the client of Google takes a second

        self._root = lake_root
        self._object = HeartbeatLease(_place(lake_root), name)

    def require_free(self, stop: threading.Event) -> None:
        self._watch(stop, self._object.pace.heard_of_s)

    def await_expiry(self, stop: threading.Event) -> None:
        self._watch(stop, self._object.pace.expires_after_s)

    def _watch(self, stop: threading.Event, until_s: float) -> None:
        with _reaching(self._root):
            holder = self._object.watch(stop, until_s)
        if holder:
            raise _refusal(self._root, holder)

    @contextmanager
    def held(self, spark: "SparkSession") -> Iterator[None]:
        with _reaching(self._root):
            taken = self._object.take(lambda: _kill_jvm(spark))
        if not taken:
            raise _refusal(self._root, lease_holder(self._root))
        try:
            yield
        except BaseException as error:
            _kill_jvm(spark)  # its query may still commit
            self._object.release()
            if self._object.lost:
                raise self._loss() from error
            raise
        self._object.release()
        if self._object.lost:
            raise self._loss()

    def _loss(self) -> LeaseLost:
        return LeaseLost(
            f"this stream no longer holds the lease on lake {self._root}: {self._object.lost}. It has stopped, "
            "and nothing is lost or doubled. If no other stream is to go on from here, start it again."
        )


@contextmanager
def _reaching(lake_root: str) -> Iterator[None]:
    from streaming.locks.gcs_lease import UNREACHABLE  # noqa: PLC0415

    try:
        yield
    except UNREACHABLE as error:
        raise BucketUnreachable(
            f"the lake {lake_root} cannot be reached ({error}). Is there such a bucket, and may we write into it? "
            "`gcloud auth application-default login` says who we are."
        ) from error


def _place(lake_root: str) -> str:
    return f"{lake_root}/{LEASE_FILE}"


def _kill_jvm(spark: "SparkSession") -> None:
    gateway: Any = spark.sparkContext._gateway
    if gateway.proc is not None:
        gateway.proc.kill()
        gateway.proc.wait()
        return
    # Started by spark-submit, which is that JVM: all of the job ends with it.
    with suppress(Py4JError, OSError):
        gateway.jvm.java.lang.Runtime.getRuntime().halt(1)


def _refusal(lake_root: str, holder: Holder | None) -> LeaseHeld:
    return LeaseHeld(
        f"lake {lake_root} is being written by {holder or 'another process'}. Stop it first, or give this one a lake "
        "(--lake) and a checkpoint (--checkpoint) of its own."
    )
