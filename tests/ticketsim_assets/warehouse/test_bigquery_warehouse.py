"""What only BigQuery's warehouse does: load jobs from a bucket, a lease for the one writer, limits."""

import threading

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from streaming.hour import Hour
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
def test_more_files_than_a_job_takes_are_loaded_by_several_and_nothing_is_left_behind(
    maker, bigquery_warehouse, run_messages, monkeypatch
):
    maker.append(run_messages)
    monkeypatch.setattr(module, "FILES_PER_JOB", 3)
    hours = {hour_of(m) for m in run_messages}
    assert sum(load(maker, bigquery_warehouse, *hours).values()) == len(run_messages)
    dataset = bigquery_warehouse.datasets.dataset("raw")
    assert {table.table_id for table in bigquery_warehouse.client.list_tables(dataset)} == {"events", "writer_lease"}


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
    refused = pytest.raises(WarehouseBusy, match=r"raw\.writer_lease is held by process \d+ on .* after 0 s")
    with refused, impatient.exclusive():
        pass
    with BigQueryWarehouse(bigquery_warehouse.datasets, WaitPolicy(30, end_it)).exclusive():
        holder.join()
    assert len(said) == 1


@pytest.mark.slow
def test_a_killed_writer_blocks_others_no_longer_than_its_lease_and_who_lost_it_is_told(bigquery_warehouse):
    with bigquery_warehouse.exclusive():
        pass
    name = bigquery_warehouse.datasets.table("raw.writer_lease")
    client = bigquery_warehouse.client
    killed = Lease(client, name, NO_WAIT, seconds=2)
    killed._acquire("token of the killed")
    with pytest.raises(WarehouseBusy), Lease(client, name, NO_WAIT, seconds=2).held():
        pass
    taken = Lease(client, name, WaitPolicy(10, lambda _: None), seconds=3)

    def steal() -> None:
        with taken.held():
            table: bigquery.Table = client.get_table(name)
            table.description = '{"holder": "a thief", "token": "x", "until": "2999-01-01T00:00:00+00:00"}'
            client.update_table(table, ["description"])
            threading.Event().wait(2)

    with pytest.raises(WarehouseBusy, match="was lost while writing"):
        steal()
