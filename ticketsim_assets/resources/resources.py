"""What the assets work with; laptop or cloud is chosen here and nowhere else."""

import dagster as dg

from streaming.lake.reader import Lake
from ticketsim_assets.resources.dbt import TicketsimDbt
from ticketsim_assets.resources.spark import lake_spark
from ticketsim_assets.settings import Settings


class LakeResource(dg.ConfigurableResource):
    """Opens the lake for reading."""

    uri: str

    def open(self) -> Lake:
        """Return the lake, whether or not its table exists yet."""
        return Lake(self.uri)


def resources(dbt: TicketsimDbt, settings: Settings) -> dict[str, dg.ConfigurableResource]:
    """Return the resources of the assets by name; the warehouse is that of ``dbt``."""
    return {
        "lake": LakeResource(uri=settings.lake),
        "warehouse": dbt.warehouse,
        "spark": lake_spark(settings),
        "dbt": dbt,
    }
