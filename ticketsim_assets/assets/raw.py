"""raw/events and raw/quarantine: the lake's hours in the warehouse, the first checked against the receipts."""

import time
from typing import Final

import dagster as dg

from streaming.hour import Hour
from streaming.lake.forgotten_runs import read_forgotten_runs
from ticketsim_assets.assets.code_references import in_module
from ticketsim_assets.assets.column_schema import (
    RAW_EVENTS_SCHEMA,
    RAW_FORGOTTEN_RUNS_SCHEMA,
    RAW_QUARANTINE_SCHEMA,
    RAW_RECONCILIATION_SCHEMA,
)
from ticketsim_assets.assets.freshness import HOURS_ARE_LOADED
from ticketsim_assets.assets.loading import LoadedHour, load_events, load_quarantine
from ticketsim_assets.assets.partitions import SINGLE_RUN, hours_of_window
from ticketsim_assets.checks.check_result import CheckResult
from ticketsim_assets.checks.offsets_check import require_sound, verify_offsets
from ticketsim_assets.checks.receipts_check import HourVerdict, describe, evaluate_hours, metadata
from ticketsim_assets.checks.reconciliation import read_problems
from ticketsim_assets.hours.reports import forgotten_metadata
from ticketsim_assets.hours.run_history import last_reported
from ticketsim_assets.keys import (
    LAKE_COMPLETE,
    LAKE_KEYS,
    RAW_EVENTS,
    RAW_FORGOTTEN_RUNS,
    RAW_QUARANTINE,
    RAW_RECONCILIATION,
)
from ticketsim_assets.resources.resources import LakeResource
from ticketsim_assets.resources.warehouse import WarehouseResource
from ticketsim_assets.warehouse.protocol import Warehouse

RECEIPTS: Final = dg.AssetCheckSpec(
    "receipts",
    asset=RAW_EVENTS,
    blocking=True,
    description="Events of the hour = what its receipts count, per run, venue and event type, to the row, the "
    "microsecond and the digest of all fields. Wrong blocks everything downstream; unproved (no receipt) is a warning.",
)

#: One writer: see the pool's limit in dagster.yaml.
POOL: Final = "warehouse"


class LoadConfig(dg.Config):
    """How to load an hour."""

    allow_incomplete: bool = False


def raw_events(
    context: dg.AssetExecutionContext,
    config: LoadConfig,
    lake: LakeResource,
    warehouse: WarehouseResource,
) -> dg.MaterializeResult:
    """Hours of contract-clean events of all eight types, deduplicated by run, venue and event_id. One row per event."""
    hours = hours_of_window(context.partition_time_window)
    opened, target = lake.open(), warehouse.open()
    # What is reported meanwhile is loaded by the next run: the snapshot is never older than what the run claims.
    reported = {hour: last_reported(context.instance, hour) for hour in hours}
    snapshot = opened.snapshot()
    require_sound(verify_offsets(context.instance, opened, snapshot))
    forgotten = read_forgotten_runs(opened)
    began = time.monotonic()
    loaded = load_events(snapshot, target, hours, reported, forgotten, allow_incomplete=config.allow_incomplete)
    seconds = time.monotonic() - began
    for hour in loaded:
        context.add_asset_metadata(_metadata(hour, seconds), asset_key=RAW_EVENTS, partition_key=hour.hour.key)
        if hour.missing:
            context.log.warning(f"hour {hour.hour} was loaded as it is: {'; '.join(hour.missing)}")
    verdicts = _verdicts(target, hours)
    if len(hours) > 1:
        _report_each(context, verdicts)
    # A run over a range gives all its hours one data version: the newest fingerprint among them. That is as good as
    # each hour's own, since an hour that changes later gets a version newer than all of these.
    fingerprints = [known.fingerprint for known in reported.values() if known is not None]
    return dg.MaterializeResult(
        asset_key=RAW_EVENTS,
        data_version=dg.DataVersion(str(max(fingerprints, default=snapshot.version))),
        check_results=[_verdict(verdicts).as_result()],
    )


