"""dbt as the graph runs it: a manifest of the project's files as they are now, and no process more than needed."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from dagster_dbt import DbtCliResource, DbtProject

from ticketsim_assets.resources.dbt import TicketsimDbt, dbt_project, dbt_resource
from ticketsim_assets.resources.warehouse import WarehouseResource, warehouse_resource
from ticketsim_assets.settings import Settings

pytestmark = pytest.mark.slow

DBT_DIR = Path(__file__).parents[3] / "dbt"
DBT = Path(sys.executable).with_name("dbt")


@pytest.fixture
def project_dir(tmp_path: Path) -> Path:
    """A copy of the dbt project that nobody has parsed yet."""
    copy = tmp_path / "dbt"
    shutil.copytree(DBT_DIR, copy, ignore=shutil.ignore_patterns("target", "logs"))
    return copy


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseResource:
    return warehouse_resource(Settings(home=tmp_path / "home"))


def models(project: DbtProject) -> set[str]:
    nodes = json.loads(project.manifest_path.read_bytes())["nodes"].values()
    return {node["name"] for node in nodes if node["resource_type"] == "model"}


def test_the_manifest_follows_models_that_are_added_renamed_and_deleted_and_else_stays_as_it_is(project_dir, warehouse):
    dbt = dbt_resource(warehouse, project_dir)
    before = dict(os.environ)
    original = models(dbt_project(dbt))
    assert "stg_buy_tickets" in original

    added = project_dir / "models/staging/added.sql"
    added.write_text("select 1 as one")
    os.utime(added, (0, 0))  # as old as a checkout may make it
    assert models(dbt_project(dbt)) == original | {"added"}

    added.rename(added.with_stem("renamed"))
    project = dbt_project(dbt)
    assert models(project) == original | {"renamed"}
    parsed = project.manifest_path.stat().st_mtime_ns
    assert dbt_project(dbt).manifest_path.stat().st_mtime_ns == parsed

    added.with_stem("renamed").unlink()
    assert models(dbt_project(dbt)) == original
    assert dict(os.environ) == before
    assert not Path(warehouse.path).exists()


def test_a_manifest_that_another_dbt_has_written_is_not_trusted(project_dir, warehouse):
    dbt = dbt_resource(warehouse, project_dir)
    project = dbt_project(dbt)
    nodes = models(project)
    project.manifest_path.write_text('{"nodes": {}}')
    assert models(dbt_project(dbt)) == nodes


def test_what_was_parsed_in_one_home_is_not_parsed_again_in_another_until_a_file_changes(project_dir, tmp_path):
    def log_of_a_parse(home: str) -> str:
        dbt = dbt_resource(warehouse_resource(Settings(home=tmp_path / home)), project_dir)
        invocation = dbt.cli(["parse"], target_path=project_dir / "target").wait()
        assert invocation.is_successful()
        log = project_dir / "target" / "dbt.log"
        said = log.read_text(encoding="utf-8")
        log.unlink()
        return said

    assert "no changes found, skipping parsing" not in log_of_a_parse("one")
    assert "no changes found, skipping parsing" in log_of_a_parse("another")
    (project_dir / "models/staging/added.sql").write_text("select 1 as one")
    assert "1 files added" in log_of_a_parse("another")


def test_dbt_is_started_without_asking_its_version_or_making_an_adapter_as_dagster_dbt_would(
    project_dir, warehouse, tmp_path
):
    calls, wrapper = tmp_path / "calls", tmp_path / "dbt_that_tells"
    wrapper.write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec {DBT} "$@"\n')
    wrapper.chmod(0o755)
    places = {"project_dir": project_dir, "profiles_dir": project_dir, "dbt_executable": wrapper, "target": "duckdb"}

    def done_by(dbt: DbtCliResource) -> tuple[list[str], bool]:
        """Return how dbt was called, and whether this process made an adapter."""
        calls.write_text("")
        invocation = dbt.cli(["parse", "--quiet"], target_path=tmp_path / "parsed").wait()
        return calls.read_text().split(), invocation.adapter is not None

    assert done_by(DbtCliResource(**places)) == (["--version", "parse"], True)
    assert done_by(TicketsimDbt(**places, warehouse=warehouse, parsed_path="target")) == (["parse"], False)
