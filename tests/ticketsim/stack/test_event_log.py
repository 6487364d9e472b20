"""Dagster's event log in batches: the same records as event by event, in few transactions, all or none."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import event
from sqlalchemy.engine import Engine

from ticketsim.stack.dagster_home import make_instance
from ticketsim.stack.event_log import BatchedEventLogStorage

pytestmark = pytest.mark.slow

HOURS = dg.HourlyPartitionsDefinition(start_date="2026-10-01-00:00", end_date="2026-10-03-00:00")


@dg.asset(partitions_def=HOURS, backfill_policy=dg.BackfillPolicy.single_run(), tags={"layer": "raw"})
def loaded(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return dg.MaterializeResult(data_version=dg.DataVersion("1"), metadata={"hours": len(context.partition_keys)})


@dg.asset_check(asset=loaded)
def sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def run_all_hours(instance: dg.DagsterInstance) -> str:
    """A run over all 48 hours; its id."""
    job = dg.Definitions(
        assets=[loaded], asset_checks=[sound], jobs=[dg.define_asset_job("all_hours", [loaded])]
    ).resolve_job_def("all_hours")
    hours = HOURS.get_partition_keys()
    tags = {"dagster/asset_partition_range_start": hours[0], "dagster/asset_partition_range_end": hours[-1]}
    result = job.execute_in_process(instance=instance, tags=tags)
    assert result.success
    return result.run_id


def default_instance(folder: Path) -> dg.DagsterInstance:
    """As Dagster makes one where there is no dagster.yaml."""
    folder.mkdir()
    return dg.DagsterInstance.local_temp(str(folder), overrides={"telemetry": {"enabled": False}})


@pytest.fixture
def commits() -> Iterator[list[str]]:
    """The databases that a transaction was committed to, as it happens."""
    seen: list[str] = []

    def committed(connection: object) -> None:
        seen.append(connection.engine.url.database)

    event.listen(Engine, "commit", committed)
    yield seen
    event.remove(Engine, "commit", committed)


def contents(folder: Path) -> dict[tuple[str, str], list[tuple]]:
    """All rows of all tables of all databases in ``folder``, but for the clock's."""
    rows = {}
    for file in folder.glob("*.db"):
        connection = sqlite3.connect(file)
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            columns = [name for _, name, *_ in connection.execute(f"pragma table_info({table})")]
            kept = ", ".join(f'"{name}"' for name in columns if name not in {"create_timestamp", "migration_completed"})
            rows[file.name, table] = connection.execute(f"select {kept} from {table}").fetchall()
        connection.close()
    return rows


@pytest.fixture
def entries(tmp_path: Path) -> list[dg.EventLogEntry]:
    """The events that Dagster writes in batches, of a real run over two days."""
    with default_instance(tmp_path / "source") as instance:
        of_run = instance.all_logs(run_all_hours(instance))
    wanted = {
        dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
        dg.DagsterEventType.ASSET_MATERIALIZATION,
    }
    found = [entry for entry in of_run if entry.is_dagster_event and entry.dagster_event_type in wanted]
    assert len(found) == 48 + 1 + 48
    return found


def test_a_batch_leaves_the_records_that_its_events_leave_one_by_one(tmp_path, entries):
    one_by_one = SqliteEventLogStorage(str(tmp_path / "one"))
    for entry in entries:
        one_by_one.store_event(entry)
    BatchedEventLogStorage(str(tmp_path / "all")).store_event_batch(entries)
    expected = contents(tmp_path / "one")
    assert {table for (_, table), rows in expected.items() if rows} >= {
        "event_logs",
        "asset_keys",
        "asset_event_tags",
        "asset_check_executions",
    }
    assert contents(tmp_path / "all") == expected


def test_a_batch_that_cannot_be_written_to_its_end_leaves_nothing(tmp_path, entries):
    log = BatchedEventLogStorage(str(tmp_path / "log"))
    with pytest.raises(Exception, match="no event"):
        log.store_event_batch([*entries, "no event"])
    assert log.get_logs_for_run(entries[0].run_id) == []
    assert log.all_asset_keys() == []
    # and what comes after it does not notice
    log.store_event(entries[0])
    assert len(log.get_logs_for_run(entries[0].run_id)) == 1


def test_another_thread_waits_for_a_batch_and_is_no_part_of_it(tmp_path, entries):
    log = BatchedEventLogStorage(str(tmp_path / "log"))
    begun, seen = threading.Event(), []

    def look() -> None:
        begun.wait()
        seen.append(len(log.get_logs_for_run(entries[0].run_id)))

    class Announced(list):
        def __iter__(self):
            for place, entry in enumerate(super().__iter__()):
                if place == 1:
                    begun.set()
                yield entry

    onlooker = threading.Thread(target=look)
    onlooker.start()
    log.store_event_batch(Announced(entries))
    onlooker.join()
    assert seen == [len(entries)]


def test_a_run_over_two_days_takes_few_transactions_on_our_instance(tmp_path, commits):
    make_instance(tmp_path / "ours")
    commits.clear()
    with dg.DagsterInstance.from_config(str(tmp_path / "ours")) as instance:
        run_id = run_all_hours(instance)
        assert len(instance.get_materialized_partitions(loaded.key)) == 48
    in_event_log = [path for path in commits if path.endswith((f"{run_id}.db", "index.db"))]
    # one by one, 97 of its events alone would be more than 300
    assert 0 < len(in_event_log) < 100


def test_the_instance_keeps_its_events_where_dagster_s_default_does(tmp_path):
    with default_instance(tmp_path / "ours") as instance:
        run_id = run_all_hours(instance)
    make_instance(tmp_path / "ours")
    with dg.DagsterInstance.from_config(str(tmp_path / "ours")) as instance:
        assert isinstance(instance.event_log_storage, BatchedEventLogStorage)
        assert instance.all_logs(run_id)
        assert len(instance.get_materialized_partitions(loaded.key)) == 48
