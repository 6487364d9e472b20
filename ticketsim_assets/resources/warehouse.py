"""The warehouse as a resource: a class per engine, whose fields the Dagster UI shows."""

from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path

import dagster as dg

from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.factory import BigQueryTarget, DuckDBTarget, warehouse_target
from ticketsim_assets.warehouse.protocol import Warehouse
from ticketsim_assets.warehouse.wait_policy import RUN_WAIT_SECONDS, WaitPolicy


class WarehouseResource(dg.ConfigurableResource, ABC):
    """Opens the warehouse, and says where it is."""

    @property
    @abstractmethod
    def target(self) -> DuckDBTarget | BigQueryTarget:
        """Where the warehouse is."""

    def open(self) -> Warehouse:
        """Return the warehouse, opened on first use; a wait for it is reported in the run's log."""
        return self.target.open(WaitPolicy(RUN_WAIT_SECONDS, dg.get_dagster_logger().warning))


class DuckDBWarehouseResource(WarehouseResource):
    """A DuckDB file of this machine."""

    path: str
    readers_path: str

    @property
    def target(self) -> DuckDBTarget:
        """The file and its copy."""
        return DuckDBTarget(Path(self.path), Path(self.readers_path))


class BigQueryWarehouseResource(WarehouseResource):
    """Three datasets of BigQuery; credentials are the machine's (ADC)."""

    project: str
    location: str
    dataset_prefix: str
    maximum_bytes_billed: int

    @property
    def target(self) -> BigQueryTarget:
        """The datasets."""
        return BigQueryTarget(self.project, self.location, self.dataset_prefix, self.maximum_bytes_billed)


def warehouse_resource(settings: Settings) -> WarehouseResource:
    """Return the resource for the warehouse of ``settings``.

    Raises:
        BigQueryNotSet: It is BigQuery, and a setting that it needs is missing.
    """
    target = warehouse_target(settings)
    if isinstance(target, BigQueryTarget):
        return BigQueryWarehouseResource(**asdict(target))
    return DuckDBWarehouseResource(path=str(target.path), readers_path=str(target.readers_path))
