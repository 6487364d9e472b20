"""What a failure of Spark means: our error for it, and whether starting the query again may cure it."""

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from upath import UPath

from streaming.exceptions import DataLost, DiskFull, StreamFailed, StreamingError
from streaming.query.resumption import LOSS_CURE
from streaming.storage import absolute, in_bucket

#: How Spark's Kafka source says that offsets are gone.
_DATA_LOSS: Final = re.compile(r"KAFKA_DATA_LOSS|some data may have been (lost|missed)", re.IGNORECASE)

#: How Java says ENOSPC.
_NO_SPACE: Final = "No space left on device"

_JVM_ENDED: Final = (
    "Spark's JVM ended unexpectedly (killed, or out of memory). Nothing is lost: start the stream again."
)


class QueryFailed(StreamFailed):
    """The query failed in a way that may pass."""


@contextmanager
def mapped_errors(lake: str, checkpoint: UPath) -> Iterator[None]:
    """What Spark or the system raises in the block becomes an error of ours, see ``map_error``."""
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        raise map_error(error, lake, checkpoint) from error


def map_error(error: Exception, lake: str, checkpoint: UPath) -> StreamingError:
    """Our error for what Spark or the system raised.

    Args:
        error: What was raised.
        lake: Where the stream writes.
        checkpoint: Where else it writes.
    """
    try:
        text = str(error)
    except (Py4JError, OSError, AssertionError):  # it was to be asked of a JVM that is gone
        return StreamFailed(_JVM_ENDED)
    # What failed stands in the message, why it failed often only in the stack trace, behind "Caused by".
    causes = f"{text} {getattr(error, '_stackTrace', '')}"
    if _NO_SPACE in causes or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return _disk_full(lake, checkpoint)
    if _DATA_LOSS.search(causes):
        return DataLost(
            "messages were removed from Kafka before the stream read them (retention, or a topic that was cut off): "
            f"{_shortened(text)}. {LOSS_CURE}."
        )
    if isinstance(error, Py4JError | ConnectionError) and not isinstance(error, Py4JJavaError):
        return StreamFailed(_JVM_ENDED)
    if isinstance(error, OSError):
        return StreamFailed(f"the stream cannot work on its files: {error}. Nothing is lost: start the stream again.")
    return QueryFailed(
        f"the query failed: {_shortened(text)}. Nothing is lost: once the cause is cured, start the stream again."
    )


def _disk_full(lake: str, checkpoint: UPath) -> DiskFull:
    places = {place for place in (absolute(lake), absolute(checkpoint)) if not in_bucket(place)}
    free = ", ".join(f"{_free(place)} in {place}" for place in sorted(places))
    return DiskFull(
        f"there is no room left on a disk of the stream ({free}). Nothing is lost: make room and start the "
        "stream again."
    )


def _free(place: str) -> str:
    try:
        return f"{shutil.disk_usage(place).free / 2**20:.1f} MiB free"
    except OSError:
        return "not there"


def _shortened(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    return " | ".join(lines)[:600]
