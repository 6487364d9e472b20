"""Classes as the JVM holds them in memory (AppCDS), which a start maps instead of parsing them again.

`streaming.spark.archive_classes` makes the archive of Spark's. An archive belongs to the class path that it was made
from, this environment's, and so lies in the environment. A JVM that it does not fit goes on without it, in silence: one
of another version, and one with another jar in front, as Spark on a bucket.
"""

import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from streaming.spark.java import java_executable

#: The JVM's remarks on an archive that does not fit.
SILENT: Final = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off", "-Xlog:class+path=off")


def class_archive(of: str = "spark", made_from: Path | None = None) -> Path:
    """Return where an archive of this environment and this machine's Java is, or would be.

    Args:
        of: Whose classes, the beginning of its name.
        made_from: File or folder whose change makes it out of date; None: pyspark.
    """
    spark = find_spec("pyspark")
    origin = made_from or (spark and spark.origin)
    parts = [Path(found).resolve() for found in (java_executable(), origin) if found]
    stamp = repr([(str(part), part.stat().st_mtime_ns if part.exists() else 0) for part in parts])
    return Path(sys.prefix) / "jvm-classes" / f"{of}-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}.jsa"


def archive_options() -> tuple[str, ...]:
    """Return the options with which a JVM uses the archive of Spark's classes; none if it was not made."""
    archive = class_archive()
    return (f'"-XX:SharedArchiveFile={archive}"', "-Xshare:auto", *SILENT) if archive.exists() else ()
