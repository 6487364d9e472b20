"""dbt's sources and lists against the contract and the raw tables that the loader creates."""

import re
from pathlib import Path

import pytest
import yaml

from simulator.events import ACTIVITY_TYPES, EVENT_TYPES
from ticketsim_assets.warehouse.reconciliation_view import RECONCILIATION_COLUMNS
from ticketsim_assets.warehouse.schema import DUCKDB_TYPES, FORGOTTEN_RUNS, FORGOTTEN_RUNS_COLUMNS, RAW_TABLES

DBT_DIR = Path(__file__).parents[2] / "dbt"


#: What the loader creates: its tables, and the view over them.
RAW = RAW_TABLES | {FORGOTTEN_RUNS: FORGOTTEN_RUNS_COLUMNS, "reconciliation": RECONCILIATION_COLUMNS}


@pytest.mark.parametrize("table", RAW)
def test_the_columns_of_a_source_are_those_of_the_raw_table(table):
    (source,) = yaml.safe_load((DBT_DIR / "models/staging/_sources.yml").read_text())["sources"]
    (described,) = [found for found in source["tables"] if found["name"] == table]
    assert [(column["name"], column["data_type"].upper()) for column in described["columns"]] == [
        (column.name, DUCKDB_TYPES[column.type]) for column in RAW[table]
    ]
    assert all(column["description"] for column in described["columns"])
    assert described["config"]["meta"]["dagster"]["asset_key"] == ["raw", table]


def test_there_is_one_staging_view_per_event_type():
    views = {path.stem for path in (DBT_DIR / "models/staging").glob("stg_*.sql")}
    others = {"stg_reconciliation", "stg_quarantine", "stg_forgotten_runs"}
    assert views == {f"stg_{event_type}" for event_type in EVENT_TYPES} | others


def test_the_models_loop_over_the_contracts_activities():
    listed = re.findall(r"'(\w+)',", (DBT_DIR / "macros/activities.sql").read_text())
    assert listed == list(ACTIVITY_TYPES)


@pytest.mark.parametrize("path", sorted((DBT_DIR / "models").glob("*/[a-z]*.yml")), ids=lambda path: path.stem)
def test_every_model_and_column_is_described_and_the_description_ends_with_the_grain(path):
    (model,) = yaml.safe_load(path.read_text())["models"]
    assert re.search(r"One row per [^.]+\.\s*$", model["description"])
    assert all(column["description"] for column in model["columns"])
    if path.parent.name == "marts":
        assert all(column["data_type"] for column in model["columns"])
