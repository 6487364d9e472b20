"""An optional field joins the contract: releases of before and after on one broker, one lake and one warehouse."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer
from deltalake import DeltaTable

from simulator.events import EventType

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[3]

KIND = EventType.BUY_TICKETS

#: Loads what the lake holds into the warehouse as a release would, and prints the column, by event id.
LOAD = """
import sys, json, duckdb
from pathlib import Path
from streaming.lake.forgotten_runs import ForgottenRuns
from streaming.lake.reader import Lake
from ticketsim_assets.assets.loading import load_events
from ticketsim_assets.warehouse.wait_policy import NO_WAIT
from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse
home = Path(sys.argv[1])
snapshot = Lake(str(home / "lake")).snapshot()
warehouse = DuckDBWarehouse(home / "warehouse.duckdb", home / "readers.duckdb", NO_WAIT)
load_events(snapshot, warehouse, sorted(snapshot.hours()), {}, ForgottenRuns(), allow_incomplete=True)
with warehouse.reading() as connection:
    column = sys.argv[2]
    print(json.dumps(dict(connection.execute(f"select event_id, {column} from raw.events").fetchall())))
"""


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """A copy of this release whose sales may say how the visitors feel."""
    release = tmp_path / "next"
    for package in ("simulator", "streaming", "ticketsim_assets", "ticketsim"):
        shutil.copytree(REPOSITORY / package, release / package, ignore=shutil.ignore_patterns("__pycache__"))
    contract = release / "simulator" / "events.py"
    end = "\n)\n\nFIELD_BY_NAME"
    text = contract.read_text()
    assert end in text
    field = '\n    Field("mood", "string", "how the visitors feel", optional=_SALES),'
    contract.write_text(text.replace(end, field + end))
    return release


def run(release: Path, *command: str, home: Path) -> "subprocess.CompletedProcess[str]":
    # Spark's workers take their modules from PYTHONPATH.
    env = {**os.environ, "PYTHONPATH": str(release), "TICKETSIM_HOME": str(home)}
    return subprocess.run([sys.executable, *command], cwd=release, env=env, capture_output=True, text=True, check=False)


def test_a_new_optional_field_reaches_lake_and_warehouse_in_the_order_of_upgrade(topics, tmp_path, next_release, good):
    home = tmp_path / "home"
    home.mkdir()
    now_us = time.time_ns() // 1000

    def send(*numbers: int, **more: str) -> None:
        producer = Producer({"bootstrap.servers": topics})
        for number in numbers:
            producer.produce(KIND.topic, json.dumps(good(KIND, number, now_us) | more), key="north")
        assert producer.flush(30) == 0

    def stream(release: Path) -> "subprocess.CompletedProcess[str]":
        places = [f"--bootstrap={topics}", f"--lake={home}/lake", f"--checkpoint={home}/checkpoint"]
        return run(release, "-m", "ticketsim", "stream", "--once", "--json", *places, home=home)

    def loaded(release: Path, column: str) -> dict[str, str | None]:
        answer = run(release, "-c", LOAD, str(home), column, home=home)
        assert answer.returncode == 0, answer.stderr
        return {event_id.removeprefix("run-north-"): value for event_id, value in json.loads(answer.stdout).items()}

    # Before the upgrade, a producer that is ahead of it: the field is ignored, nothing is quarantined.
    send(1, 2)
    send(3, mood="merry")
    before = stream(REPOSITORY)
    assert before.returncode == 0, before.stderr
    assert (json.loads(before.stdout)["rows"], json.loads(before.stdout)["quarantined"]) == (3, 0)
    assert loaded(REPOSITORY, "channel") == dict.fromkeys("123", "box_office")

    # The warehouse first, on a lake that does not have the column, then the stream, which adds it.
    assert loaded(next_release, "mood") == dict.fromkeys("123")
    send(4)
    send(5, mood="merry")
    after = stream(next_release)
    assert after.returncode == 0, after.stderr
    assert (json.loads(after.stdout)["rows"], json.loads(after.stdout)["quarantined"]) == (2, 0)
    assert "mood" in {field.name for field in DeltaTable(f"{home}/lake/events").schema().fields}
    assert loaded(next_release, "mood") == {**dict.fromkeys("1234"), "5": "merry"}
    # A warehouse that was not upgraded continues without the field.
    assert loaded(REPOSITORY, "channel") == dict.fromkeys("12345", "box_office")

    # The stream of before would drop the field from here on: it is refused.
    send(6, mood="merry")
    rolled_back = stream(REPOSITORY)
    assert rolled_back.returncode == 1
    assert "column mood is unknown to this release" in rolled_back.stderr
