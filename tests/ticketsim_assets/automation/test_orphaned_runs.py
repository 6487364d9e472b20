"""Runs whose process is gone, on records as Dagster writes them; killed for real in integration/test_restart.py."""

import json
import os
import socket
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil
import pytest
from dagster import DagsterRunStatus

from ticketsim_assets.automation.orphaned_runs import HOST_TAG, PID_TAG, end_orphaned_runs, own_worker_tags
from ticketsim_assets.dagster_internals import CODE_SERVER_TAG
from ticketsim_assets.keys import HOURLY_JOB

from ...dagster_records import worker_seen

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC).timestamp()

HERE = {CODE_SERVER_TAG: json.dumps({"host": "localhost", "socket": "/nowhere"})}


@pytest.fixture(scope="module")
def _instance_of_the_module(tmp_path_factory):
    with dg.instance_for_test(temp_dir=str(tmp_path_factory.mktemp("dagster"))) as with_default_launcher:
        yield with_default_launcher


@pytest.fixture
def instance(_instance_of_the_module):
    """Dagster's instance with its default run launcher, without any run."""
    _instance_of_the_module.wipe()
    return _instance_of_the_module


@pytest.fixture(scope="module")
def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def run(instance):
    """Adds a run, with the event of its worker's start if it has a worker."""

    def add(*, tags, pid=None, seen_at=None, status=DagsterRunStatus.STARTED):
        run_id = str(uuid.uuid4())
        instance.add_run(dg.DagsterRun(HOURLY_JOB, run_id=run_id, tags=tags, status=status))
        if pid is not None:
            moment = datetime.now(UTC).timestamp() if seen_at is None else seen_at
            instance.event_log_storage.store_event(worker_seen(run_id, HOURLY_JOB, pid, moment))
        return run_id

    return add


def status_of(instance, run_id) -> DagsterRunStatus:
    return instance.get_run_by_id(run_id).status


def test_a_run_whose_worker_is_gone_is_failed_and_may_be_retried(instance, run, dead_pid):
    run_id = run(tags=HERE, pid=dead_pid)
    assert end_orphaned_runs(instance, of_code_server=True) == [run_id]
    assert status_of(instance, run_id) is DagsterRunStatus.FAILURE
    assert "dagster/failure_reason" not in instance.get_run_by_id(run_id).tags
    assert end_orphaned_runs(instance, of_code_server=True) == []


def test_a_run_that_was_being_cancelled_is_cancelled(instance, run, dead_pid):
    run_id = run(tags=HERE, pid=dead_pid, status=DagsterRunStatus.CANCELING)
    end_orphaned_runs(instance, of_code_server=True)
    assert status_of(instance, run_id) is DagsterRunStatus.CANCELED


def test_a_run_whose_worker_lives_is_left_alone(instance, run):
    run(tags=HERE, pid=os.getpid())
    assert end_orphaned_runs(instance, of_code_server=True) == []


def test_another_process_with_the_worker_s_id_is_not_the_worker(instance, run):
    run_id = run(tags=HERE, pid=os.getpid(), seen_at=LONG_AGO)
    assert end_orphaned_runs(instance, of_code_server=True) == [run_id]


def test_the_worker_is_the_first_process_of_a_run_not_one_of_its_children(instance, run, dead_pid):
    run_id = run(tags=HERE, pid=os.getpid())
    now = datetime.now(UTC).timestamp()
    instance.event_log_storage.store_event(worker_seen(run_id, HOURLY_JOB, dead_pid, now))
    assert end_orphaned_runs(instance, of_code_server=True) == []


@pytest.mark.parametrize("tags", [{}, {CODE_SERVER_TAG: json.dumps({"host": "code.example.com", "port": 4000})}])
def test_a_run_that_ran_elsewhere_or_nobody_knows_where_is_not_judged(instance, run, dead_pid, tags):
    run(tags=tags, pid=dead_pid)
    assert end_orphaned_runs(instance, of_code_server=True) == []


def test_whoever_is_not_the_code_server_judges_only_runs_whose_code_server_was_on_its_file_system(
    instance, run, dead_pid, tmp_path_factory
):
    run(tags=HERE, pid=dead_pid)
    assert end_orphaned_runs(instance, of_code_server=False) == []
    path = str(tmp_path_factory.mktemp("s") / "s")
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(path)
    run_id = run(tags={CODE_SERVER_TAG: json.dumps({"host": "localhost", "socket": path})}, pid=dead_pid)
    assert end_orphaned_runs(instance, of_code_server=False) == [run_id]


def test_a_run_of_the_command_line_is_known_by_its_host_and_process(instance, run, dead_pid):
    alive = run(tags=own_worker_tags())
    elsewhere = run(tags={HOST_TAG: "elsewhere", PID_TAG: str(dead_pid)})
    dead = run(tags={**own_worker_tags(), PID_TAG: str(dead_pid)})
    assert end_orphaned_runs(instance, of_code_server=False) == [dead]
    assert {status_of(instance, run_id) for run_id in (alive, elsewhere)} == {DagsterRunStatus.STARTED}


def test_a_worker_that_has_not_recorded_anything_yet_is_given_time_to_start(instance, run, monkeypatch):
    run_id = run(tags=HERE, status=DagsterRunStatus.STARTING)
    assert end_orphaned_runs(instance, of_code_server=True) == []
    later = datetime.now(UTC) + timedelta(seconds=61)
    monkeypatch.setattr("time.time", later.timestamp)
    assert (
        end_orphaned_runs(instance, of_code_server=True) == []
    )  # this process is older than the run: it may have begun it
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: later.timestamp())
    assert end_orphaned_runs(instance, of_code_server=True) == [run_id]
