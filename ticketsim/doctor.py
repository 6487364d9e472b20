"""Checks of this machine's requirements, each with the cure for what is missing."""

import contextlib
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from simulator.events import TOPICS
from streaming.child_environment import foreign_variables, java_options
from streaming.exceptions import LocationRefused, NoJava
from streaming.path_characters import require_on_class_path, require_startable
from streaming.spark.jars import cached_jars, jars_folder
from streaming.spark.java import NEWEST_KNOWN_JAVA, Java, find_java
from ticketsim.exceptions import NoChromium
from ticketsim.stack import broker
from ticketsim.stack.broker import MINIMUM_FREE_BYTES, BrokerStatus
from ticketsim.stack.chromium import find_chromium
from ticketsim.stack.ports import holder_of, is_free
from ticketsim_assets.exceptions import SettingsRefused
from ticketsim_assets.settings import Settings, read_settings

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


def examine(dagster_port: int) -> list[Check]:
    """Check this machine and the settings; nothing is started, downloaded or changed.

    Args:
        dagster_port: Port of Dagster's UI.
    """
    try:
        settings = read_settings()
    except (SettingsRefused, LocationRefused) as error:
        # What they say is unknown: only the machine is checked.
        return [
            _refused("settings", error),
            *_machine(None),
            check_port("Dagster port", dagster_port, is_free(dagster_port)),
        ]
    state = broker.status(settings.broker_dir)
    listens_itself = state.running and state.port == settings.broker_port
    return [
        check_home(settings),
        *_machine(settings),
        check_disk(settings.broker_dir, _free_bytes(settings.broker_dir)),
        check_port("broker port", settings.broker_port, listens_itself or is_free(settings.broker_port)),
        check_port("Dagster port", dagster_port, is_free(dagster_port)),
        check_broker(state),
    ]


def _machine(settings: Settings | None) -> list[Check]:
    """Check what hardly depends on the settings."""
    return [
        check_python(sys.version_info[:2]),
        check_java(find_java),
        check_jars(jars_folder, cached_jars),
        check_paths({"TMPDIR": Path(tempfile.gettempdir())}, {"the folder of this Python": Path(sys.prefix)}),
        check_environment(os.environ, settings.dagster_home if settings else None),
        check_host_name(socket.gethostname(), resolves),
        check_chromium(find_chromium),
    ]


def check_home(settings: Settings) -> Check:
    """Check that home can be written."""
    existing = next(path for path in (settings.root, *settings.root.parents) if path.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        return Check("settings", Verdict.OK, f"home is {settings.root}")
    cure = "Change its owner or its mode, or set TICKETSIM_HOME to a folder of your own."
    return Check("settings", Verdict.FAIL, f"home is {settings.root}, but {existing} cannot be written", cure)


def check_paths(of_processes: Mapping[str, Path], on_class_path: Mapping[str, Path]) -> Check:
    """Check that a JVM can be started with these paths, by what each is called."""
    try:
        for name, path in of_processes.items():
            require_startable(path, name)
        for name, path in on_class_path.items():
            require_on_class_path(path, name)
    except LocationRefused as error:
        return _refused("paths", error)
    return Check("paths", Verdict.OK, "of Python and of temporary files are such as Java and Spark can read")


def check_environment(environ: Mapping[str, str], dagster_home: Path | None = None) -> Check:
    """Check for variables that are meant for other installations; those that reach our processes are a warning.

    Args:
        environ: The environment.
        dagster_home: Dagster's instance inside of home.
    """
    reach = [f"{name}={value}" for name, value in java_options(environ).items()]
    if (other := environ.get("DAGSTER_HOME")) and other != str(dagster_home):
        reach.append(f"DAGSTER_HOME={other}")
    if reach:
        cure = (
            "Every JVM takes these options, and runs are recorded in that DAGSTER_HOME. Unset what is not meant for us."
        )
        return Check("environment", Verdict.WARN, ", ".join(reach), cure)
    ignored = foreign_variables(environ)
    return Check("environment", Verdict.OK, f"not handed on: {', '.join(ignored)}" if ignored else "nothing of others")


def check_host_name(name: str, resolves: Callable[[str], bool]) -> Check:
    """Check whether this machine knows the address of its own name, which our processes do without."""
    if resolves(name):
        return Check("host name", Verdict.OK, name)
    return Check("host name", Verdict.OK, f"{name} has no address; our processes use 127.0.0.1")


def resolves(name: str) -> bool:
    """Return whether ``name`` has an address; a name server that does not answer at once has none."""
    found: list[bool] = []

    def look() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            socket.getaddrinfo(name, None)
            found.append(True)

    asking = threading.Thread(target=look, daemon=True)
    asking.start()
    asking.join(2.0)
    return bool(found)


def _refused(name: str, error: Exception) -> Check:
    found, _, cure = str(error).partition(". ")
    return Check(name, Verdict.FAIL, found, cure)


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


def check_jars(folder: Callable[[], Path], cached: Callable[[], object]) -> Check:
    """Check whether the jars are ``cached`` in ``folder`` already."""
    try:
        if cached():
            return Check("jars", Verdict.OK, str(folder()))
    except LocationRefused as error:
        return _refused("jars", error)
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


def check_port(name: str, port: int, free: bool) -> Check:
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
