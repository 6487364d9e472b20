"""The code location: every asset, check, job and sensor of Ticketsim. The settings are read here, and handed on."""

import dagster as dg

from ticketsim_assets.assets.dashboard import dashboard_asset
from ticketsim_assets.assets.dbt_models import warehouse_models
from ticketsim_assets.assets.jobs import dashboard_job, hourly_job, quarantine_job
from ticketsim_assets.assets.lake import KAFKA_ASSETS, complete_asset, lake_assets
from ticketsim_assets.assets.maintenance import (
    compaction_job,
    compaction_schedule,
    maintenance_assets,
    vacuum_job,
    vacuum_schedule,
)
from ticketsim_assets.assets.partitions import daily_partitions, hourly_partitions
from ticketsim_assets.assets.quarantine_reprocess import reprocess_job
from ticketsim_assets.assets.raw import raw_assets
from ticketsim_assets.automation.alerts import alert_sensors
from ticketsim_assets.automation.sensors import (
    dashboard_after_failure,
    dashboard_after_success,
    kafka_sensor,
    lake_sensor,
)
from ticketsim_assets.checks.offsets_check import offsets
from ticketsim_assets.checks.stream_checks import stream_checks
from ticketsim_assets.resources.dbt import dbt_project, dbt_resource
from ticketsim_assets.resources.resources import resources
from ticketsim_assets.resources.warehouse import warehouse_resource
from ticketsim_assets.settings import Settings, read_settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """Build the graph of ``settings``; the dbt project is parsed if its files have changed."""
    dbt = dbt_resource(warehouse_resource(settings))
    hourly, daily = hourly_partitions(settings.first_hour), daily_partitions(settings.first_hour)
    return dg.Definitions(
        assets=dg.with_source_code_references(
            [
                *KAFKA_ASSETS,
                *lake_assets(settings.lake, hourly),
                complete_asset(hourly),
                *maintenance_assets(daily),
                *raw_assets(hourly, settings.warehouse),
                warehouse_models(dbt_project(dbt), hourly),
                dashboard_asset(settings.dashboard_path, settings.plans, settings.page_object, settings.page_link),
            ]
        ),
        asset_checks=[offsets, *stream_checks(settings)],
        jobs=[hourly_job, quarantine_job, dashboard_job, compaction_job, vacuum_job, reprocess_job],
        schedules=[compaction_schedule, vacuum_schedule],
        sensors=[
            lake_sensor(settings),
            kafka_sensor(settings),
            dashboard_after_success,
            dashboard_after_failure,
            *alert_sensors(settings),
        ],
        resources=resources(dbt, settings),
    )


defs = build_definitions(read_settings())
