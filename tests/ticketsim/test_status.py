import json
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import BOTH_PLACES
from ..ticketsim_assets.conftest import START, lake_maker, simulated


@pytest.fixture
def status(tmp_path, monkeypatch):
    """What ``ticketsim status --json`` says with everything under ``home``."""
    monkeypatch.setenv("TICKETSIM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TICKETSIM_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)

    def status() -> dict:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "ticketsim", "status", "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
        assert not imported & {"dagster", "pyspark.sql"}
        return json.loads(done.stdout)

    return status


def test_with_nothing_there_every_station_is_absent_and_none_is_made(status, tmp_path):
    assert {name: station["state"] for name, station in status().items()} == dict.fromkeys(
        ("broker", "stream", "lake", "dagster", "warehouse", "dashboard"), "absent"
    )
    assert not (tmp_path / "home").exists()


def test_a_broken_station_does_not_hide_the_others(status, tmp_path):
    home = tmp_path / "home"
    (home / "broker").mkdir(parents=True)
    (home / "warehouse_readers.db").write_text("no database")
    log = home / "lake" / "events" / "_delta_log"
    log.mkdir(parents=True)
    Path(log / f"{0:020}.json").write_text("{")
    stations = status()
    assert stations["broker"]["state"] == "stopped"
    assert stations["lake"]["state"] == "broken"
    assert stations["warehouse"]["state"] == "broken"
    assert "no database" not in stations["warehouse"]["error"]
    assert stations["dashboard"]["state"] == "absent"


def test_a_bigquery_warehouse_without_its_location_is_named_by_the_setting_and_no_file_is_read(status, monkeypatch):
    monkeypatch.setenv("TICKETSIM_WAREHOUSE", "bigquery")
    warehouse = status()["warehouse"]
    assert warehouse["state"] == "broken"
    assert "TICKETSIM_BIGQUERY_PROJECT and TICKETSIM_BIGQUERY_LOCATION is not set" in warehouse["error"]


@BOTH_PLACES
def test_a_lake_is_status_of_with_its_rows_its_hours_and_what_is_in_quarantine(
    status, tmp_path, request, lake_place, monkeypatch
):
    maker = lake_maker(request, tmp_path / "lake", lake_place)
    messages = simulated(hours=0.5, venues=1)
    maker.append(messages, at=START)
    maker.refuse(messages[:5], "bad_value:channel", at=START)
    monkeypatch.setenv("TICKETSIM_LAKE_URI", maker.lake.root)
    stations = status()
    assert stations["stream"]["state"] == "stopped"
    lake = stations["lake"]
    assert (lake["path"], lake["version"]) == (maker.lake.root, 1)
    assert (lake["rows"], lake["quarantined"]) == (len(messages) + 5, 5)
    assert (lake["first_hour"], lake["losses"]) == ("2026-03-01T10:00Z", [])
