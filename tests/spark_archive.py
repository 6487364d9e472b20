"""Spark's classes as the JVM holds them in memory (AppCDS), so that a JVM of the tests maps instead of parsing them.

A session's start and its first write take a third less CPU. The archive belongs to the class path that it was made
from, this environment's, and so lies in the environment. A JVM that it does not fit goes on without it, in silence.
``python -m tests.spark_archive`` makes it, once (30 s of CPU, 180 MB).
"""

import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock

#: What spark-submit, by which pyspark starts every JVM, takes options of the JVM from; Kafka's JVM does not see them.
VARIABLE = "SPARK_SUBMIT_OPTS"

#: How long a JVM may take to write its classes, on a machine that is busy.
_PATIENCE_S = 600

_SILENT = "-Xlog:cds=off -Xlog:cds+dynamic=off -Xlog:class+path=off"


def archive() -> Path:
    """Where the archive of this environment's Spark and this machine's Java is, or would be."""
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else Path(shutil.which("java") or "java")
    spark = find_spec("pyspark")
    assert spark is not None
    assert spark.origin is not None
    parts = [java.resolve(), Path(spark.origin).resolve()]
    stamp = repr([(str(part), part.stat().st_mtime_ns if part.exists() else 0) for part in parts])
    return Path(sys.prefix) / "spark-classes" / f"{hashlib.sha256(stamp.encode()).hexdigest()[:12]}.jsa"


def use_archive() -> None:
    """Let the JVMs of Spark that this process and its children start use the archive, if it was made."""
    if archive().exists():
        os.environ.setdefault(VARIABLE, f"-XX:SharedArchiveFile={archive()} -Xshare:auto {_SILENT}")


def make_archive() -> None:
    """Make the archive, unless it is there; those of another Java or Spark are removed."""
    target = archive()
    target.parent.mkdir(exist_ok=True)
    with FileLock(target.parent / "lock"):
        if target.exists():
            return
        for other in target.parent.glob("*.jsa"):
            other.unlink()
        print("archiving Spark's classes for the JVMs of tests (180 MB, once)", file=sys.stderr)
        unfinished = target.with_suffix(".unfinished")
        os.environ[VARIABLE] = f"-XX:ArchiveClassesAtExit={unfinished} {_SILENT}"
        _run_spark()
        if unfinished.exists():
            unfinished.rename(target)
        else:
            print("this Java makes no archive: tests will start Spark without", file=sys.stderr)


def _run_spark() -> None:
    """Load the classes that streams and their maintenance load, and let the JVM end by itself."""
    # Imported here: tests that start no Spark import this module as well.
    from py4j.protocol import Py4JError

    from streaming.spark.jars import ensure_jars
    from streaming.spark.session import spark_session

    conf = {"spark.master": "local[2]", "spark.driver.memory": "1g"}
    with tempfile.TemporaryDirectory() as folder, spark_session(ensure_jars().spark, conf) as spark:
        table, copy = f"{folder}/table", f"{folder}/copy"
        rows = spark.range(100).selectExpr("id", "id % 3 as part")
        rows.write.format("delta").partitionBy("part").save(table)
        stream = spark.readStream.format("delta").load(table).mapInArrow(_same, "id long, part long").writeStream
        stream = stream.format("delta").option("checkpointLocation", f"{folder}/checkpoint")
        stream.partitionBy("part").trigger(availableNow=True).start(copy).awaitTermination()
        spark.sql(f"optimize delta.`{copy}`").collect()
        gateway = spark.sparkContext._gateway
        spark.stop()
        with suppress(Py4JError, OSError):  # it does not answer: it ends
            gateway.jvm.System.exit(0)
        gateway.proc.wait(_PATIENCE_S)


def _same(batches: Any) -> Any:
    return batches


if __name__ == "__main__":
    # As tests start their JVMs.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
    make_archive()
