"""Checks of this machine's requirements, each with the cure for what is missing."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from simulator.events import TOPICS
from streaming.exceptions import NoJava
from streaming.spark.jars import cached_jars, jars_folder
from streaming.spark.java import NEWEST_KNOWN_JAVA, Java, find_java
from ticketsim.exceptions import NoChromium
from ticketsim.stack import broker
from ticketsim.stack.broker import MINIMUM_FREE_BYTES, BrokerStatus
from ticketsim.stack.chromium import find_chromium
from ticketsim.stack.ports import holder_of, is_free

#: Supported versions, as in pyproject.toml: the oldest, and the first unsupported one.
PYTHON_FROM, PYTHON_BELOW = (3, 11), (3, 14)

#: Space for the demo's data, with room for more runs.
COMFORTABLE_FREE_BYTES = 5 * MINIMUM_FREE_BYTES


class Verdict(StrEnum):
    """Result of a check; only ``FAIL`` keeps Ticketsim from running."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report."""

    name: str
    verdict: Verdict
    found: str  #: what was found
    cure: str = ""  #: what to do; empty if there is nothing to do


def examine(broker_dir: Path, broker_port: int, dagster_port: int) -> list[Check]:
    """Check this machine; nothing is started, downloaded or changed.

    Args:
        broker_dir: Folder of the local broker.
        broker_port: Port of the local broker.
        dagster_port: Port of Dagster's UI.
    """
    state = broker.status(broker_dir)
    listens_itself = state.running and state.port == broker_port
    return [
        check_python(sys.version_info[:2]),
        check_java(find_java),
        check_jars(jars_folder(), cached=cached_jars() is not None),
        check_disk(broker_dir, _free_bytes(broker_dir)),
        check_port("broker port", broker_port, free=listens_itself or is_free(broker_port)),
        check_port("Dagster port", dagster_port, free=is_free(dagster_port)),
        check_broker(state),
        check_chromium(find_chromium),
    ]


def check_python(version: tuple[int, ...]) -> Check:
    """Check that every dependency supports ``version``, (major, minor)."""
    found = ".".join(map(str, version))
    if PYTHON_FROM <= version < PYTHON_BELOW:
        return Check("Python", Verdict.OK, found)
    return Check("Python", Verdict.FAIL, found, "Install Python 3.11, 3.12 or 3.13, set PYTHON to it and `make setup`.")


def check_java(find: Callable[[], Java]) -> Check:
    """Check that ``find`` returns a Java that Spark and Kafka run on."""
    try:
        java = find()
    except NoJava as error:
        found, _, cure = str(error).partition(". ")
        return Check("Java", Verdict.FAIL, found, cure)
    found = f"{java.version} ({java.path})"
    if java.version > NEWEST_KNOWN_JAVA:
        cure = f"Spark is not tested on it: if it fails, set JAVA_HOME to a Java 17 to {NEWEST_KNOWN_JAVA}."
        return Check("Java", Verdict.WARN, found, cure)
    return Check("Java", Verdict.OK, found)


def check_jars(folder: Path, *, cached: bool) -> Check:
    """Check whether the jars are in ``folder`` already."""
    if cached:
        return Check("jars", Verdict.OK, str(folder))
    return Check("jars", Verdict.WARN, "not downloaded yet (65 MB)", "The first start downloads them, or `make setup`.")


def check_disk(folder: Path, free: int) -> Check:
    """Check that ``free`` bytes on the disk of ``folder`` are enough."""
    found = f"{free / 2**30:.1f} GiB free for {folder}"
    cure = "Free some space, or set TICKETSIM_HOME to a folder on another disk."
    if free < MINIMUM_FREE_BYTES:
        return Check("disk", Verdict.FAIL, found, cure)
    if free < COMFORTABLE_FREE_BYTES:
        return Check("disk", Verdict.WARN, found, cure)
    return Check("disk", Verdict.OK, found)


def check_port(name: str, port: int, *, free: bool) -> Check:
    """Check that ``port`` is available; ``free`` may be true if our own process listens on it already."""
    if free:
        return Check(name, Verdict.OK, f"{port} is free or ours")
    return Check(
        name, Verdict.WARN, f"{port} is in use by {holder_of(port) or 'another process'}", "Stop it, or use `--port`."
    )


def check_broker(state: BrokerStatus) -> Check:
    """Check that the local broker has its topics, if it is running."""
    missing = [topic for topic in TOPICS if topic not in state.topics]
    if not state.running:
        return Check("broker", Verdict.OK, "not running; `ticketsim broker start` starts it")
    if not state.ready:
        cure = f"Check {state.directory / 'kafka.log'}, or restart it: `ticketsim broker stop`, then `start`."
        return Check("broker", Verdict.WARN, f"running (pid {state.pid}), but not responding", cure)
    if missing:
        cure = f"`ticketsim broker start --port {state.port}` creates them."
        return Check("broker", Verdict.WARN, f"on {state.bootstrap}, without {', '.join(missing)}", cure)
    return Check("broker", Verdict.OK, f"on {state.bootstrap}, with the eight topics")


def check_chromium(find: Callable[[], Path | None]) -> Check:
    """Check that ``find`` returns a browser; only the browser tests need one."""
    cure = "Only `make test` needs it: apt-get install chromium, or set TICKETSIM_CHROMIUM."
    try:
        path = find()
    except NoChromium as error:
        return Check("Chromium", Verdict.WARN, str(error).partition(". ")[0], cure)
    return Check("Chromium", Verdict.OK, str(path)) if path else Check("Chromium", Verdict.WARN, "not found", cure)


def _free_bytes(folder: Path) -> int:
    """Return the free bytes on the disk where ``folder`` is or would be created."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free
