"""Make the archive of Spark's classes: ``python -m streaming.spark.archive_classes``, once (190 MB)."""

import os
import sys
import tempfile
from contextlib import suppress
from typing import Any, Final

from filelock import FileLock

from streaming.exceptions import SparkNotStarted
from streaming.spark.class_archive import SILENT, class_archive
from streaming.spark.jars import ensure_jars

#: What spark-submit, by which pyspark starts every JVM, takes further options of the JVM from.
_VARIABLE: Final = "SPARK_SUBMIT_OPTS"

#: How long a JVM may take to write its classes, on a machine that is busy; seconds.
_PATIENCE_S: Final = 600


def make_archive() -> None:
    """Make the archive, unless it is there; those of another Java or Spark are removed."""
    target = class_archive()
    target.parent.mkdir(exist_ok=True)
    with FileLock(target.parent / "lock"):
        if target.exists():
            return
        for other in target.parent.glob("*.jsa"):
            other.unlink()
        print("archiving Spark's classes, so that it starts faster (190 MB, once)", file=sys.stderr)
        unfinished = target.with_suffix(".unfinished")
        # The JVM's second compiler would take most of the time, for classes that are used once.
        options = f'"-XX:ArchiveClassesAtExit={unfinished}" -XX:TieredStopAtLevel=1 {" ".join(SILENT)}'
        os.environ[_VARIABLE] = f"{os.environ.get(_VARIABLE, '')} {options}"
        with suppress(SparkNotStarted):  # by a Java that knows no such option
            _run_spark()
        if unfinished.exists():
            unfinished.rename(target)
        else:
            print("this Java makes no archive: Spark will start without", file=sys.stderr)


def _run_spark() -> None:
    """Load the classes that streams and their maintenance load, and let the JVM end by itself."""
    # Imported here: every set-up asks whether there is an archive.
    from py4j.protocol import Py4JError  # noqa: PLC0415

    from streaming.spark.session import spark_session  # noqa: PLC0415

    conf = {"spark.master": "local[2]", "spark.driver.memory": "1g"}
    with tempfile.TemporaryDirectory() as folder, spark_session(ensure_jars().spark, conf) as spark:
        table, copy = f"{folder}/table", f"{folder}/copy"
        rows = spark.range(100).selectExpr("id", "id % 3 as part")
        rows.write.format("delta").partitionBy("part").save(table)
        stream = spark.readStream.format("delta").load(table).mapInArrow(_same, "id long, part long").writeStream
        stream = stream.format("delta").option("checkpointLocation", f"{folder}/checkpoint")
        stream.partitionBy("part").trigger(availableNow=True).start(copy).awaitTermination()
        spark.sql(f"optimize delta.`{copy}`").collect()
        gateway: Any = spark.sparkContext._gateway
        spark.stop()
        with suppress(Py4JError, OSError):  # it does not answer: it ends
            gateway.jvm.System.exit(0)
        gateway.proc.wait(_PATIENCE_S)


def _same(batches: Any) -> Any:
    return batches


if __name__ == "__main__":
    make_archive()
