"""The code location: every asset, check, job and sensor of Ticketsim."""

import dagster as dg

from ticketsim_assets.assets.dashboard import dashboard_asset
from ticketsim_assets.assets.dbt_models import warehouse_models
from ticketsim_assets.assets.jobs import dashboard_job, hourly_job, quarantine_job
from ticketsim_assets.assets.lake import COMPLETE_ASSET, KAFKA_ASSETS, LAKE_ASSETS
from ticketsim_assets.assets.maintenance import (
    compaction,
    compaction_job,
    compaction_schedule,
    vacuum,
    vacuum_job,
    vacuum_schedule,
)
from ticketsim_assets.assets.quarantine_reprocess import reprocess_job
from ticketsim_assets.assets.raw import raw_events, raw_quarantine
from ticketsim_assets.automation.alerts import alert_sensors
from ticketsim_assets.automation.sensors import (
    dashboard_after_failure,
    dashboard_after_success,
    kafka_sensor,
    lake_sensor,
)
from ticketsim_assets.checks.offsets_check import offsets
from ticketsim_assets.checks.stream_checks import lag, quarantine_rate
from ticketsim_assets.resources.resources import dbt_project, resources
from ticketsim_assets.settings import Settings

_settings = Settings()
_project = dbt_project()

defs = dg.Definitions(
    assets=dg.with_source_code_references(
        [
            *KAFKA_ASSETS,
            *LAKE_ASSETS,
            COMPLETE_ASSET,
            compaction,
            vacuum,
            raw_events,
            raw_quarantine,
            warehouse_models(_project),
            dashboard_asset(_settings.dashboard_path),
        ]
    ),
    asset_checks=[offsets, lag, quarantine_rate],
    jobs=[hourly_job, quarantine_job, dashboard_job, compaction_job, vacuum_job, reprocess_job],
    schedules=[compaction_schedule, vacuum_schedule],
    sensors=[
        lake_sensor,
        kafka_sensor,
        dashboard_after_success,
        dashboard_after_failure,
        *alert_sensors(_settings),
    ],
    resources=resources(_project, _settings),
)
