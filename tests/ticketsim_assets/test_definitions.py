"""The code location as Dagster loads it, with nothing running: no broker, no lake, no warehouse."""

import difflib
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from simulator.events import EVENT_TYPES
from streaming.kafka.offsets import TopicOffsets
from ticketsim_assets.automation.sensors import kafka_sensor, lake_sensor, topic_observations
from ticketsim_assets.keys import DASHBOARD, RAW_EVENTS, RAW_QUARANTINE
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.settings import Settings

from ..dbt.conftest import DIMENSIONS, HOURLY_MARTS
from .definitions_snapshot import COMMAND, FILE, snapshot

ROOT = Path(__file__).parents[2]

#: A sensor of a fresh clone, with nothing to see.
_NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from ticketsim_assets.definitions import defs as definitions

    return definitions


@pytest.fixture(scope="module")
def graph(defs):
    return defs.resolve_asset_graph()


@pytest.mark.slow
def test_the_code_location_loads_by_itself_in_a_process_that_knows_nothing(tmp_path):
    environment = {**os.environ, "TICKETSIM_HOME": str(tmp_path / "none"), "TICKETSIM_BOOTSTRAP": _NOWHERE}
    dagster = Path(sys.executable).with_name("dagster")
    done = subprocess.run(
        [dagster, "definitions", "validate", "-w", ROOT / "workspace.yaml"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "none").exists()


_IMPORT_THEM = """
import os
before = dict(os.environ)
import ticketsim_assets.definitions
assert dict(os.environ) == before, dict(os.environ).items() ^ before.items()
"""


@pytest.mark.slow
def test_loading_the_code_location_leaves_the_environment_as_it_is(tmp_path):
    # set as a parent process with another warehouse would have
    environment = {**os.environ, "TICKETSIM_HOME": str(tmp_path), "TICKETSIM_WAREHOUSE_PATH": "elsewhere"}
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_THEM], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_dg_checks_and_lists_the_graph(graph, tmp_path):
    def dg_says(*arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("dg"), *arguments],
            cwd=ROOT,
            env={**os.environ, "TICKETSIM_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "All definitions loaded successfully" in dg_says("check", "defs")
    listed = json.loads(dg_says("list", "defs", "--json"))
    assert {asset["asset_key"] for asset in listed["assets"]} == {
        key.to_user_string() for key in graph.get_all_asset_keys()
    }


@pytest.mark.slow
def test_every_station_is_an_asset_and_data_flows_from_kafka_to_the_dashboard(graph):
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    for event_type in EVENT_TYPES:
        assert {f"kafka/{event_type}", f"lake/{event_type}", f"staging/stg_{event_type}"} <= keys
    assert {"lake/quarantine", "lake/complete", "raw/events", "raw/quarantine", "dashboard"} <= keys
    assert {f"marts/{mart}" for mart in (*HOURLY_MARTS, *DIMENSIONS, "reconciliation_hourly")} <= keys
    reached, todo = set(), [DASHBOARD]
    while todo:
        key = todo.pop()
        reached.add(key)
        todo += [parent for parent in graph.get(key).parent_keys if parent not in reached]
    not_shown = {
        "marts/report_visitors_hourly",
        "marts/report_processing_hourly",
        *(f"marts/{dimension}" for dimension in DIMENSIONS if dimension != "dim_venues"),
    }
    beside = {"lake/compaction", "lake/vacuum"}
    assert keys - {key.to_user_string() for key in reached} == beside | not_shown


@pytest.mark.slow
def test_what_is_filed_by_hour_has_hourly_partitions_and_views_have_none(graph):
    partitioned = {k.to_user_string() for k in graph.get_all_asset_keys() if graph.get(k).partitions_def is not None}
    assert {
        "raw/events",
        "raw/quarantine",
        "lake/complete",
        "lake/scan_tickets",
        *(f"marts/{mart}" for mart in HOURLY_MARTS),
    } <= partitioned
    unpartitioned = {"marts/reconciliation_hourly", "staging/stg_scan_tickets", "dashboard"}
    assert not (unpartitioned | {f"marts/{dimension}" for dimension in DIMENSIONS}) & partitioned
    for key in (RAW_EVENTS, RAW_QUARANTINE):
        assert graph.get(key).backfill_policy == dg.BackfillPolicy.single_run()


@pytest.mark.slow
def test_every_asset_says_what_it_is_and_who_owns_it(graph):
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key


@pytest.mark.slow
def test_every_asset_names_the_files_that_its_code_stands_in(graph):
    for key in graph.get_all_asset_keys():
        references = graph.get(key).metadata["dagster/code_references"].code_references
        assert references, key
        assert all(Path(reference.file_path).is_file() for reference in references), key


@pytest.mark.slow
def test_every_table_and_topic_shows_its_columns_with_a_meaning_that_markdown_leaves_whole(graph):
    tables = [key for key in graph.get_all_asset_keys() if key.path[0] in ("kafka", "lake", "raw", "staging", "marts")]
    of_other_kinds = {"lake/complete", "lake/compaction", "lake/vacuum"}
    for key in tables:
        if key.to_user_string() in of_other_kinds:
            continue
        columns = graph.get(key).metadata["dagster/column_schema"].columns
        assert columns, key
        for column in columns:
            assert column.description, (key, column.name)
            assert column.type, (key, column.name)
            assert "<" not in re.sub(r"`[^`]*`", "", column.description), (key, column.name)


@pytest.mark.slow
def test_the_graph_is_what_it_was_when_it_was_last_reviewed(defs):
    reviewed, found = FILE.read_text(encoding="utf-8"), snapshot(defs)
    difference = difflib.unified_diff(reviewed.splitlines(), found.splitlines(), "reviewed", "found", lineterm="")
    assert found == reviewed, "\n".join([f"if this is what you want: {COMMAND}", *difference])


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Another one."},
        {"owners": ["team:other"]},
        {"deps": ["upstream"]},
        {"group_name": "other"},
        {"kinds": {"other"}},
        {"partitions_def": dg.DailyPartitionsDefinition("2026-01-01")},
        {"pool": "other"},
        {"freshness_policy": dg.FreshnessPolicy.time_window(timedelta(hours=1))},
        {"metadata": {"dagster/uri": "elsewhere"}},
        {"check_specs": [dg.AssetCheckSpec("check", asset="planted", blocking=False)]},
    ],
)
def test_a_change_of_an_asset_is_a_change_of_the_snapshot(change):
    def planted(**changed: Any) -> str:
        as_it_is = {
            "description": "One.",
            "owners": ["team:data"],
            "check_specs": [dg.AssetCheckSpec("check", asset="planted", blocking=True)],
        }
        asset = dg.asset(name="planted", **(as_it_is | changed))(lambda: None)
        return snapshot(dg.Definitions(assets=[asset]))

    assert planted() == planted()
    assert planted(**change) != planted()


@pytest.mark.slow
def test_without_a_lake_or_a_broker_the_sensors_say_what_is_missing(defs, tmp_path):
    settings = Settings(bootstrap=_NOWHERE)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(
            instance, definitions=defs, resources={"lake": LakeResource(uri=str(tmp_path / "nowhere"))}
        )
        skipped = lake_sensor(settings)(context)
        assert isinstance(skipped, dg.SkipReason)
        assert "ticketsim stream" in skipped.skip_message
        skipped = kafka_sensor(settings)(context)
        assert isinstance(skipped, dg.SkipReason)
        assert "ticketsim broker start" in skipped.skip_message


def test_a_topic_s_lag_is_what_the_lake_does_not_hold_yet():
    offsets = {"ticketsim.scan_tickets/0": TopicOffsets(0, 10), "ticketsim.scan_tickets/1": TopicOffsets(4, 9)}
    [observed] = [
        o
        for o in topic_observations(offsets, {"ticketsim.scan_tickets/0": 7})
        if o.asset_key.path[-1] == "scan_tickets"
    ]
    assert observed.metadata["lag"].value == 3 + 5
    assert observed.metadata["end_offset"].value == 19
