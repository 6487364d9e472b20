"""Airflow's one task in Ticketsim: every hour, request from Dagster the hours that are due."""

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable
from ticketsim_trigger.operators import MaterializeDueHours

with DAG(
    "ticketsim_hourly",
    description="Requests all hours that are due from Dagster, and waits for them.",
    # Five minutes past: the stream commits every two, so the last receipts of the hour before are in the lake. What is
    # not complete by then is due an hour later.
    schedule=CronDataIntervalTimetable("5 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    # A run requests everything that is due, so missed hours need no catch-up runs.
    catchup=False,
    # Looking for a run and launching it are two steps: two tasks at once could both launch.
    max_active_runs=1,
    is_paused_upon_creation=False,
    # Dagster offers an hour that fails three times, so these suffice to ask for it as often.
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
    tags=["ticketsim"],
):
    MaterializeDueHours(
        task_id="materialize_due_hours", url=os.environ.get("TICKETSIM_DAGSTER_URL", "http://127.0.0.1:3000")
    )
