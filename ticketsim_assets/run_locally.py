"""Running jobs from the command line: the same jobs, instance and look at the lake as the daemon's, in this process."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg
from dagster import DagsterEventType

from streaming.hour import Hour
from streaming.lake.reader import Lake
from ticketsim_assets.automation.lake_tick import run_tick
from ticketsim_assets.automation.orphaned_runs import end_orphaned_runs, own_worker_tags
from ticketsim_assets.checks.offsets_check import require_sound
from ticketsim_assets.dagster_internals import MAX_RETRIES_TAG, PARTITION_TAG, RUN_KEY_TAG, execute_here, job_origin
from ticketsim_assets.exceptions import RunFailed
from ticketsim_assets.hours.cursor import COMMAND_LINE_CURSOR, LakeCursor
from ticketsim_assets.hours.due import Request
from ticketsim_assets.hours.evaluation import TickResult
from ticketsim_assets.hours.run_tags import REASON_TAG, run_tags
from ticketsim_assets.keys import DASHBOARD_JOB, HOURLY_JOB, QUARANTINE_JOB, RAW_EVENTS
from ticketsim_assets.settings import Settings

_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A run that succeeded."""

    job: str
    run_id: str
    seconds: float


def tick_lake(settings: Settings, instance: dg.DagsterInstance, *, first_loads: bool) -> TickResult:
    """Look at the lake once, as the sensor does, and record what it reports.

    Args:
        settings: where the lake is.
        instance: where to record.
        first_loads: ask for first loads; otherwise only for quarantine and hours that changed.

    Raises:
        NoLake: there is no lake yet.
        LakeUnsound: it lost or doubled rows.
    """
    end_orphaned_runs(instance, of_code_server=False)
    storage = instance.daemon_cursor_storage
    cursor = LakeCursor.from_json(storage.get_cursor_values({COMMAND_LINE_CURSOR}).get(COMMAND_LINE_CURSOR))
    watched, verdict = run_tick(
        settings, instance, Lake(settings.lake), cursor, first_loads=first_loads, debounce=timedelta(0)
    )
    require_sound(verdict)
    for report in watched.reports:
        instance.report_runless_asset_event(report)
    storage.set_cursor_values({COMMAND_LINE_CURSOR: watched.cursor.to_json()})
    return watched


def run_hours(
    instance: dg.DagsterInstance, request: Request, log: Path, *, allow_incomplete: bool = False
) -> RunOutcome:
    """Materialise the hours of ``request`` in one run of the hourly job.

    Args:
        instance: where the run is recorded.
        request: which hours, and why.
        log: file that gets what dbt and Dagster print.
        allow_incomplete: load hours as they are.

    Raises:
        RunFailed: the run failed; the message is the innermost cause.
    """
    config = {"ops": {RAW_EVENTS.to_python_identifier(): {"config": {"allow_incomplete": allow_incomplete}}}}
    return _execute(instance, HOURLY_JOB, log, config, request)


def run_quarantine(instance: dg.DagsterInstance, requests: Sequence[Request], log: Path) -> list[RunOutcome]:
    """Load the quarantine hours that changed, one run each."""
    return [_execute(instance, QUARANTINE_JOB, log, {}, request) for request in requests]


def run_dashboard(instance: dg.DagsterInstance, log: Path) -> RunOutcome:
    """Renew the readers' copy and the page."""
    return _execute(instance, DASHBOARD_JOB, log, {}, None)


def manual_request(first: Hour, last: Hour) -> Request:
    """Return a manual request for all hours from ``first`` to ``last``."""
    return Request(first, last, run_key="", reason="by_hand")


def _execute(
    instance: dg.DagsterInstance, job_name: str, log: Path, config: Mapping[str, Any], request: Request | None
) -> RunOutcome:
    # Loading the code location takes seconds and parses dbt; who only looks at the lake need not wait for it.
    from ticketsim_assets import definitions  # noqa: PLC0415

    repository = definitions.defs.get_repository_def()
    job = repository.get_job(job_name)
    origin = job_origin(definitions.__name__, repository.name, job_name)
    started = time.monotonic()
    tags = {**own_worker_tags(), MAX_RETRIES_TAG: "0"}
    if request is not None:
        tags[REASON_TAG] = request.reason
        if request.run_key:
            tags[RUN_KEY_TAG] = request.run_key
        if request.first == request.last:
            tags[PARTITION_TAG] = request.first.key
        else:
            tags |= run_tags(request)
    with _noticing_ctrl_c() as interrupted:
        try:
            with _printing_to(log):
                result = execute_here(job, instance, origin, run_config={**_QUIET, **config}, tags=tags)
        except dg.DagsterExecutionInterruptedError:
            raise KeyboardInterrupt from None
        if not result.success and interrupted():
            raise KeyboardInterrupt
    if not result.success:
        raise RunFailed(f"{_failure(result)} (run {result.run_id} of job {job_name}, log: {log})")
    return RunOutcome(job_name, result.run_id, time.monotonic() - started)


def _failure(result: dg.JobExecutionResult) -> str:
    """Describe the failed blocking checks, else the innermost cause of the first failed step, without class names."""
    red = [
        f"{evaluation.asset_key.to_user_string()}, check {evaluation.check_name}: {evaluation.description}"
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR and not evaluation.partition
    ]
    if red:
        return "; ".join(red)
    for event in result.all_events:
        if event.event_type is DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None:
                return error.message.strip().removeprefix(f"{error.cls_name}: ").split(": ", 1)[-1]
    return "the run failed"


@contextlib.contextmanager
def _noticing_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Yield whether Ctrl-C was pressed since: inside a step DuckDB and dbt turn it into errors of their own.

    Python's signal module writes the number of every signal to this socket, whoever handles it.
    """
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def interrupted() -> bool:
        try:
            return signal.SIGINT in reader.recv(1024)
        except BlockingIOError:
            return False

    try:
        yield interrupted
    finally:
        signal.set_wakeup_fd(before)
        reader.close()
        writer.close()


@contextlib.contextmanager
def _printing_to(log: Path) -> Iterator[None]:
    """Send what this process and its children print to ``log``: dbt and Dagster's helpers write past sys.stdout."""
    log.parent.mkdir(parents=True, exist_ok=True)
    streams = (sys.stdout, sys.stderr)
    saved = [os.dup(stream.fileno()) for stream in streams]
    try:
        with log.open("ab") as file:
            for stream in streams:
                stream.flush()
                os.dup2(file.fileno(), stream.fileno())
        yield
    finally:
        for stream, original in zip(streams, saved, strict=True):
            stream.flush()
            os.dup2(original, stream.fileno())
            os.close(original)
