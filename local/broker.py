"""The laptop's Kafka: real Apache Kafka in KRaft mode, started from its jars, one process for one folder.

The folder holds everything of it: ``data`` (the messages), ``server.properties`` (written at every start),
``kafka.log``, ``process.out`` (what the JVM itself prints) and ``broker.json`` (which process it is).
"""

import re
import shutil
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final
from uuid import uuid4

import msgspec
import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from filelock import FileLock

from local.defaults import BROKER_PORT, PARTITIONS
from local.exceptions import BrokerFailed, BrokerRunning, NoSpace, PortTaken
from local.ports import LOOPBACK, free_port, holder_of, is_free
from simulator.topics import create_topics
from streaming.jars import Jars, ensure_jars
from streaming.java import find_java

#: Kafka ends itself when its disk is full, so it is not started when there is little left.
MINIMUM_FREE_BYTES: Final = 1 << 30

#: A start takes 3 to 8 s, 14 s after a kill, and several times that on a busy machine.
_READY_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 30.0

#: A killed process holds its port until the system has cleaned up after it.
_PORT_SECONDS: Final = 3.0

#: Systems derive a process's start from the clock, which may be set while the broker runs.
_CLOCK_TOLERANCE_SECONDS: Final = 60.0

#: A 384 MB heap carries the local load; the serial collector needs neither threads nor memory of its own.
_JVM_OPTIONS: Final = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What is known about the broker of a folder."""

    directory: Path
    running: bool  #: its process is there
    ready: bool = False  #: it answers
    pid: int | None = None
    port: int | None = None
    bootstrap: str | None = None  #: what clients connect to, ``host:port``
    topics: tuple[str, ...] = ()  #: sorted; empty unless ready


class _Process(msgspec.Struct, frozen=True):
    """``broker.json``: enough to know the process again, even if its pid has been given to another one."""

    pid: int
    create_time: float  #: seconds since the epoch
    port: int
    controller_port: int


def start(
    directory: Path,
    port: int = BROKER_PORT,
    partitions: int = PARTITIONS,
    on_progress: Progress | None = None,
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
        BrokerRunning: the broker of this folder already runs, on another port.
        NoSpace: the disk is nearly full.
        BrokerFailed: it ended or does not answer.
    """
    directory = directory.expanduser().resolve()
    tell = on_progress or (lambda _: None)
    jars = ensure_jars(tell)
    directory.mkdir(parents=True, exist_ok=True)
    with _only_one(directory):
        known = _read(directory)
        process = _process_of(directory, known)
        if known and process and known.port != port:
            raise BrokerRunning(
                f"the broker in {directory} already runs on port {known.port}, not {port}. Use it with "
                f"`--port {known.port}`, or stop it first with `ticketsim broker stop --dir {directory}`."
            )
        # One that was killed a moment ago may still be listed.
        if process is None or not _becomes_ready(directory, port, process):
            _refuse_if_impossible(directory, port)
            controller_port = known.controller_port if known and is_free(known.controller_port) else free_port()
            _launch(directory, port, controller_port, jars, tell)
        tell("creating topics")
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
        process = _process_of(directory, _read(directory))
        if process is None:
            return False
        _end(process)
        return True


def status(directory: Path) -> BrokerStatus:
    """Whether the broker of ``directory`` runs and answers, and its topics."""
    directory = directory.expanduser().resolve()
    known = _read(directory)
    process = _process_of(directory, known)
    if known is None or process is None:
        return BrokerStatus(directory, running=False)
    topics = _topics(known.port, timeout=5.0)
    return BrokerStatus(
        directory=directory,
        running=True,
        ready=topics is not None,
        pid=process.pid,
        port=known.port,
        bootstrap=f"{LOOPBACK}:{known.port}",
        topics=topics or (),
    )


def _only_one(directory: Path) -> FileLock:
    """Keeps a second start or stop of the same folder waiting; the lock ends with the process that holds it."""
    return FileLock(directory / "lock")


def _read(directory: Path) -> _Process | None:
    try:
        return msgspec.json.decode((directory / "broker.json").read_bytes(), type=_Process)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _write(directory: Path, process: _Process) -> None:
    unfinished = directory / "broker.json.unfinished"
    unfinished.write_bytes(msgspec.json.encode(process))
    unfinished.replace(directory / "broker.json")


