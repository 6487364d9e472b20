"""The Spark session of the stream, of maintenance and of Dagster: the one place that configures, starts and ends it.

While it runs, pyspark hands the same session to everyone who asks for one, as dagster-pyspark does.
"""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from py4j.protocol import Py4JError
from pyspark import SparkConf
from pyspark.core.context import SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from streaming.child_environment import as_environment, java_options, of_spark
from streaming.exceptions import SparkNotStarted
from streaming.path_characters import require_on_class_path, require_startable
from streaming.spark.class_archive import archive_options
from streaming.spark.gcs_connector import connector_settings
from streaming.spark.jars import ensure_jars
from streaming.spark.java import find_java

_LOGGING: Final = Path(__file__).with_name("log4j2.xml")

#: How long a JVM may take to end after Spark has stopped.
_EXIT_TIMEOUT_S: Final = 20.0

_HARDLY_REPEATED: Final = ("event_id", "event_time", "started_at", "first_visitor_id", "kafka_offset")

#: For throughput; a stream that answers every two minutes does not notice pauses of a tenth of a second.
_COLLECTOR: Final = "-XX:+UseParallelGC"

#: What a stream on a small machine needs; measured with 3 million messages on 2 cores.
DEFAULTS: Final[dict[str, str]] = {
    "spark.app.name": "ticketsim-stream",
    "spark.master": "local[*]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Python does the parsing: the JVM holds Kafka's buffers and two Parquet writers.
    "spark.driver.memory": "1400m",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Spark's default, INT96, has no statistics and is deprecated.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # 40 % smaller files than snappy's; higher levels than 1 save little more.
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.hadoop.parquet.compression.codec.zstd.level": "1",
    # Values that hardly repeat: a dictionary of them is built, found too large and thrown away.
    **{f"spark.hadoop.parquet.enable.dictionary#{column}": "false" for column in _HARDLY_REPEATED},
    # Nobody reads histograms of lengths; files are skipped by Delta's statistics.
    "spark.hadoop.parquet.size.statistics.enabled": "false",
    # As many partitions are written concurrently; rows of more are sorted first, a fifth of the whole job's time.
    "spark.sql.maxConcurrentOutputFileWriters": "100",
    # A batch of 10 000 messages of 8 MiB would not fit into memory.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(32 * 2**20),
    "spark.sql.streaming.numRecentProgressUpdates": "20",
    # VACUUM lists folders in so many tasks: with Spark's 10 000 a minute passes on two cores.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
}


#: Of these, what a cluster knows better itself.
_OF_ONE_MACHINE: Final = (
    "spark.sql.shuffle.partitions",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism",
)


def cluster_settings() -> dict[str, str]:
    """Return the properties of a job on a cluster: ``DEFAULTS`` without those for one small machine."""
    kinds = ("spark.sql.", "spark.databricks.", "spark.hadoop.parquet.")
    return {key: value for key, value in DEFAULTS.items() if key.startswith(kinds) and key not in _OF_ONE_MACHINE}


@contextmanager
def submitted_or_own_session(lake_root: str, conf: Mapping[str, str] | None = None) -> Iterator[SparkSession]:
    """Yield the session of the JVM that spark-submit (or Dataproc) started, with the job's own jars and settings.

    Without one, a session in a JVM of our own.

    Args:
        lake_root: The lake to work on, a directory or ``gs://bucket/prefix``.
        conf: Overrides and additions to ``DEFAULTS`` for a session of our own.
    """
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        yield SparkSession.builder.getOrCreate()
        return
    with spark_session(ensure_jars().spark, {**connector_settings(lake_root), **(conf or {})}) as spark:
        yield spark


@contextmanager
def _session_settings(jars: Sequence[Path], conf: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Yield the settings of a session on this machine, with a scratch folder that is removed when the block is left.

    Args:
        jars: The Kafka source and Delta Lake.
        conf: Overrides and additions to ``DEFAULTS``; the cloud job names its own master and file system here.
    """
    with tempfile.TemporaryDirectory(prefix="ticketsim-spark-", ignore_cleanup_errors=True) as scratch:
        require_startable(Path(scratch), "TMPDIR, the folder of temporary files,")
        java_options = (_COLLECTOR, f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}", "-Duser.timezone=UTC")
        yield {
            "spark.driver.extraJavaOptions": " ".join((*java_options, *archive_options())),
            "spark.jars": ",".join(str(jar) for jar in jars),
            "spark.local.dir": scratch,
            "spark.sql.warehouse.dir": f"{scratch}/warehouse",  # else a folder appears wherever we are started
            **DEFAULTS,
            **(conf or {}),
        }


@contextmanager
def spark_session(jars: Sequence[Path], conf: Mapping[str, str] | None = None) -> Iterator[SparkSession]:
    """Start Spark in a JVM of its own and end that JVM, with all its memory and locks, when the block is left.

    Args:
        jars: The Kafka source and Delta Lake.
        conf: Overrides and additions to ``DEFAULTS``; the cloud job names its own master and file system here.

    Raises:
        LocationRefused: The JVM would take the paths of its jars or temporary files apart.
        NoJava, SparkNotStarted: The JVM ended before it answered.
    """
    # For as long as the session lives: pyspark asks the environment again, e.g. for SPARK_REMOTE.
    with as_environment(of_spark()), _session_settings(jars, conf) as settings:
        require_on_class_path(Path(os.environ["SPARK_HOME"]), "the folder of pyspark")
        spark_conf = SparkConf().setAll(list(settings.items()))
        gateway = _launched(spark_conf)
        try:
            with _signal_handlers_kept():
                spark = SparkSession(SparkContext(conf=spark_conf, gateway=gateway))
            try:
                yield spark
            finally:
                with suppress(Py4JError, OSError):  # the JVM may be gone already
                    spark.stop()
        finally:
            _end(gateway)


def _launched(spark_conf: SparkConf) -> Any:
    """Start the JVM and return pyspark's connection to it."""
    try:
        # In a session of its own the JVM outlives a signal to our group long enough to finish the batch that runs.
        return launch_gateway(conf=spark_conf, popen_kwargs={"start_new_session": True})
    except PySparkRuntimeError as error:
        java = find_java()  # says what is wrong with it, if anything is
        options = " and ".join(f"{name}={value!r}" for name, value in java_options().items())
        raise SparkNotStarted(
            f"Spark's JVM ended before it answered; what it said is above. It was started with {java.path}"
            f"{f' and {options}, which may be the reason' if options else ''}. `ticketsim doctor` checks this machine."
        ) from error


@contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """Undo what pyspark does to SIGINT: its own handler would cancel the running batch."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    on_interrupt = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, on_interrupt)


def _end(gateway: Any) -> None:
    """End the JVM behind ``gateway``."""
    jvm: subprocess.Popen[bytes] | None = gateway.proc
    with suppress(Py4JError, OSError):
        gateway.shutdown()
    # pyspark would still talk to this JVM if Spark were restarted in this process.
    SparkContext._gateway = None
    SparkContext._jvm = None
    if jvm is None:  # started by spark-submit, which ends it
        return
    if jvm.stdin:
        jvm.stdin.close()
    try:
        jvm.wait(_EXIT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        jvm.kill()
        jvm.wait()
