"""Spark's classes as the JVM holds them in memory (AppCDS), which a start maps instead of parsing them again.

`streaming.spark.archive_classes` makes the archive. It belongs to the class path that it was made from, this
environment's, and so lies in the environment. A JVM that it does not fit goes on without it, in silence: one of
another version, and one with another jar in front, as Spark on a bucket.
"""

import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from streaming.spark.java import java_executable

#: The JVM's remarks on an archive that does not fit.
SILENT: Final = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off")


def class_archive() -> Path:
    """Return where the archive of this environment's Spark and this machine's Java is, or would be."""
    spark = find_spec("pyspark")
    parts = [Path(found).resolve() for found in (java_executable(), spark and spark.origin) if found]
    stamp = repr([(str(part), part.stat().st_mtime_ns if part.exists() else 0) for part in parts])
    return Path(sys.prefix) / "spark-classes" / f"{hashlib.sha256(stamp.encode()).hexdigest()[:12]}.jsa"


def archive_options() -> tuple[str, ...]:
    """Return the options with which a JVM uses the archive; none if it was not made."""
    archive = class_archive()
    return (f'"-XX:SharedArchiveFile={archive}"', "-Xshare:auto", *SILENT) if archive.exists() else ()
