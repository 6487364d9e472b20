"""The jobs: an hour or a range of hours, quarantine by arrival, and the page."""

import dagster as dg

from ticketsim_assets.dagster_internals import RETRY_STRATEGY_TAG
from ticketsim_assets.keys import DASHBOARD, DASHBOARD_JOB, HOURLY_JOB, QUARANTINE_JOB, RAW_EVENTS, RAW_QUARANTINE

#: A step is one process of dbt or one load; a process more for each would cost 4-5 s.
_EXECUTOR = dg.in_process_executor

#: A run that crashed is begun anew as a whole: an hour counts as loaded only by a run that did all of it.
_RETRY_ALL = {RETRY_STRATEGY_TAG: "ALL_STEPS"}

hourly_job = dg.define_asset_job(
    HOURLY_JOB,
    selection=dg.AssetSelection.assets(RAW_EVENTS) | dg.AssetSelection.groups("staging", "marts"),
    executor_def=_EXECUTOR,
    tags=_RETRY_ALL,
    description="Loads hours into the warehouse, checks them against their receipts and rebuilds the marts.",
)

quarantine_job = dg.define_asset_job(
    QUARANTINE_JOB,
    selection=dg.AssetSelection.assets(RAW_QUARANTINE),
    executor_def=_EXECUTOR,
    tags=_RETRY_ALL,
    description="Loads the messages that broke the contract, by the hour of their arrival.",
)

dashboard_job = dg.define_asset_job(
    DASHBOARD_JOB,
    selection=dg.AssetSelection.assets(DASHBOARD),
    executor_def=_EXECUTOR,
    description="Renews the readers' copy of the warehouse and the page.",
)
