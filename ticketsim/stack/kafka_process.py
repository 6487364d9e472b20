"""One process of Apache Kafka and its folder: launching it, finding it again, stopping it."""

import re
import shutil
import subprocess
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from string import Template
from typing import Final
from uuid import uuid4

import msgspec
import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streaming.child_environment import of_jvm
from streaming.same_process import same_process
from streaming.spark.jars import Jars
from streaming.spark.java import find_java
from ticketsim.exceptions import BrokerFailed
from ticketsim.progress import OnProgress
from ticketsim.stack.ports import LOOPBACK, is_free

#: Starting takes 3 to 8 s, 9 to 16 s after a kill, and several times that on a busy machine.
_READY_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 30.0

#: A 384 MB heap carries the local load; the serial collector needs no extra threads or memory.
_JVM_OPTIONS: Final = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")


class Record(msgspec.Struct, frozen=True):
    """``broker.json``: identity of the process, even if its pid has been reused."""

    pid: int
    create_time: float  #: seconds since the epoch
    port: int
    controller_port: int


def recorded(directory: Path) -> Record | None:
    """Return the process that was last launched in ``directory``, alive or not."""
    try:
        return msgspec.json.decode((directory / "broker.json").read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def living(directory: Path, record: Record | None) -> psutil.Process | None:
    """Return the process of ``record`` if it is alive and this folder's broker, not another one with the same pid."""
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        is_ours = same_process(record.pid, record.create_time) and str(_properties(directory)) in process.cmdline()
    except psutil.Error:
        return None
    return process if is_ours else None


def launch(directory: Path, port: int, controller_port: int, jars: Jars, on_progress: OnProgress) -> None:
    """Write the configuration, format new storage, start Kafka and wait until it responds.

    Raises:
        BrokerFailed: It exited or does not respond; no process is left.
    """
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
            on_progress("formatting the broker's storage")
            _format(java, directory, output.fileno())
        on_progress("starting Kafka")
        process = psutil.Popen(
            [*java, "kafka.Kafka", str(properties)],
            cwd=directory,
            env=of_jvm(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A separate session, so that Ctrl-C in the terminal does not stop it.
            start_new_session=True,
        )
    try:
        _write(directory, Record(process.pid, process.create_time(), port, controller_port))
        ready = becomes_ready(directory, port, process)
    except BaseException:
        end(process)
        raise
    if not ready:
        raise BrokerFailed(f"The broker in {directory} ended while it was starting. {_last_errors(directory)}")


def becomes_ready(directory: Path, port: int, process: psutil.Process) -> bool:
    """Wait until the broker responds; return False if its process exits first.

    Raises:
        BrokerFailed: Neither happened within two minutes.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if not _is_alive(process):
            return False
        if not is_free(port) and topics_on(port, timeout=2.0) is not None:
            return True
        time.sleep(0.2)
    raise BrokerFailed(
        f"The broker in {directory} (pid {process.pid}) does not respond on port {port} after {_READY_SECONDS:.0f} s. "
        f"{_last_errors(directory)} Stop it with `ticketsim broker stop --dir {directory}` and start it again."
    )


def topics_on(port: int, timeout: float) -> tuple[str, ...] | None:
    """Return the topics of the broker on ``port``, sorted, without internal ones.

    Returns:
        The topics; None if it does not respond within ``timeout`` seconds.
    """
    client = AdminClient({"bootstrap.servers": f"{LOOPBACK}:{port}", "log_level": 0})
    try:
        metadata = client.list_topics(timeout=timeout)
    except KafkaException:
        return None
    return tuple(sorted(t for t in metadata.topics if not t.startswith("__"))) if metadata.brokers else None


def end(process: psutil.Process) -> None:
    """Terminate the process, and kill it after half a minute."""
    try:
        process.terminate()
        process.wait(_STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(_STOP_SECONDS)
    except psutil.NoSuchProcess:
        pass


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _write(directory: Path, record: Record) -> None:
    unfinished = directory / "broker.json.unfinished"
    unfinished.write_bytes(msgspec.json.encode(record))
    unfinished.replace(directory / "broker.json")


def _properties(directory: Path) -> Path:
    return directory / "server.properties"


def _format(java: list[str], directory: Path, output: int) -> None:
    # As Kafka writes ids: 16 bytes in base64; a dash in front would look like an option.
    cluster_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=").replace("-", "_")
    tool = [*java, "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id]
    formatted = subprocess.run(
        [*tool, "-c", str(_properties(directory))],
        cwd=directory,
        env=of_jvm(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if formatted.returncode != 0:
        raise BrokerFailed(f"Cannot format the broker's storage in {directory}. {_last_errors(directory)}")


def _last_errors(directory: Path) -> str:
    """Return the last errors in the broker's logs, and the path of the log."""
    lines = _tail(directory / "process.out") + _tail(directory / "kafka.log")
    # "java.lang.RuntimeException: why" begins a stack trace; the message before it often says only that it ends.
    words = [line for line in lines if re.match(r"[\w.$]+(Exception|Error): |(Error|Caused by)", line)]
    words = words or [line for line in lines if " ERROR " in line or " FATAL " in line]
    return f"It said: {' | '.join(words[-2:])}. " * bool(words) + f"See {directory / 'kafka.log'}."


def _tail(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-200:] if log.exists() else []
