"""The whole stack, live, in the foreground: broker, stream, simulator, Dagster; when one exits, all are stopped.

A Procfile runner stops its processes all at once. Here the order matters: the simulator first, so that its last
receipts reach Kafka; then the stream, after its current batch; then Dagster; and the broker last.
"""

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from streaming.child_environment import of_station
from ticketsim.exceptions import StationFailed
from ticketsim.progress import OnProgress
from ticketsim.stack import broker
from ticketsim.stack.dagster_home import prepare_dagster_home
from ticketsim.stack.hour_news import HourNews
from ticketsim.stack.page_server import page_url, serving
from ticketsim.stack.ports import require_free
from ticketsim_assets.settings import Settings

_POLL_S: Final = 0.5

#: A stopping stream first commits its current batch; the others exit within seconds.
_STOP_TIMEOUT_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class StackOptions:
    """Options of the live stack."""

    scenario: str
    seed: int
    venues: int
    pace: float
    start: str | None  #: ISO, ``now``, or the simulator's default
    trigger: str
    dagster_port: int
    page_port: int


@dataclass(slots=True)
class _Part:
    """A process of the stack."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


def run_stack(settings: Settings, options: StackOptions, stop: threading.Event, on_progress: OnProgress) -> None:
    """Start everything, monitor it until ``stop`` is set, and stop everything in order.

    Args:
        settings: Settings, with the location of everything.
        options: Options of the stack.
        stop: Event that stops the stack, set from a signal handler.
        on_progress: Callback for every process that starts or stops, and for every hour that is proved.

    Raises:
        StationFailed: A process exited; all others have been stopped.
        TicketsimError: The broker or a port is not available.
    """
    require_free(options.dagster_port, "Dagster's UI", "--port")
    prepare_dagster_home(settings)
    settings.logs.mkdir(parents=True, exist_ok=True)
    with serving(settings.dashboard_path, options.page_port):
        _run_parts(settings, options, stop, on_progress)


def _run_parts(settings: Settings, options: StackOptions, stop: threading.Event, on_progress: OnProgress) -> None:
    parts: list[_Part] = []
    ran_before = broker.status(settings.broker_dir).running
    news = HourNews(settings.readers_path)
    environment = {**of_station(), "TICKETSIM_PAGE_URL": page_url(options.page_port)}
    try:
        on_progress("starting the broker")
        broker.start(settings.broker_dir, settings.broker_port)
        for name, command in _commands(settings, options).items():
            on_progress(f"starting {name}, log: {settings.logs / name}.log")
            parts.append(_start(name, command, environment, settings.logs / f"{name}.log"))
        on_progress(
            f"Dagster's UI: http://127.0.0.1:{options.dagster_port} (ready in about 20 s); "
            f"the page: {page_url(options.page_port)} (after the first hour); Ctrl-C stops everything"
        )
        while not stop.wait(_POLL_S):
            _require_alive(parts)
            for line in news.lines():
                on_progress(line)
    finally:
        for part in sorted(parts, key=lambda each: ("simulator", "stream", "dagster").index(each.name)):
            on_progress(f"stopping {part.name}")
            _end(part)
        if not ran_before:
            on_progress("stopping the broker")
            broker.stop(settings.broker_dir)


def _commands(settings: Settings, options: StackOptions) -> dict[str, list[str]]:
    ticketsim = [sys.executable, "-m", "ticketsim"]
    simulate = [
        *(*ticketsim, "simulate", "--scenario", options.scenario, "--seed", str(options.seed)),
        *("--venues", str(options.venues), "--pace", str(options.pace), "--to", f"kafka://{settings.bootstrap}"),
        *(("--start", options.start) if options.start else ()),
    ]
    stream = [
        *(*ticketsim, "stream", "--bootstrap", settings.bootstrap, "--lake", settings.lake),
        *("--checkpoint", str(settings.checkpoint), "--trigger", options.trigger),
    ]
    dagster = [
        *(sys.executable, "-m", "dagster", "dev", "-m", "ticketsim_assets.definitions"),
        *("--host", "127.0.0.1", "--port", str(options.dagster_port)),
    ]
    return {"dagster": dagster, "stream": stream, "simulator": simulate}


def _start(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> _Part:
    with log.open("ab") as output:
        # A separate session: Ctrl-C in the terminal must reach only us, who stop the parts in order.
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    return _Part(name, process, log)


def _require_alive(parts: Sequence[_Part]) -> None:
    for part in parts:
        if (code := part.process.poll()) is not None:
            lines = part.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise StationFailed(
                f"The {part.name} process ended with exit code {code}: {lines[-1] if lines else 'no output'} "
                f"(log: {part.log})."
            )


def _end(part: _Part) -> None:
    """Terminate a process, and kill the children that it leaves behind."""
    try:
        family = [*psutil.Process(part.process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    part.process.terminate()
    try:
        part.process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        part.process.kill()
    _, alive = psutil.wait_procs(family, timeout=5)
    for child in alive:
        child.kill()
