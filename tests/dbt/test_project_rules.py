"""The rules of dbt-labs' project evaluator, asked of the manifest; dbt/README.md explains the exceptions."""

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Warehouse

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[2] / "dbt" / "README.md").read_text()

PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts": ("fct_", "dim_", "agg_", "report_", "reconciliation_"),
}

Node = dict[str, Any]


@pytest.fixture(scope="module")
def manifest(built_file: Warehouse) -> Node:
    return json.loads((built_file.target_path / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def layer(node: Node) -> str:
    return node["fqn"][1]


def parents(node: Node) -> set[str]:
    return set(node["depends_on"]["nodes"])


def test_names_begin_as_their_layer_s_do(models):
    assert {layer(model) for model in models} == set(PREFIXES)
    assert [model["name"] for model in models if not model["name"].startswith(PREFIXES[layer(model)])] == []


def test_staging_reads_one_source_each_and_nothing_else_does(models):
    for model in models:
        sources = {parent for parent in parents(model) if parent.startswith("source.")}
        assert len(sources) == len(parents(model)) == 1 if layer(model) == "staging" else not sources, model["name"]


def test_no_layer_reads_the_one_after_it(models):
    layers = {model["unique_id"]: list(PREFIXES).index(layer(model)) for model in models}
    marts_that_parts_are_made_of = {"fct_queue_waits", "fct_ticket_sales", "fct_admissions"}
    for model in models:
        for parent in parents(model) & layers.keys():
            known = layer(model) == "intermediate" and parent.split(".")[-1] in marts_that_parts_are_made_of
            assert layers[parent] <= layers[model["unique_id"]] or known, (model["name"], parent)
    assert all(f"`{mart}`" in README for mart in marts_that_parts_are_made_of)


def test_no_model_has_seven_parents_or_more(models):
    assert {model["name"]: len(parents(model)) for model in models if len(parents(model)) >= 7} == {}


def test_every_source_is_read_and_described(manifest, models):
    read = {parent for model in models for parent in parents(model)}
    assert manifest["sources"].keys() <= read
    assert all(source["description"] and source["source_description"] for source in manifest["sources"].values())


def test_every_model_and_column_is_described(models):
    for model in models:
        assert model["description"], model["name"]
        assert model["columns"], model["name"]
        assert all(column["description"] for column in model["columns"].values()), model["name"]


def test_dbt_itself_knows_the_primary_key_of_every_model_that_is_stored_or_shown(models):
    without = {model["name"] for model in models if not model["primary_key"]}
    assert without == {model["name"] for model in models if model["config"]["materialized"] == "ephemeral"}


def test_public_are_the_models_that_exposures_read_and_the_quarantine_s(manifest, models):
    read = {parent for exposure in manifest["exposures"].values() for parent in parents(exposure)}
    quarantine = "model.ticketsim.agg_quarantine_hourly"
    assert {model["unique_id"] for model in models if model["access"] == "public"} == read | {quarantine}


def test_public_models_and_all_marts_have_contracts(models):
    for model in models:
        expected = layer(model) == "marts"
        assert model["config"]["contract"]["enforced"] == expected, model["name"]
        assert expected or model["access"] != "public", model["name"]


def test_events_have_a_freshness_and_what_has_none_is_explained(manifest):
    without = {
        source["name"]
        for source in manifest["sources"].values()
        if not (source["freshness"] or {}).get("warn_after", {}).get("count")
    }
    assert without == {"quarantine", "forgotten_runs", "reconciliation"}
    assert all(f"`raw.{name}`" in README for name in without)


def test_views_that_exposures_read_are_explained(manifest):
    nodes = manifest["nodes"]
    read = {parent for exposure in manifest["exposures"].values() for parent in parents(exposure)}
    views = {nodes[parent]["name"] for parent in read if nodes[parent]["config"]["materialized"] == "view"}
    assert views == {
        "agg_quarantine_hourly",
        "dim_duration_bins",
        "reconciliation_hourly",
        "reconciliation_marts_hourly",
        "report_visitors_hourly",
        "report_processing_hourly",
    }
    assert all(f"`{view}`" in README for view in views)


def test_no_model_names_a_table_past_ref_and_source(models):
    for model in models:
        code = model["raw_code"]
        assert "from raw." not in code, model["name"]
        assert "from marts." not in code, model["name"]
        assert "from staging." not in code, model["name"]
