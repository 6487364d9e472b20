"""Which warehouse it is: chosen here, from the settings, and nowhere else."""

from ticketsim_assets.exceptions import BigQueryNotSet
from ticketsim_assets.settings import Settings
from ticketsim_assets.warehouse.protocol import Warehouse
from ticketsim_assets.warehouse.wait_policy import WaitPolicy


def create_warehouse(settings: Settings, wait_policy: WaitPolicy) -> Warehouse:
    """The warehouse of ``settings``; nothing is opened before it is used.

    Args:
        settings: which engine, and where it is.
        wait_policy: how long to wait for a warehouse that somebody else holds, and whom to tell.

    Raises:
        BigQueryNotSet: it is BigQuery, and a setting is missing that it needs.
    """
    if settings.warehouse == "duckdb":
        from ticketsim_assets.warehouse.duckdb_warehouse import DuckDBWarehouse  # noqa: PLC0415 - one engine, not both

        return DuckDBWarehouse(settings.warehouse_path, settings.readers_path, wait_policy)
    from ticketsim_assets.warehouse.bigquery_client import Datasets  # noqa: PLC0415
    from ticketsim_assets.warehouse.bigquery_warehouse import BigQueryWarehouse  # noqa: PLC0415

    require_bigquery(settings)
    datasets = Datasets(
        project=settings.bigquery_project,
        location=settings.bigquery_location,
        prefix=settings.bigquery_dataset_prefix,
        maximum_bytes_billed=settings.bigquery_maximum_bytes_billed,
    )
    return BigQueryWarehouse(datasets, wait_policy)


def require_bigquery(settings: Settings) -> None:
    """Refuse settings that do not say where BigQuery is.

    Raises:
        BigQueryNotSet: the message names what is missing.
    """
    places = {name: getattr(settings, f"bigquery_{name}") for name in ("project", "location")}
    if missing := [f"TICKETSIM_BIGQUERY_{name.upper()}" for name, value in places.items() if not value]:
        raise BigQueryNotSet(
            f"TICKETSIM_WAREHOUSE is bigquery, and {' and '.join(missing)} is not set. Set it, or use duckdb."
        )


def warehouse_location(settings: Settings) -> str:
    """Where the warehouse of ``settings`` is, in words."""
    if settings.warehouse == "duckdb":
        return str(settings.warehouse_path)
    require_bigquery(settings)
    return f"BigQuery, {settings.bigquery_project}.{settings.bigquery_dataset_prefix}marts"


def warehouse_settings(settings: Settings) -> dict[str, str]:
    """Those of ``settings`` that choose the warehouse, as texts: what a resource can carry into a run."""
    names = ("warehouse", *(name for name in Settings.model_fields if name.startswith("bigquery_")))
    return {"home": str(settings.root), **{name: str(getattr(settings, name)) for name in names}}


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The environment variables by which dbt's profile (``dbt/profiles.yml``) finds the warehouse of ``settings``."""
    return {
        "TICKETSIM_DBT_TARGET": settings.warehouse,
        "TICKETSIM_WAREHOUSE_PATH": str(settings.warehouse_path),
        "TICKETSIM_BIGQUERY_PROJECT": settings.bigquery_project,
        "TICKETSIM_BIGQUERY_LOCATION": settings.bigquery_location,
        "TICKETSIM_BIGQUERY_DATASET_PREFIX": settings.bigquery_dataset_prefix,
        "TICKETSIM_BIGQUERY_MAXIMUM_BYTES_BILLED": str(settings.bigquery_maximum_bytes_billed),
    }
