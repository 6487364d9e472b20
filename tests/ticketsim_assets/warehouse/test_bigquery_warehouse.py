"""What only BigQuery's warehouse does: load jobs from a bucket, a lease for the one writer, limits."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from streaming.hour import Hour
from streaming.lake.layout import COLUMNS, PARTITION_COLUMNS
from streaming.locks.gcs_lease import Pace
from ticketsim_assets.exceptions import BigQueryNotSet, LakeOutOfReach, WarehouseBusy
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse import bigquery_warehouse as module
from ticketsim_assets.warehouse.bigquery_lease import Lease
from ticketsim_assets.warehouse.bigquery_warehouse import BigQueryWarehouse
from ticketsim_assets.warehouse.factory import create_warehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT, WaitPolicy

from ..conftest import START, hour_of

FIRST = Hour.containing(START)


@pytest.fixture
def lake_place() -> str:
    """BigQuery reads lakes in buckets only."""
    return "gcs"


def test_settings_that_are_missing_are_refused_by_name():
    with pytest.raises(BigQueryNotSet, match="TICKETSIM_BIGQUERY_PROJECT and TICKETSIM_BIGQUERY_LOCATION is not set"):
        create_warehouse(Settings(warehouse="bigquery", bigquery_project="", bigquery_location=""), NO_WAIT)


def load(maker, warehouse, *hours: Hour) -> dict[Hour, int]:
    snapshot = maker.lake.snapshot()
    return warehouse.replace_hours("events", {hour: [snapshot.uri(f) for f in snapshot.files(hour)] for hour in hours})


@pytest.mark.slow
def test_a_lake_on_this_disk_is_refused_with_the_cure(bigquery_warehouse):
    refusing = BigQueryWarehouse(bigquery_warehouse.datasets, NO_WAIT)
    with pytest.raises(LakeOutOfReach, match=r"cannot read /data/lake/x\.parquet.*TICKETSIM_LAKE_URI"):
        refusing.replace_hours("events", {FIRST: ["/data/lake/x.parquet"]})


@pytest.mark.slow
def test_a_load_names_the_columns_of_the_files_and_leaves_those_of_their_paths_to_the_prefix(
    maker, bigquery_warehouse, run_messages
):
    maker.append(run_messages[:200])
    load(maker, bigquery_warehouse, *{hour_of(message) for message in run_messages[:200]})
    asked = [job for job in bigquery_warehouse.client.list_jobs() if job.job_type == "load"]
    assert asked
    for job in asked:
        keys = set(re.findall(r"{(\w+):", job.configuration.hive_partitioning.source_uri_prefix))
        assert keys == set(PARTITION_COLUMNS)
        assert {field.name for field in job.schema} == {column.name for column in COLUMNS} - keys


@pytest.mark.slow
def test_more_files_than_a_job_takes_are_loaded_by_several_and_nothing_is_left_behind(
    maker, bigquery_warehouse, run_messages, monkeypatch
):
    maker.append(run_messages)
    monkeypatch.setattr(module, "FILES_PER_JOB", 3)
    hours = {hour_of(m) for m in run_messages}
    assert sum(load(maker, bigquery_warehouse, *hours).values()) == len(run_messages)
    dataset = bigquery_warehouse.datasets.dataset("raw")
    tables = {table.table_id for table in bigquery_warehouse.client.list_tables(dataset)}
    assert tables == {
        *("events", "conflicting_copies", "forgotten_runs", "hours_in_progress", "quarantine"),
        *("reconciliation", "writer_lease"),
    }


@pytest.mark.slow
def test_raw_tables_are_partitioned_by_day_clustered_labelled_and_read_by_the_day_only(
    maker, bigquery_warehouse, run_messages
):
    maker.append(run_messages)
    load(maker, bigquery_warehouse, FIRST)
    table = bigquery_warehouse.client.get_table(bigquery_warehouse.datasets.table("raw.events"))
    assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", "event_date")
    assert table.clustering_fields == ["event_hour", "event_type", "run_id", "venue_id"]
    assert table.labels == {"application": "ticketsim"}
    with bigquery_warehouse.reading() as reader, pytest.raises(BadRequest, match="without a filter"):
        reader.execute(f"select count(*) from {reader.named('raw.events')}")


@pytest.mark.slow
def test_every_query_says_who_asks_and_what_it_may_cost(bigquery_warehouse):
    client = bigquery_warehouse.client
    job = client.get_job(client.query("select 1").job_id)
    assert (job.labels, job.maximum_bytes_billed) == ({"application": "ticketsim"}, 10**9)


@pytest.mark.slow
def test_a_table_of_an_earlier_release_gains_the_columns_that_it_lacks(maker, bigquery_warehouse, run_messages):
    maker.append(run_messages)
    load(maker, bigquery_warehouse, FIRST)
    name = f"`{bigquery_warehouse.datasets.table('raw.events')}`"
    bigquery_warehouse.client.query(f"alter table {name} drop column amount_cents").result()
    load(maker, bigquery_warehouse, FIRST.next)
    with bigquery_warehouse.reading() as reader:
        count = f"select event_hour, count(amount_cents) from {name} where event_date = date '{FIRST.date}' group by 1"
        counts = dict(reader.execute(count).fetchall())
    assert counts[FIRST.start.hour] == 0 < counts[FIRST.next.start.hour]


@pytest.mark.slow
def test_a_second_writer_is_told_who_writes_and_goes_on_when_it_is_free(bigquery_warehouse):
    said: list[str] = []
    released = threading.Event()

    def end_it(sentence: str) -> None:
        said.append(sentence)
        released.set()

    def hold() -> None:
        with bigquery_warehouse.exclusive():
            held.set()
            released.wait(30)

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    impatient = BigQueryWarehouse(bigquery_warehouse.datasets, NO_WAIT)
    refused = pytest.raises(WarehouseBusy, match=r"raw\.writer_lease is still held by process \d+ on .* after 0 s")
    with refused, impatient.exclusive():
        pass
    with BigQueryWarehouse(bigquery_warehouse.datasets, WaitPolicy(30, end_it)).exclusive():
        holder.join()
    assert len(said) == 1


#: A lease that changes hands within seconds.
QUICK = Pace(heartbeat_s=1, margin_s=3, expires_after_s=10)


@pytest.fixture
def lease_table(bigquery_warehouse) -> str:
    """The table that keeps the lease, which is free."""
    with bigquery_warehouse.exclusive():
        pass
    return bigquery_warehouse.datasets.table("raw.writer_lease")


def patient(seconds: float = 60) -> WaitPolicy:
    return WaitPolicy(seconds, lambda _: None)


@pytest.mark.slow
def test_a_killed_writer_blocks_others_no_longer_than_its_lease_and_who_lost_it_is_told(
    bigquery_warehouse, lease_table
):
    client = bigquery_warehouse.client
    killed = Lease(client, lease_table, NO_WAIT, QUICK)
    killed._acquire("token of the killed")
    with pytest.raises(WarehouseBusy), Lease(client, lease_table, NO_WAIT, QUICK).held():
        pass
    taken = Lease(client, lease_table, patient(), QUICK)

    def steal() -> None:
        with taken.held() as hold:
            ended = threading.Event()
            hold.end_on_loss(ended.set)
            table: bigquery.Table = client.get_table(lease_table)
            table.description = '{"holder": "a thief", "token": "x"}'
            client.update_table(table, ["description"])
            assert ended.wait(30), "whatever writes is ended at once"

    with pytest.raises(WarehouseBusy, match="was lost while writing"):
        steal()


@pytest.mark.slow
@pytest.mark.parametrize("skew", [timedelta(days=-365), timedelta(days=365)])
def test_the_clocks_of_machines_are_not_compared(bigquery_warehouse, lease_table, skew, tmp_path):
    """The holder's clock is a year off: it keeps the lease while it lives, and no longer."""
    client = bigquery_warehouse.client
    with another_writer(bigquery_warehouse, lease_table, tmp_path, skew=skew) as holder:
        refused = pytest.raises(WarehouseBusy, match=rf"still held by process {holder.pid} ")
        with refused, Lease(client, lease_table, patient(15), QUICK).held():
            pass
        holder.kill()
        began = time.monotonic()
        with Lease(client, lease_table, patient(), QUICK).held():
            assert time.monotonic() - began >= QUICK.expires_after_s


