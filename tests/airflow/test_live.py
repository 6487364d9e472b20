"""Airflow and Dagster for real: a scheduled task of the one, the daemon and the runs of the other, hours of a lake."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from ticketsim_assets.hours.run_tags import REASON_TAG
from ticketsim_assets.keys import HOURLY_JOB

from ..dagster_dev import DagsterDev
from ..integration.conftest import CommandLine
from ..ticketsim_assets.conftest import LakeMaker, hour_of, simulated

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]

LIVE = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


@dataclass(frozen=True)
class Airflow:
    """Airflow in its own environment and home."""

    home: Path
    dagster_url: str

    def start(self, *arguments: str) -> subprocess.Popen:
        deploy = ROOT / "deploy" / "airflow"
        own = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(deploy / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(deploy / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "TICKETSIM_DAGSTER_URL": self.dagster_url,
        }
        return subprocess.Popen(
            [ROOT / ".venv-airflow" / "bin" / "airflow", *arguments],
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def ask(self) -> subprocess.Popen:
        """Run the DAG once: its task, and what that waits for."""
        return self.start("dags", "test", "ticketsim_hourly")


@pytest.fixture
def dagster(tmp_path, free_port):
    settings = {"TICKETSIM_TRIGGER": "airflow", "TICKETSIM_RELOAD_MINUTES": "0.05"}
    dev = DagsterDev(tmp_path / "home", free_port(), settings)
    yield dev
    dev.stop()


def hourly_runs(instance: dg.DagsterInstance) -> list[tuple[str, str, str, dg.DagsterRunStatus]]:
    """Return first and last hour, reason and status of the runs, oldest first."""
    runs = reversed(instance.get_runs(dg.RunsFilter(job_name=HOURLY_JOB)))
    tags = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end", REASON_TAG)
    return [(*(run.tags[tag] for tag in tags), run.status) for run in runs]


def test_airflow_asks_for_first_loads_attaches_after_a_crash_and_leaves_reloads_to_the_sensor(dagster, tmp_path):
    messages = simulated(hours=2.1, venues=1)
    first, *later = sorted({hour_of(message) for message in messages})
    maker = LakeMaker(dagster.home / "lake")
    maker.append([message for message in messages if hour_of(message) == first])
    dagster.start()
    airflow = Airflow(tmp_path / "airflow", dagster.url)
    said, _ = (migration := airflow.start("db", "migrate")).communicate(timeout=300)
    assert migration.returncode == 0, said
    dagster.until_served()

    said, _ = (asking := airflow.ask()).communicate(timeout=600)
    assert asking.returncode == 0, said
    with dagster.instance() as instance:
        done = dg.DagsterRunStatus.SUCCESS
        assert hourly_runs(instance) == [(first.key, first.key, "hour_complete", done)]

    # Airflow is away while hours come, and dies once it has asked for them.
    maker.append([message for message in messages if hour_of(message) in later])
    asking = airflow.ask()
    live = dg.RunsFilter(job_name=HOURLY_JOB, statuses=LIVE)
    dagster.until(lambda instance: instance.get_runs(live), "Airflow has asked for the later hours")
    os.killpg(asking.pid, signal.SIGKILL)
    asking.communicate()
    said, _ = (asking := airflow.ask()).communicate(timeout=600)
    assert asking.returncode == 0, said
    catching_up = (later[0].key, later[-1].key, "hour_complete", done)
    with dagster.instance() as instance:
        assert hourly_runs(instance)[1:] == [catching_up]

    # A copy of an event: the hour changes, and nobody asks Airflow.
    maker.append([message for message in messages if hour_of(message) == first][:1])
    reload = (first.key, first.key, "late_data", done)
    dagster.until(lambda instance: reload in hourly_runs(instance), "the sensor has reloaded the hour that changed")
    with dagster.instance() as instance:
        assert hourly_runs(instance)[1:] == [catching_up, reload]
    reconciled = CommandLine(dagster.home, 9)("reconcile", "--strict", "--json")
    assert reconciled.code == 0, reconciled.out
    assert reconciled.json["proved"] == 7 * (1 + len(later))
