"""The choice of the warehouse, from the settings, in one place."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ticketsim_assets.exceptions import BigQueryNotSet
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.protocol import Warehouse
from ticketsim_assets.warehouse.wait_policy import WaitPolicy


@dataclass(frozen=True, slots=True)
class DuckDBTarget:
    """A file of this machine, and the copy of it that readers open."""

    engine: ClassVar = "duckdb"
    path: Path
    readers_path: Path

    def __str__(self) -> str:
        """Where it is, in words."""
        return str(self.path)

    def open(self, wait_policy: WaitPolicy) -> Warehouse:
        """Return the warehouse; nothing is opened before it is used."""
        from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse  # noqa: PLC0415 - one engine, not both

        return DuckDBWarehouse(self.path, self.readers_path, wait_policy)

    def dbt_environment(self) -> dict[str, str]:
        """Return the variables by which dbt's profile (``dbt/profiles.yml``) finds it."""
        return {"TICKETSIM_DBT_TARGET": self.engine, "TICKETSIM_WAREHOUSE_PATH": str(self.path)}


@dataclass(frozen=True, slots=True)
class BigQueryTarget:
    """Three datasets of a Google Cloud project."""

    engine: ClassVar = "bigquery"
    project: str
    location: str
    dataset_prefix: str
    maximum_bytes_billed: int

    def __str__(self) -> str:
        """Where it is, in words."""
        return f"BigQuery, {self.project}.{self.dataset_prefix}marts"

    def open(self, wait_policy: WaitPolicy) -> Warehouse:
        """Return the warehouse; nothing is opened before it is used."""
        from ticketsim_assets.warehouse.bigquery_client import Datasets  # noqa: PLC0415
        from ticketsim_assets.warehouse.bigquery_warehouse import BigQueryWarehouse  # noqa: PLC0415

        datasets = Datasets(
            project=self.project,
            location=self.location,
            prefix=self.dataset_prefix,
            maximum_bytes_billed=self.maximum_bytes_billed,
        )
        return BigQueryWarehouse(datasets, wait_policy)

    def dbt_environment(self) -> dict[str, str]:
        """Return the variables by which dbt's profile (``dbt/profiles.yml``) finds it."""
        return {
            "TICKETSIM_DBT_TARGET": self.engine,
            "TICKETSIM_BIGQUERY_PROJECT": self.project,
            "TICKETSIM_BIGQUERY_LOCATION": self.location,
            "TICKETSIM_BIGQUERY_DATASET_PREFIX": self.dataset_prefix,
            "TICKETSIM_BIGQUERY_MAXIMUM_BYTES_BILLED": str(self.maximum_bytes_billed),
        }


def warehouse_target(settings: Settings) -> DuckDBTarget | BigQueryTarget:
    """Return where the warehouse of ``settings`` is.

    Raises:
        BigQueryNotSet: It is BigQuery, and a setting that it needs is missing.
    """
    if settings.warehouse == "duckdb":
        return DuckDBTarget(settings.warehouse_path, settings.readers_path)
    places = {name: getattr(settings, f"bigquery_{name}") for name in ("project", "location")}
    if missing := [f"TICKETSIM_BIGQUERY_{name.upper()}" for name, value in places.items() if not value]:
        raise BigQueryNotSet(
            f"TICKETSIM_WAREHOUSE is bigquery, and {' and '.join(missing)} is not set. Set it, or use duckdb."
        )
    return BigQueryTarget(
        project=settings.bigquery_project,
        location=settings.bigquery_location,
        dataset_prefix=settings.bigquery_dataset_prefix,
        maximum_bytes_billed=settings.bigquery_maximum_bytes_billed,
    )


def create_warehouse(settings: Settings, wait_policy: WaitPolicy) -> Warehouse:
    """Return the warehouse of ``settings``; nothing is opened before it is used.

    Args:
        settings: The engine and its location.
        wait_policy: How long to wait for a warehouse that another process holds, and how to report it.

    Raises:
        BigQueryNotSet: It is BigQuery, and a setting that it needs is missing.
    """
    return warehouse_target(settings).open(wait_policy)