@pytest.mark.slow
def test_a_suspended_writer_that_lost_its_lease_commits_nothing_when_it_wakes(
    bigquery_warehouse, lease_table, tmp_path
):
    client = bigquery_warehouse.client
    victim = bigquery_warehouse.datasets.table("raw.victim")
    client.query(f"create table `{victim}` (writer string)").result()
    with another_writer(bigquery_warehouse, lease_table, tmp_path, writes=victim) as holder:
        holder.send_signal(signal.SIGSTOP)
        with Lease(client, lease_table, patient(), QUICK).held() as hold:
            (tmp_path / "write").touch()
            holder.send_signal(signal.SIGCONT)
            assert holder.wait(60) != 0
            said = (tmp_path / "said").read_text()
            assert "WarehouseBusy" in said
            assert "was lost while writing" in said
            assert [*client.query(f"select * from `{victim}`").result()] == []
            ours = f"begin transaction; {hold.fence()} insert into `{victim}` values ('ours'); commit transaction;"
            client.query(ours).result()
    assert [row.writer for row in client.query(f"select writer from `{victim}`").result()] == ["ours"]


#: A process that takes the lease and, once it is told to, writes without asking whether it still has it.
WRITER = """
import datetime, sys, time
from pathlib import Path
skew, name, victim, folder = float(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from streaming.locks.gcs_lease import Pace
from ticketsim_assets.warehouse import bigquery_lease
from ticketsim_assets.warehouse.wait_policy import NO_WAIT
class Skewed(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=skew)
bigquery_lease.datetime = Skewed
client = bigquery.Client(name.split(".")[0], AnonymousCredentials(), location="US")
with bigquery_lease.Lease(client, name, NO_WAIT, Pace(heartbeat_s=1, margin_s=3, expires_after_s=10)).held() as hold:
    print("held", flush=True)
    while not (folder / "write").exists():
        time.sleep(0.01)
    script = f"begin transaction; {hold.fence()} insert into `{victim}` values ('theirs'); commit transaction;"
    client.query(script, job_retry=None).result()
"""


@contextmanager
def another_writer(
    warehouse, lease_table: str, folder: Path, *, skew: timedelta = timedelta(0), writes: str = ""
) -> Iterator[subprocess.Popen]:
    """A process of its own that holds the lease; killed at the end."""
    command = [sys.executable, "-c", WRITER, str(skew.total_seconds()), lease_table, writes, str(folder)]
    with (folder / "said").open("w") as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as process:
        try:
            assert process.stdout.readline() == b"held\n", (folder / "said").read_text()
            yield process
        finally:
            process.kill()
