"""The laptop's Kafka: real Apache Kafka in KRaft mode, started from its jars, one process for one folder.

The folder contains all of its files: ``data`` (the messages), ``server.properties`` (written at every start),
``kafka.log``, ``process.out`` (output of the JVM) and ``broker.json`` (identity of its process).
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

#: Kafka exits when its disk is full, so it is not started with little free space.
MINIMUM_FREE_BYTES: Final = 1 << 30

#: A killed process keeps its port until the system has cleaned up.
_PORT_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """State of the broker of a folder."""

    directory: Path
    running: bool  #: its process is alive
    ready: bool = False  #: it responds
    pid: int | None = None
    port: int | None = None
    bootstrap: str | None = None  #: address for clients, ``host:port``
    topics: tuple[str, ...] = ()  #: sorted, without Kafka's own; empty unless ready


def start(
    directory: Path,
    port: int,
    partitions: int = PARTITIONS,
    on_progress: OnProgress | None = None,
) -> BrokerStatus:
    """Start the broker of ``directory``, wait until it responds, and create missing topics.

    A running broker is left unchanged. A killed broker restarts with its data.

    Args:
        directory: Folder of the broker, created if it does not exist.
        port: Port for clients, on the loopback interface.
        partitions: Number of partitions of each new topic.
        on_progress: Callback with a short description of the current step.

    Raises:
        NoJava, JarsUnavailable: This machine lacks Java or the jars.
        PortTaken: Another process listens on ``port``.
        BrokerUnsecured: The settings require TLS or a login.
        BrokerRunning: The broker of this folder is already running on another port.
        NoSpace: The disk is nearly full.
        BrokerFailed: The broker exited or does not respond.
    """
    if (protocol := kafka_settings().security_protocol) != "PLAINTEXT":
        raise BrokerUnsecured(
            f"TICKETSIM_KAFKA_SECURITY_PROTOCOL is {protocol}, but the local broker supports neither TLS nor a login. "
            "Unset the variables TICKETSIM_KAFKA_* to use it."
        )
    directory = directory.expanduser().resolve()
    on_progress = on_progress or (lambda _: None)
    jars = ensure_jars(on_progress)
    directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory):
        record = recorded(directory)
        process = living(directory, record)
        if record and process and record.port != port:
            raise BrokerRunning(
                f"The broker in {directory} already runs on port {record.port}, not {port}. Use it with "
                f"`--port {record.port}`, or stop it first with `ticketsim broker stop --dir {directory}`."
            )
        # A process that was just killed may still be listed.
        if process is None or not becomes_ready(directory, port, process):
            _require_port_and_space(directory, port)
            launch(directory, port, _controller_port(record, port), jars, on_progress)
        on_progress("creating topics")
        create_topics(f"{LOOPBACK}:{port}", partitions)
    return status(directory)


def stop(directory: Path) -> bool:
    """Stop the broker of ``directory``; kill it after half a minute.

    Returns:
        Whether it was running.
    """
    directory = directory.expanduser().resolve()
    if not directory.is_dir():
        return False
    with _locked(directory):
        process = living(directory, recorded(directory))
        if process is None:
            return False
        end(process)
        return True


def status(directory: Path) -> BrokerStatus:
    """Return whether the broker of ``directory`` is running and responding, and its topics."""
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


def _locked(directory: Path) -> FileLock:
    """Lock the folder against a concurrent start or stop; the lock ends with the process that holds it."""
    return FileLock(directory / "lock")


def _controller_port(record: Record | None, port: int) -> int:
    """Return the controller's port: the previous one if possible, but never the clients' ``port``."""
    if record and record.controller_port != port and is_free(record.controller_port):
        return record.controller_port
    return next(chosen for chosen in iter(free_port, None) if chosen != port)


def _require_port_and_space(directory: Path, port: int) -> None:
    deadline = time.monotonic() + _PORT_SECONDS
    while not is_free(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    if not is_free(port):
        holder = holder_of(port) or "another process"
        raise PortTaken(f"Port {port} is in use by {holder}. Stop it, or choose another port with `--port`.")
    free = shutil.disk_usage(directory).free
    if free < MINIMUM_FREE_BYTES:
        raise NoSpace(
            f"Only {free / 2**20:.0f} MiB are free on the disk of {directory}, and the broker needs "
            f"{MINIMUM_FREE_BYTES / 2**20:.0f}. Free some space, or choose another folder: `--dir` or TICKETSIM_HOME."
        )
