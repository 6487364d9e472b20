"""Make archives of the JVM's classes; ``python -m streaming.spark.archive_classes`` makes Spark's (1 min, 190 MB)."""

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from streaming.exceptions import SparkNotStarted
from streaming.spark.class_archive import SILENT, class_archive
from streaming.spark.jars import ensure_jars

#: What spark-submit, by which pyspark starts every JVM, takes further options of the JVM from.
_VARIABLE: Final = "SPARK_SUBMIT_OPTS"

#: How long a JVM may take to write its classes, on a machine that is busy; seconds.
_PATIENCE_S: Final = 600


def make_archive(target: Path, whose: str, variable: str, run: Callable[[], None]) -> None:
    """Make an archive of classes, unless it is there; those of another Java or another version are removed.

    Args:
        target: Where it belongs, see ``class_archive``.
        whose: Whose classes it holds, for messages.
        variable: Environment variable from which the JVM takes its options.
        run: Starts a JVM that loads the classes, and waits for its end.
    """
    target.parent.mkdir(exist_ok=True)
    with FileLock(target.parent / "lock"):
        if target.exists():
            return
        for other in target.parent.glob(f"{target.name.partition('-')[0]}-*.jsa"):
            other.unlink()
        print(f"archiving {whose} classes, so that the JVM starts faster (once)", file=sys.stderr)
        unfinished = target.with_suffix(".unfinished")
        # The JVM's second compiler would take most of the time, for classes that are used once.
        options = f'"-XX:ArchiveClassesAtExit={unfinished}" -XX:TieredStopAtLevel=1 {" ".join(SILENT)}'
        os.environ[variable] = f"{os.environ.get(variable, '')} {options}".strip()
        run()
        if unfinished.exists():
            unfinished.rename(target)
        else:
            print("this Java makes no archive: the JVM will start without", file=sys.stderr)


def _run_spark() -> None:
    """Load the classes that streams and their maintenance load, and let the JVM end by itself."""
    with suppress(SparkNotStarted):  # by a Java that knows no such option
        _load_classes()


def _load_classes() -> None:
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
    make_archive(class_archive(), "Spark's", _VARIABLE, _run_spark)
