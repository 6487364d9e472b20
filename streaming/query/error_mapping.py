"""Mapping of Spark's failures to our errors, and whether a restart of the query may cure them."""

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
from streaming.query.partition_positions import LOSS_CURE
from streaming.storage import absolute, in_bucket

#: How Spark's Kafka source says that offsets are gone.
_DATA_LOSS: Final = re.compile(r"KAFKA_DATA_LOSS|some data may have been (lost|missed)", re.IGNORECASE)

#: How Java says ENOSPC.
_NO_SPACE: Final = "No space left on device"

_JVM_ENDED: Final = "Spark's JVM ended unexpectedly (killed, or out of memory). Nothing is lost: restart the stream."


class QueryFailed(StreamFailed):
    """The query failed, and a retry may succeed."""


@contextmanager
def mapped_errors(lake: str, checkpoint: UPath) -> Iterator[None]:
    """Raise what Spark or the system raises in the block as an error of this package, see ``map_error``."""
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        raise map_error(error, lake, checkpoint) from error


def map_error(error: Exception, lake: str, checkpoint: UPath) -> StreamingError:
    """Map what Spark or the system raised to an error of this package.

    Args:
        error: The exception that was raised.
        lake: The lake that the stream writes.
        checkpoint: The checkpoint, which is written too.
    """
    try:
        text = str(error)
    except (Py4JError, OSError, AssertionError):  # the text comes from a JVM that is gone
        return StreamFailed(_JVM_ENDED)
    # The message says what failed; why it failed is often only in the stack trace, after "Caused by".
    causes = f"{text} {getattr(error, '_stackTrace', '')}"
    if _NO_SPACE in causes or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return _disk_full(lake, checkpoint)
    if _DATA_LOSS.search(causes):
        return DataLost(
            "messages were removed from Kafka before the stream read them (retention, or a truncated topic): "
            f"{_shortened(text)}. {LOSS_CURE}."
        )
    if isinstance(error, Py4JError | ConnectionError) and not isinstance(error, Py4JJavaError):
        return StreamFailed(_JVM_ENDED)
    if isinstance(error, OSError):
        return StreamFailed(f"the stream cannot access its files: {error}. Nothing is lost: restart the stream.")
    return QueryFailed(f"the query failed: {_shortened(text)}. Nothing is lost: fix the cause and restart the stream.")


def _disk_full(lake: str, checkpoint: UPath) -> DiskFull:
    locations = {location for location in (absolute(lake), absolute(checkpoint)) if not in_bucket(location)}
    free = ", ".join(f"{_free(location)} in {location}" for location in sorted(locations))
    return DiskFull(
        f"no space left on a disk of the stream ({free}). Nothing is lost: free some space and restart the stream."
    )


def _free(location: str) -> str:
    try:
        return f"{shutil.disk_usage(location).free / 2**20:.1f} MiB free"
    except OSError:
        return "missing"


def _shortened(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("at ")]
    return " | ".join(lines)[:600]
