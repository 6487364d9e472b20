"""What this machine needs for Ticketsim, and how to cure what is missing."""

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

#: As in pyproject.toml: the oldest that works, and the first that does not.
PYTHON_FROM, PYTHON_BELOW = (3, 11), (3, 14)

#: The demo's data, with room to look at it again.
COMFORTABLE_FREE_BYTES = 5 * MINIMUM_FREE_BYTES


class Verdict(StrEnum):
    """How a check ended; only ``FAIL`` keeps Ticketsim from running."""

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
    """Look at this machine; nothing is started, downloaded or changed.

    Args:
        broker_dir: folder of the local broker.
        broker_port: where it would listen.
        dagster_port: where Dagster's UI would listen.
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
    """Whether ``version``, (major, minor), is one that every dependency supports."""
    found = ".".join(map(str, version))
    if PYTHON_FROM <= version < PYTHON_BELOW:
        return Check("Python", Verdict.OK, found)
    return Check("Python", Verdict.FAIL, found, "Install Python 3.11, 3.12 or 3.13, set PYTHON to it and `make setup`.")


def check_java(find: Callable[[], Java]) -> Check:
    """Whether ``find`` finds a Java that Spark and Kafka run on."""
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
    """Whether the jars lie in ``folder`` already."""
    if cached:
        return Check("jars", Verdict.OK, str(folder))
    return Check("jars", Verdict.WARN, "not downloaded yet (65 MB)", "The first start downloads them, or `make setup`.")


def check_disk(folder: Path, free: int) -> Check:
    """Whether ``free`` bytes on the disk of ``folder`` are enough."""
    found = f"{free / 2**30:.1f} GiB free for {folder}"
    cure = "Make room, or set TICKETSIM_HOME to a folder on another disk."
    if free < MINIMUM_FREE_BYTES:
        return Check("disk", Verdict.FAIL, found, cure)
    if free < COMFORTABLE_FREE_BYTES:
        return Check("disk", Verdict.WARN, found, cure)
    return Check("disk", Verdict.OK, found)


def check_port(name: str, port: int, *, free: bool) -> Check:
    """Whether ``port`` can be listened on; ``free`` may count our own process, which listens already, as nobody."""
    if free:
        return Check(name, Verdict.OK, f"{port} is free or ours")
    return Check(
        name, Verdict.WARN, f"{port} is taken by {holder_of(port) or 'another process'}", "End it, or use `--port`."
    )


def check_broker(state: BrokerStatus) -> Check:
    """Whether the local broker runs with its topics; it need not run."""
    missing = [topic for topic in TOPICS if topic not in state.topics]
    if not state.running:
        return Check("broker", Verdict.OK, "does not run; `ticketsim broker start` starts it")
    if not state.ready:
        cure = f"Look into {state.directory / 'kafka.log'}, or stop and start it with `ticketsim broker`."
        return Check("broker", Verdict.WARN, f"runs (pid {state.pid}) but does not answer", cure)
    if missing:
        cure = f"`ticketsim broker start --port {state.port}` creates them."
        return Check("broker", Verdict.WARN, f"on {state.bootstrap}, without {', '.join(missing)}", cure)
    return Check("broker", Verdict.OK, f"on {state.bootstrap}, with the eight topics")


def check_chromium(find: Callable[[], Path | None]) -> Check:
    """Whether ``find`` finds a browser; only the browser tests need one."""
    cure = "Only `make test` needs it: apt-get install chromium, or set TICKETSIM_CHROMIUM."
    try:
        path = find()
    except NoChromium as error:
        return Check("Chromium", Verdict.WARN, str(error).partition(". ")[0], cure)
    return Check("Chromium", Verdict.OK, str(path)) if path else Check("Chromium", Verdict.WARN, "not found", cure)


def _free_bytes(folder: Path) -> int:
    """Free bytes on the disk where ``folder`` is, or would be made."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free
