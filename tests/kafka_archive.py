"""Kafka's classes for the brokers of tests, as Spark's are archived for everybody (``streaming.spark.class_archive``).

A start of a broker takes a third less CPU. ``python -m tests.kafka_archive`` makes the archive, once (50 MB).
"""

import os
import tempfile
from pathlib import Path

import psutil

from streaming.spark.archive_classes import make_archive
from streaming.spark.class_archive import SILENT, class_archive
from streaming.spark.jars import jars_folder

#: What every JVM takes options from; of two archives it maps the one that is named later: Spark's, on the command line.
_VARIABLE = "JAVA_TOOL_OPTIONS"

#: Most of a short run is the JVM's compiler: without its second stage Spark starts and writes once in a third less CPU.
_SHORT_RUNS = "-XX:TieredStopAtLevel=1"

#: How long a JVM may take to write its classes, on a machine that is busy; seconds.
_PATIENCE_S = 600


def kafka_archive() -> Path:
    """Where the archive of this environment's Kafka and this machine's Java is, or would be."""
    return class_archive("kafka", made_from=jars_folder())


def use_archive() -> None:
    """Let JVMs that this process and its children start run shortly, and brokers use the archive if it was made."""
    archive = kafka_archive()
    uses = [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", *SILENT] if archive.exists() else []
    os.environ.setdefault(_VARIABLE, " ".join([_SHORT_RUNS, *uses]))


def _run_kafka() -> None:
    """Start a broker and let it end: what its JVM has loaded is written over what the JVM that formats had."""
    # Imported here: tests that start no Kafka import this module as well.
    from ticketsim.stack import broker
    from ticketsim.stack.ports import free_port

    with tempfile.TemporaryDirectory() as folder:
        broker.start(Path(folder), free_port())
        try:
            kafka = psutil.Process(broker.status(Path(folder)).pid)
            kafka.terminate()
            kafka.wait(_PATIENCE_S)
        finally:
            broker.stop(Path(folder))


if __name__ == "__main__":
    make_archive(kafka_archive(), "Kafka's", _VARIABLE, _run_kafka)
