"""What the assets work with; laptop or cloud is chosen here and nowhere else."""

import importlib.metadata
import os
import sys
from functools import cached_property
from pathlib import Path
from typing import Final

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject
from filelock import FileLock
from packaging.version import Version

from streaming.lake.reader import Lake
from ticketsim_assets.resources.spark import lake_spark
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.factory import create_warehouse, dbt_environment, warehouse_location, warehouse_settings
from ticketsim_assets.warehouse.protocol import Warehouse
from ticketsim_assets.warehouse.wait_policy import RUN_WAIT_SECONDS, WaitPolicy

_PROJECT_DIR: Final = Path(__file__).parents[2] / "dbt"


class LakeResource(dg.ConfigurableResource):
    """Opens the lake for reading."""

    uri: str

    def open(self) -> Lake:
        """The lake, whether or not its table exists yet."""
        return Lake(self.uri)


class WarehouseResource(dg.ConfigurableResource):
    """Opens the warehouse of the settings that it was made from."""

    place: str  #: for who looks at it in the UI
    settings: dict[str, str]  #: those that choose the warehouse

    def open(self) -> Warehouse:
        """The warehouse; nothing is opened before it is used. Who waits for it says so in the run's log."""
        return create_warehouse(
            Settings.model_validate(self.settings), WaitPolicy(RUN_WAIT_SECONDS, dg.get_dagster_logger().warning)
        )


class PinnedDbt(DbtCliResource):
    """dagster-dbt's resource, told dbt's version by the installed package.

    The original asks ``dbt --version`` before each command, which looks for updates on the network: 6 s a run.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))


def dbt_project() -> DbtProject:
    """The dbt project with its manifest, parsed anew if a model has changed since.

    `prepare_if_dev` would parse in every run worker as well: 13 s each.
    """
    settings = Settings()
    _point_dbt_to(settings)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # What dbt parses depends on the engine: each has a folder of its own.
    target_path = Path(os.environ["DBT_TARGET_PATH"])
    project = DbtProject(
        project_dir=_PROJECT_DIR, profiles_dir=_PROJECT_DIR, target=settings.warehouse, target_path=target_path
    )
    # Processes that start at once on a fresh clone must not read a manifest that another one is writing.
    lock = _PROJECT_DIR / target_path / ".prepare.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if _is_stale(project.manifest_path):
            project.preparer.prepare(project)
    return project


def _is_stale(manifest: Path) -> bool:
    """Whether there is no manifest yet, or a file of the project is newer: a run would not know its models."""
    if not manifest.exists():
        return True
    parsed = manifest.stat().st_mtime
    written = (path for folder in ("models", "macros", "tests") for path in (_PROJECT_DIR / folder).rglob("*.*"))
    return any(path.stat().st_mtime > parsed for path in (*written, _PROJECT_DIR / "dbt_project.yml"))


def _point_dbt_to(settings: Settings) -> None:
    """Tell dbt's profile where the warehouse is, whatever a parent process has told it before."""
    os.environ.update(dbt_environment(settings))
    os.environ["DBT_TARGET_PATH"] = "target" if settings.warehouse == "duckdb" else f"target/{settings.warehouse}"


def resources(project: DbtProject, settings: Settings) -> dict[str, dg.ConfigurableResource]:
    """The resources of every asset, by the names under which assets ask for them."""
    _point_dbt_to(settings)
    return {
        "lake": LakeResource(uri=settings.lake),
        "warehouse": WarehouseResource(place=warehouse_location(settings), settings=warehouse_settings(settings)),
        "spark": lake_spark(settings),
        "dbt": PinnedDbt(
            project_dir=str(project.project_dir), dbt_executable=str(Path(sys.executable).with_name("dbt"))
        ),
    }
