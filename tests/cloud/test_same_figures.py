"""The same lake in both warehouses, built by the same dbt project: every row of every mart is the same."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.run import plan_run, simulate
from simulator.scenario import load_scenario
from streaming.hour import Hour
from streaming.lake import Lake
from ticketsim_assets.bigquery_warehouse import BigQueryWarehouse
from ticketsim_assets.dashboard.data import marts_of
from ticketsim_assets.dbt_assets import window_arguments
from ticketsim_assets.duckdb_warehouse import DuckDBWarehouse
from ticketsim_assets.patience import IMPATIENT
from ticketsim_assets.reconciliation import read_reconciliation

from ..dbt.conftest import DBT_DIR, DIMENSIONS, HOURLY_MARTS, VIEWS
from ..ticketsim_assets.conftest import BucketLakeMaker, Recorder
from .gcs_emulator import GcsBucket

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 1, 22, tzinfo=UTC)

#: Several invocations in one process, because importing dbt takes long; stops at the first that fails.
RUN_ALL = """
import json, sys
from dbt.cli.main import dbtRunner
for arguments in json.loads(sys.argv[1]):
    outcome = dbtRunner().invoke(arguments)
    assert outcome.success, outcome.exception
"""


def build(target: Path, environment: dict[str, str], *commands: list[str]) -> None:
    places = [
        f"--project-dir={DBT_DIR}",
        f"--profiles-dir={DBT_DIR}",
        f"--target-path={target}",
        f"--log-path={target}",
    ]
    asked = json.dumps([[*command, *places] for command in commands])
    finished = subprocess.run(
        [sys.executable, "-c", RUN_ALL, asked],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-5000:] + finished.stderr[-2000:]


def window(first: Hour, last: Hour) -> list[str]:
    import dagster as dg

    return window_arguments(dg.TimeWindow(first.start, last.end))


def files_of(lake: Lake) -> dict[Hour, list[str]]:
    snapshot = lake.snapshot()
    return {hour: [snapshot.uri(file) for file in snapshot.files(hour)] for hour in snapshot.hours()}


@pytest.fixture(scope="module")
def both(tmp_path_factory, gcs_emulator, bigquery_emulator):
    """Both warehouses with a festival's venues around midnight, built hour by hour, one hour of it twice."""
    folder = tmp_path_factory.mktemp("both")
    sink = Recorder()
    simulate(plan_run(load_scenario("festival"), seed=7, start=START, hours=1.6, venues=2, run_id="both"), sink)
    bucket = GcsBucket(gcs_emulator, "same-figures")
    gcs_emulator.client().create_bucket(bucket.name)
    maker = BucketLakeMaker(folder / "lake", bucket=bucket)
    maker.append([*sink.messages, *sink.messages[5:60]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", gcs_emulator.endpoint)
        patch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_emulator.endpoint)
        cloud = BigQueryWarehouse(bigquery_emulator.datasets("same_"), IMPATIENT)
        laptop = DuckDBWarehouse(folder / "warehouse.duckdb", folder / "readers.db", IMPATIENT)
        in_bucket, on_disk = files_of(maker.lake), files_of(Lake(str(folder / "lake")))
        assert cloud.replace_hours("events", in_bucket) == laptop.replace_hours("events", on_disk)
        hours = sorted(on_disk)
        commands = [
            ["build", "--exclude-resource-type", "unit_test", *window(hours[0], hours[0])],
            ["build", "--exclude-resource-type", "unit_test", *window(hours[1], hours[-1])],
            ["run", "--select", "marts", *window(hours[1], hours[1])],
        ]
        duckdb = {"TICKETSIM_DBT_TARGET": "duckdb", "TICKETSIM_WAREHOUSE_PATH": str(laptop.path)}
        build(folder / "laptop", duckdb, *commands)
        build(folder / "cloud", bigquery_emulator.settings("same_"), *commands, ["test", "--select", "test_type:unit"])
        yield laptop, cloud


def rows(warehouse, mart: str) -> list[dict]:
    with warehouse.reading() as reader:
        dated = "" if mart in DIMENSIONS else " where event_date > date '2000-01-01'"
        found = reader.execute(f"select * from {reader.named(f'marts.{mart}')}{dated}")
        names = [column[0] for column in found.description]
        told = [dict(zip(names, map(plain, row), strict=True)) for row in found.fetchall()]
    return sorted(told, key=repr)


def plain(value):
    """BigQuery's times say that they are UTC, DuckDB's do not."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


@pytest.mark.parametrize("mart", [*HOURLY_MARTS, *DIMENSIONS, *VIEWS])
def test_every_row_of_a_mart_is_the_same_on_both_engines(both, mart):
    laptop, cloud = (rows(warehouse, mart) for warehouse in both)
    assert laptop
    assert cloud == laptop


def test_receipts_and_the_page_are_the_same_on_both_engines_and_all_is_proved(both):
    found = []
    for warehouse in both:
        with warehouse.reading() as reader:
            found.append((read_reconciliation(reader), marts_of(reader)))
    assert found[0] == found[1]
    assert found[0][0].state == "proved"


def test_facts_are_partitioned_by_day_clustered_labelled_and_refuse_a_query_of_all_days(both):
    _, cloud = both
    for mart in HOURLY_MARTS:
        table = cloud.client.get_table(cloud.datasets.table(f"marts.{mart}"))
        assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", "event_date")
        assert table.clustering_fields == ["hour_start", "run_id", "venue_id"]
        assert table.labels == {"application": "ticketsim"}
        assert bool(table.require_partition_filter) == mart.startswith("fct_")


def test_an_hour_that_was_built_twice_stands_there_once(both):
    _, cloud = both
    ids = [row["event_id"] for row in rows(cloud, "fct_visitor_journeys")]
    assert len(ids) == len(set(ids)) > 0
