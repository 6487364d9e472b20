"""Orphaned runs: after kill -9 of Dagster they would stay STARTED and hold their pool's slot for an hour.

Dagster's code server reports a worker of its own that dies. When the code server dies as well, nobody does: the default
run launcher has no health check. A worker's process is known from the first event that it records; a process of the
same id that began after that event is another one.
"""

import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dagster as dg
import psutil
from dagster import DagsterEventType, DagsterRunStatus, RunsFilter

from ticketsim_assets.dagster_internals import CODE_SERVER_TAG

#: Of runs in a process of the command line: where that process is.
HOST_TAG: Final = "ticketsim/host"
PID_TAG: Final = "ticketsim/pid"

_WITH_WORKER: Final = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]

#: A worker imports the code location before it records anything: 5 s, on a busy machine several times that.
_START_PATIENCE_S: Final = 60.0

#: Events and processes are dated by the same clock, the latter to a hundredth of a second.
_CLOCK_SLACK_S: Final = 1.0


def own_worker_tags() -> dict[str, str]:
    """Return the tags of a run that this process executes itself."""
    return {HOST_TAG: socket.gethostname(), PID_TAG: str(os.getpid())}


@dataclass(frozen=True, slots=True)
class _Worker:
    """A process that executes a run."""

    pid: int
    seen_at: float  #: when it was alive, seconds since the Unix epoch

    @property
    def is_gone(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > self.seen_at + _CLOCK_SLACK_S
        except psutil.NoSuchProcess:
            return True


def end_orphaned_runs(instance: dg.DagsterInstance, *, of_code_server: bool) -> list[str]:
    """Report as failed, or as cancelled if requested, every run whose worker ran on this host and is gone.

    Args:
        instance: Dagster's instance.
        of_code_server: whether the caller is the code server, whose children the workers are. Anybody else judges
            only runs whose code server has its socket in this file system: in a container beside it, process ids mean
            something else.

    Returns:
        Ids of the runs that were ended.
    """
    ended = []
    for record in instance.get_run_records(RunsFilter(statuses=_WITH_WORKER)):
        if not _is_orphaned(instance, record, of_code_server=of_code_server):
            continue
        # A dead worker changes nothing any more: the status read after its death is final.
        run = instance.get_run_by_id(record.dagster_run.run_id)
        if run is None or run.status not in _WITH_WORKER:
            continue
        message = (
            "The process that executed this run is gone: Dagster or its machine was stopped while it was under way."
        )
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message)
        else:
            instance.report_run_failed(run, message)
        ended.append(run.run_id)
    return ended


def _is_orphaned(instance: dg.DagsterInstance, record: dg.RunRecord, *, of_code_server: bool) -> bool:
    tags = record.dagster_run.tags
    if HOST_TAG in tags:
        here = tags[HOST_TAG] == socket.gethostname()
        return here and _Worker(int(tags[PID_TAG]), record.create_timestamp.timestamp()).is_gone
    if CODE_SERVER_TAG not in tags or not isinstance(instance.run_launcher, dg.DefaultRunLauncher):
        return False
    code_server = json.loads(tags[CODE_SERVER_TAG])
    if not (_has_socket(code_server) or (of_code_server and _is_this_host(code_server["host"]))):
        return False
    worker = _launched_worker(instance, record.dagster_run.run_id)
    if worker is not None:
        return worker.is_gone
    began = record.update_timestamp.timestamp()
    # A code server younger than the run did not start its worker; an orphan of the one before has had its time.
    orphaned = of_code_server and psutil.Process().create_time() > began
    return orphaned and time.time() - began > _START_PATIENCE_S


def _launched_worker(instance: dg.DagsterInstance, run_id: str) -> _Worker | None:
    """Return the process of the first event that has a process id: the worker itself, before any of its children."""
    for record in instance.get_records_for_run(run_id, of_type=DagsterEventType.ENGINE_EVENT).records:
        event = record.event_log_entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None:
            return _Worker(int(str(pid.value)), record.event_log_entry.timestamp)
    return None


def _has_socket(code_server: dict[str, str]) -> bool:
    return Path(code_server.get("socket", "")).is_socket()


def _is_this_host(name: str) -> bool:
    """Return whether ``name`` is an address of this host: only those can be bound to."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((name, 0))
    except OSError:
        return False
    return True
