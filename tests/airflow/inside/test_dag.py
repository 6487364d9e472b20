"""The DAG as Airflow's own processor loads it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import CronDataIntervalTimetable

DAGS = Path(__file__).parents[3] / "deploy" / "airflow" / "dags"


@pytest.fixture(scope="module")
def bag():
    return DagBag(dag_folder=str(DAGS))


def test_the_folder_holds_one_dag_and_it_loads(bag):
    assert bag.import_errors == {}
    assert set(bag.dags) == {"ticketsim_hourly"}


def test_it_asks_hourly_one_run_at_a_time_and_runs_no_missed_intervals(bag):
    dag = bag.dags["ticketsim_hourly"]
    assert dag.timetable == CronDataIntervalTimetable("5 * * * *", timezone="UTC")
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.start_date <= datetime.now(UTC)


def test_its_one_task_retries_and_takes_no_worker_while_it_waits(bag):
    [task] = bag.dags["ticketsim_hourly"].tasks
    assert task.task_id == "materialize_due_hours"
    assert task.retries == 2
