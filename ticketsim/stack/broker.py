"""The laptop's Kafka: real Apache Kafka in KRaft mode, started from its jars, one process for one folder.

The folder holds everything of it: ``data`` (the messages), ``server.properties`` (written at every start),
``kafka.log``, ``process.out`` (what the JVM itself prints) and ``broker.json`` (which process it is).
"""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from simulator.kafka_settings import kafka_settings
from simulator.topics import create_topics
from streaming.spark.jars import ensure_jars
from ticketsim.defaults import PARTITIONS
from ticketsim.exceptions import BrokerRunning, BrokerUnsecured, NoSpace, PortTaken
from ticketsim.progress import OnProgress
from ticketsim.stack.kafka_process import Record, becomes_ready, end, launch, living, recorded, topics_on
from ticketsim.stack.ports import LOOPBACK, free_port, holder_of, is_free

#: Kafka ends itself when its disk is full, so it is not started when there is little left.
MINIMUM_FREE_BYTES: Final = 1 << 30

#: A killed process holds its port until the system has cleaned up after it.
_PORT_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What is known about the broker of a folder."""

    directory: Path
    running: bool  #: its process is there
    ready: bool = False  #: it answers
    pid: int | None = None
    port: int | None = None
    bootstrap: str | None = None  #: what clients connect to, ``host:port``
    topics: tuple[str, ...] = ()  #: sorted, without Kafka's own; empty unless ready


def start(
    directory: Path,
    port: int,
    partitions: int = PARTITIONS,
    on_progress: OnProgress | None = None,
) -> BrokerStatus:
    """Start the broker of ``directory``, wait until it answers, and create the topics that are missing.

    A broker that runs already is left as it is. One that was killed starts again with its data.

    Args:
        directory: its folder, made if it is not there.
        port: where clients connect, on the loopback interface.
        partitions: of each topic that is created.
        on_progress: told in a few words what is being done.

    Raises:
        NoJava, JarsUnavailable: it cannot be started on this machine.
        PortTaken: another process listens on ``port``.
        BrokerUnsecured: the settings say that Kafka asks for TLS or a login.
        BrokerRunning: the broker of this folder already runs, on another port.
        NoSpace: the disk is nearly full.
        BrokerFailed: it ended or does not answer.
    """
    if (protocol := kafka_settings().security_protocol) != "PLAINTEXT":
        raise BrokerUnsecured(
            f"TICKETSIM_KAFKA_SECURITY_PROTOCOL is {protocol}, but the local broker asks for neither TLS nor a login. "
            "Unset the variables TICKETSIM_KAFKA_* to use it."
        )
    directory = directory.expanduser().resolve()
    on_progress = on_progress or (lambda _: None)
    jars = ensure_jars(on_progress)
    directory.mkdir(parents=True, exist_ok=True)
    with _only_one(directory):
        record = recorded(directory)
        process = living(directory, record)
        if record and process and record.port != port:
            raise BrokerRunning(
                f"the broker in {directory} already runs on port {record.port}, not {port}. Use it with "
                f"`--port {record.port}`, or stop it first with `ticketsim broker stop --dir {directory}`."
            )
        # One that was killed a moment ago may still be listed.
        if process is None or not becomes_ready(directory, port, process):
            _refuse_if_impossible(directory, port)
            launch(directory, port, _controller_port(record, port), jars, on_progress)
        on_progress("creating topics")
        create_topics(f"{LOOPBACK}:{port}", partitions)
    return status(directory)


def stop(directory: Path) -> bool:
    """Stop the broker of ``directory``, by force if it takes longer than half a minute.

    Returns:
        Whether it was running.
    """
    directory = directory.expanduser().resolve()
    if not directory.is_dir():
        return False
    with _only_one(directory):
        process = living(directory, recorded(directory))
        if process is None:
            return False
        end(process)
        return True


def status(directory: Path) -> BrokerStatus:
    """Whether the broker of ``directory`` runs and answers, and its topics."""
    directory = directory.expanduser().resolve()
    record = recorded(directory)
    process = living(directory, record)
    if record is None or process is None:
        return BrokerStatus(directory, running=False)
    topics = topics_on(record.port, timeout=5.0)
    return BrokerStatus(
        directory=directory,
        running=True,
        ready=topics is not None,
        pid=process.pid,
        port=record.port,
        bootstrap=f"{LOOPBACK}:{record.port}",
        topics=topics or (),
    )


def _only_one(directory: Path) -> FileLock:
    """Keeps a second start or stop of the same folder waiting; the lock ends with the process that holds it."""
    return FileLock(directory / "lock")


def _controller_port(record: Record | None, port: int) -> int:
    """Where the controller listens: as before if possible, but never on the ``port`` of the clients."""
    if record and record.controller_port != port and is_free(record.controller_port):
        return record.controller_port
    return next(chosen for chosen in iter(free_port, None) if chosen != port)


def _refuse_if_impossible(directory: Path, port: int) -> None:
    deadline = time.monotonic() + _PORT_SECONDS
    while not is_free(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    if not is_free(port):
        holder = holder_of(port) or "another process"
        raise PortTaken(f"port {port} is taken by {holder}. End that, or choose another port with `--port`.")
    free = shutil.disk_usage(directory).free
    if free < MINIMUM_FREE_BYTES:
        raise NoSpace(
            f"only {free / 2**20:.0f} MiB are free on the disk of {directory}, and the broker needs "
            f"{MINIMUM_FREE_BYTES / 2**20:.0f}. Make room, or choose another folder with `--dir` or TICKETSIM_HOME."
        )