def raw_quarantine(
    context: dg.AssetExecutionContext, lake: LakeResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:
    """Hours, by arrival, of messages that break the contract, with their bytes and the reason. One row per message."""
    hours = hours_of_window(context.partition_time_window)
    snapshot = lake.open().snapshot()
    began = time.monotonic()
    loaded = load_quarantine(snapshot, warehouse.open(), hours)
    seconds = time.monotonic() - began
    for hour in loaded:
        context.add_asset_metadata(_metadata(hour, seconds), asset_key=RAW_QUARANTINE, partition_key=hour.hour.key)
    return dg.MaterializeResult(data_version=dg.DataVersion(str(snapshot.version)))


def _kept_beside_events(
    key: dg.AssetKey, description: str, *, kinds: set[str], schema: dg.TableSchema, module: str
) -> dg.AssetSpec:
    """Return what the loader keeps of itself beside raw/events, from which dbt reads it."""
    return dg.AssetSpec(
        key,
        deps=[RAW_EVENTS],
        description=description,
        group_name="raw",
        kinds=kinds,
        owners=["team:platform"],
        metadata={"dagster/column_schema": schema, "dagster/table_name": ".".join(key.path), **in_module(module)},
    )


def raw_assets(hourly: dg.HourlyPartitionsDefinition, engine: str) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Build the two assets, hours of ``hourly`` in tables of ``engine``, and what the loader keeps beside them."""
    return [
        dg.asset(
            key=RAW_EVENTS,
            partitions_def=hourly,
            deps=[LAKE_COMPLETE],
            backfill_policy=SINGLE_RUN,
            group_name="raw",
            kinds={engine, "table"},
            owners=["team:platform"],
            pool=POOL,
            check_specs=[RECEIPTS],
            metadata={"dagster/column_schema": RAW_EVENTS_SCHEMA, "dagster/table_name": "raw.events"},
            freshness_policy=HOURS_ARE_LOADED,
        )(raw_events),
        # A view, which nobody materialises: it shows what raw/events holds at any moment. dbt reads it as a source.
        _kept_beside_events(
            RAW_RECONCILIATION,
            "Events of raw/events against the simulation's receipts, live. One row per run, venue, hour "
            "and event type.",
            kinds={engine, "view"},
            schema=RAW_RECONCILIATION_SCHEMA,
            module="ticketsim_assets.warehouse.reconciliation_view",
        ),
        _kept_beside_events(
            RAW_FORGOTTEN_RUNS,
            "The runs that were left out of raw/events, as the last load knew them. One row per run.",
            kinds={engine, "table"},
            schema=RAW_FORGOTTEN_RUNS_SCHEMA,
            module="streaming.lake.forgotten_runs",
        ),
        dg.asset(
            key=RAW_QUARANTINE,
            partitions_def=hourly,
            deps=[LAKE_KEYS["quarantine"]],
            backfill_policy=SINGLE_RUN,
            group_name="raw",
            kinds={engine, "table"},
            owners=["team:platform"],
            pool=POOL,
            metadata={"dagster/column_schema": RAW_QUARANTINE_SCHEMA, "dagster/table_name": "raw.quarantine"},
        )(raw_quarantine),
    ]


def _metadata(loaded: LoadedHour, seconds: float) -> dict[str, dg.MetadataValue]:
    """Return what the UI plots of an hour; ``seconds`` is the time that the whole range took to load."""
    return {
        "Execution Duration": dg.MetadataValue.float(seconds),  # as dagster-dbt names that of a model
        "dagster/row_count": dg.MetadataValue.int(loaded.rows),
        "copies_left_out": dg.MetadataValue.int(loaded.copies),
        "files": dg.MetadataValue.int(loaded.files),
        "missing": dg.MetadataValue.json(list(loaded.missing)),
        **forgotten_metadata(loaded.forgotten),
        **({"forgotten_rows": dg.MetadataValue.int(loaded.forgotten_rows)} if loaded.forgotten_rows else {}),
    }


def _verdicts(warehouse: Warehouse, hours: list[Hour]) -> list[HourVerdict]:
    """Query the loader's reconciliation view, the one place that has the rule."""
    with warehouse.reading() as connection:
        return evaluate_hours(hours, read_problems(connection, hours[0].start, hours[-1].end))


def _verdict(verdicts: list[HourVerdict]) -> CheckResult:
    """Return the verdict on hours as that of the check; the worst hour decides."""
    worst = next((v for v in verdicts if v.wrong), next((v for v in verdicts if v.unproved), verdicts[0]))
    return CheckResult(
        RECEIPTS.key, worst.passed, worst.severity, description=describe(verdicts), metadata=metadata(verdicts)
    )


def _report_each(context: dg.AssetExecutionContext, verdicts: list[HourVerdict]) -> None:
    """Report an evaluation for each hour of a range: a run writes one for the range as a whole, which names no hour."""
    for verdict in verdicts:
        context.log_event(_verdict([verdict]).as_evaluation(partition=verdict.hour.key, blocking=True))