def _properties(directory: Path) -> Path:
    return directory / "server.properties"


def _process_of(directory: Path, known: _Process | None) -> psutil.Process | None:
    """The process in ``known`` if it is still this folder's broker and not a later one with the same pid."""
    if known is None:
        return None
    try:
        process = psutil.Process(known.pid)
        is_same_time = abs(process.create_time() - known.create_time) < _CLOCK_TOLERANCE_SECONDS
        is_ours = is_same_time and str(_properties(directory)) in process.cmdline()
        return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


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


def _launch(directory: Path, port: int, controller_port: int, jars: Jars, tell: Progress) -> None:
    here = Path(__file__).parent
    properties = _properties(directory)
    template = Template((here / "server.properties").read_text())
    properties.write_text(template.substitute(port=port, controller_port=controller_port))
    shutil.copyfile(here / "log4j2.xml", directory / "log4j2.xml")
    java = [str(find_java().path), *_JVM_OPTIONS, "-Dlog4j2.configurationFile=log4j2.xml"]
    java += ["-cp", str(jars.broker[0].parent / "*")]
    with (directory / "process.out").open("wb") as output:
        # Formatting writes this file last.
        if not (directory / "data" / "meta.properties").exists():
            tell("formatting the broker's storage")
            _format(java, directory, properties, output.fileno())
        tell("starting Kafka")
        process = psutil.Popen(
            [*java, "kafka.Kafka", str(properties)],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Of its own, so that Ctrl-C in the terminal does not end it.
            start_new_session=True,
        )
    try:
        _write(directory, _Process(process.pid, process.create_time(), port, controller_port))
        ready = _becomes_ready(directory, port, process)
    except BaseException:
        _end(process)
        raise
    if not ready:
        raise BrokerFailed(f"the broker in {directory} ended while it was starting. {_last_words(directory)}")


def _format(java: list[str], directory: Path, properties: Path, output: int) -> None:
    tool = [*java, "kafka.tools.StorageTool"]
    # As Kafka writes ids: 16 bytes in base64; a dash in front would look like an option.
    cluster_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=").replace("-", "_")
    formatted = subprocess.run(
        [*tool, "format", "--ignore-formatted", "-t", cluster_id, "-c", str(properties)],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if formatted.returncode != 0:
        raise BrokerFailed(f"the broker's storage in {directory} cannot be formatted. {_last_words(directory)}")


def _becomes_ready(directory: Path, port: int, process: psutil.Process) -> bool:
    """Wait until the broker answers; False if its process ends before."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        if not is_free(port) and _topics(port, timeout=2.0) is not None:
            return True
        time.sleep(0.2)
    raise BrokerFailed(
        f"the broker in {directory} (pid {process.pid}) does not answer on port {port} after {_READY_SECONDS:.0f} s. "
        f"{_last_words(directory)}"
    )


def _topics(port: int, timeout: float) -> tuple[str, ...] | None:
    """The topics of the broker on ``port``, None if it does not answer within ``timeout`` seconds."""
    client = AdminClient({"bootstrap.servers": f"{LOOPBACK}:{port}", "log_level": 0})
    try:
        metadata = client.list_topics(timeout=timeout)
    except KafkaException:
        return None
    return tuple(sorted(metadata.topics)) if metadata.brokers else None


def _end(process: psutil.Process) -> None:
    try:
        process.terminate()
        process.wait(_STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(_STOP_SECONDS)
    except psutil.NoSuchProcess:
        pass


def _last_words(directory: Path) -> str:
    """The errors at the end of the broker's logs, and where they lie."""
    lines = _tail(directory / "process.out") + _tail(directory / "kafka.log")
    # "java.lang.RuntimeException: why" begins a stack trace; the message before it often says only that it ends.
    words = [line for line in lines if re.match(r"[\w.$]+(Exception|Error): |(Error|Caused by)", line)]
    words = words or [line for line in lines if " ERROR " in line or " FATAL " in line]
    return f"It said: {' | '.join(words[-2:])}. " * bool(words) + f"See {directory / 'kafka.log'}."


def _tail(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-200:] if log.exists() else []
