"""Dagster killed at aimed moments, as by a power cut, and restarted: guarantee 2 (docs/guarantees.md)."""

import dagster as dg
import pytest

from streaming.hour import Hour
from ticketsim_assets.keys import DASHBOARD_JOB, HOURLY_JOB, RAW_EVENTS

from ..dagster_dev import DagsterDev
from ..ticketsim_assets.conftest import LakeMaker, hour_of, simulated
from .conftest import CommandLine, figures

#: Four starts of Dagster; on a busy machine each takes a minute.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

FINISHED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED]


def step_is_running(job: str, step: str):
    """Whether a run of ``job`` has begun ``step`` and not ended it."""

    def running(instance: dg.DagsterInstance) -> bool:
        for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.STARTED])):
            stats = {s.step_key: s for s in instance.get_run_step_stats(run.run_id)}
            if step in stats and stats[step].end_time is None:
                return True
        return False

    return running


def everything_is_done(hours: set[Hour]):
    """Whether every hour was loaded by a run that succeeded, and the page was built after the last of them."""

    def done(instance: dg.DagsterInstance) -> bool:
        if instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
            return False
        loaded = instance.get_run_records(
            dg.RunsFilter(job_name=HOURLY_JOB, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
        )
        built = instance.get_run_records(
            dg.RunsFilter(job_name=DASHBOARD_JOB, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
        )
        return bool(
            instance.get_materialized_partitions(RAW_EVENTS) == {hour.key for hour in hours}
            and loaded
            and built
            and built[0].start_time > loaded[0].end_time
        )

    return done


def test_dagster_killed_during_load_dbt_and_dashboard_loses_no_hour_and_doubles_none(tmp_path, free_port):
    messages = simulated(hours=1.2)
    hours = {hour_of(message) for message in messages}
    undisturbed, killed = CommandLine(tmp_path / "undisturbed", 9), CommandLine(tmp_path / "killed", 9)
    for home in (undisturbed.home, killed.home):
        LakeMaker(home / "lake").append(messages)
    dagster = DagsterDev(killed.home, free_port())
    dagster.start()
    reference = undisturbed.start("materialize", "--from", str(min(hours)), "--to", str(max(hours)))
    try:
        for job, step in ((HOURLY_JOB, "raw__events"), (HOURLY_JOB, "warehouse_models"), (DASHBOARD_JOB, "dashboard")):
            dagster.until(step_is_running(job, step), f"{step} of {job} is running")
            dagster.kill()
            dagster.start()
        dagster.until(everything_is_done(hours), "every hour and the page are done")
        with dagster.instance() as instance:
            runs = instance.get_runs()
            hourly = [run for run in runs if run.job_name == HOURLY_JOB]
            assert [run.status for run in hourly].count(dg.DagsterRunStatus.SUCCESS) == 1
            assert len({run.tags["dagster/run_key"] for run in hourly}) == len(hourly) == 3
            killed_runs = [run for run in runs if run.status is dg.DagsterRunStatus.FAILURE]
            assert {run.tags.get("dagster/failure_reason") for run in killed_runs} == {None}
            assert DASHBOARD_JOB in {run.job_name for run in killed_runs}
            slots = instance.event_log_storage.get_concurrency_info("warehouse")
            assert slots.active_slot_count == slots.pending_step_count == 0
    finally:
        dagster.stop()
        assert reference.wait(120) == 0
    assert killed("reconcile", "--strict").code == 0
    assert figures(killed.home) == figures(undisturbed.home)
