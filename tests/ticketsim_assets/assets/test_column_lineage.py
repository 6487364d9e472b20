"""Where columns come from, over the real models as dbt compiles them; no warehouse is there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ticketsim_assets.assets.column_lineage import column_lineage
from ticketsim_assets.exceptions import LineageUnknown

DBT_DIR = Path(__file__).parents[3] / "dbt"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of a compilation, in which every model has its SQL."""
    target = tmp_path_factory.mktemp("compiled")
    subprocess.run(
        [
            Path(sys.executable).with_name("dbt"),
            *("compile", "--quiet", "--no-populate-cache", "--target", "duckdb", "--profiles-dir", "."),
            *("--target-path", target, "--log-path", target),
        ],
        cwd=DBT_DIR,
        env={**os.environ, "TICKETSIM_WAREHOUSE_PATH": ":memory:"},
        check=True,
    )
    return json.loads((target / "manifest.json").read_bytes())


def tables_of(compiled: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """The parents of a model that are there to be read: of an ephemeral one, its own parents."""
    parents = [compiled["nodes"].get(each) or compiled["sources"][each] for each in node["depends_on"]["nodes"]]
    there = [parent for parent in parents if parent.get("config", {}).get("materialized") != "ephemeral"]
    return there + [table for parent in parents if parent not in there for table in tables_of(compiled, parent)]


def key_of(unique_id: str) -> dg.AssetKey:
    return dg.AssetKey(unique_id.rsplit(".", maxsplit=1)[-1])


@pytest.fixture(scope="module")
def lineage(compiled) -> dict[str, dict[str, set[str]]]:
    """Per model and column, the columns it comes from, as ``model.column``."""
    models = {node["name"]: node for node in compiled["nodes"].values() if node["resource_type"] == "model"}
    found = {
        name: column_lineage(compiled, node["unique_id"], node["compiled_code"], key_of)
        for name, node in models.items()
    }
    return {
        name: {
            column: {f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in deps}
            for column, deps in each.deps_by_column.items()
        }
        for name, each in found.items()
    }


@pytest.mark.parametrize(
    ("column", "origin"),
    [
        ("agg_venue_hourly.revenue_cents", {"stg_buy_tickets.amount_cents"}),
        ("stg_buy_tickets.amount_cents", {"events.amount_cents"}),
        ("fct_ticket_sales.sale_us", {"stg_buy_tickets.duration_us"}),
        ("fct_queue_waits.wait_us", {"stg_wait_in_seller_line.duration_us", "stg_wait_in_scanner_line.duration_us"}),
        ("fct_queue_waits.stage", set()),
    ],
)
def test_a_column_comes_from_the_columns_that_its_value_is_made_of(lineage, column, origin):
    model, name = column.split(".")
    assert lineage[model][name] == origin


def test_every_column_of_every_contract_is_traced_to_columns_that_its_parents_have(lineage, compiled):
    for node in compiled["nodes"].values():
        if node["resource_type"] != "model":
            continue
        assert lineage[node["name"]].keys() == node["columns"].keys()
        parents = tables_of(compiled, node)
        theirs = {f"{parent['name']}.{column}" for parent in parents for column in parent["columns"]}
        assert set().union(*lineage[node["name"]].values()) <= theirs, node["name"]


def test_sql_that_cannot_be_read_is_named_with_its_model(compiled):
    with pytest.raises(LineageUnknown, match="agg_venue_hourly"):
        column_lineage(compiled, "model.ticketsim.agg_venue_hourly", "select from where (", key_of)


def test_a_model_that_reads_its_own_rows_is_traced_and_they_come_from_nowhere_else(compiled):
    node = compiled["nodes"]["model.ticketsim.dim_venues"]
    found = column_lineage(compiled, node["unique_id"], f"select * from {node['relation_name']}", key_of)
    assert {column: len(deps) for column, deps in found.deps_by_column.items()} == dict.fromkeys(node["columns"], 0)


def test_columns_of_a_table_that_the_manifest_does_not_know_are_not_made_up(compiled):
    with pytest.raises(LineageUnknown, match="columns are unknown"):
        column_lineage(compiled, "model.ticketsim.dim_venues", "select * from elsewhere.of_somebody", key_of)


def test_a_manifest_that_was_parsed_for_other_datasets_names_the_same_columns(compiled, lineage):
    node = compiled["nodes"]["model.ticketsim.agg_venue_hourly"]
    schemas = {table["schema"] for table in [node, *tables_of(compiled, node)]}
    sql = node["compiled_code"]
    for schema in schemas:
        sql = sql.replace(f'"{schema}"', f'"test_{schema}"')
    assert sql != node["compiled_code"]
    found = column_lineage(compiled, node["unique_id"], sql, key_of).deps_by_column
    names = {
        column: {f"{dep.asset_key.to_user_string()}.{dep.column_name}" for dep in found[column]} for column in found
    }
    assert names == lineage[node["name"]]
