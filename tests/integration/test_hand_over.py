"""The whole way through the cloud's parts: Kafka, Spark, a lake in a bucket, Dagster, BigQuery, dbt, receipts."""

import pytest

from streaming.spark.jars import ensure_gcs_connector

from .conftest import CommandLine

pytestmark = pytest.mark.slow

CHAOS = "duplicates=0.02,late=0.02:20m,corrupt=0.01"


@pytest.fixture
def in_the_cloud(ticketsim, gcs, bigquery_emulator, monkeypatch) -> CommandLine:
    """`ticketsim` with its lake in a bucket and its warehouse in BigQuery."""
    ensure_gcs_connector()  # downloaded here, for commands of tests are not waited for so long
    for name, value in bigquery_emulator.settings("hand_over_").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TICKETSIM_LAKE_URI", gcs.uri("lake"))
    return ticketsim


def test_what_was_simulated_arrives_in_bigquery_and_every_receipt_is_proved(in_the_cloud, gcs):
    ticketsim = in_the_cloud
    assert ticketsim("broker", "start").code == 0
    to = f"--to=kafka://{ticketsim.bootstrap}"
    sent = ticketsim(
        "simulate",
        "--scenario=stable",
        "--hours=1",
        "--venues=2",
        "--seed=11",
        f"--chaos={CHAOS}",
        "--start=2026-03-01T10:00",
        to,
        "--json",
    )
    assert sent.code == 0, sent.err
    streamed = ticketsim("stream", "--once", "--json")
    assert streamed.code == 0, streamed.err
    chaos = sent.json["chaos"]
    corrupt = sum(chaos["corrupt"].values())
    assert min(corrupt, chaos["duplicates"], chaos["late"]) > 0
    assert streamed.json["rows"] == sent.json["total"] + chaos["duplicates"] + corrupt
    assert streamed.json["quarantined"] == corrupt
    assert any(name.startswith("lake/events/_delta_log/") for name in gcs.names())
    loaded = ticketsim("materialize", "--from=2026-03-01T10:00", "--to=2026-03-01T11:00", "--json")
    assert loaded.code == 0, loaded.err
    reconciled = ticketsim("reconcile", "--strict", "--json")
    assert reconciled.code == 0, reconciled.err
    events = sent.json["events"]
    assert reconciled.json["proved"] == events["hour_closed"]
    [run] = reconciled.json["runs"]
    assert run["events"] == sent.json["total"] - events["hour_closed"]
    warehouse = ticketsim("status", "--json").json["warehouse"]
    assert (warehouse["state"], warehouse["proved"], warehouse["wrong"]) == ("there", events["hour_closed"], 0)
    # Nothing of it was on this machine.
    assert not [path for path in ticketsim.home.iterdir() if path.name in {"lake", "checkpoint", "warehouse.duckdb"}]
