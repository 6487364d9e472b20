"""The dbt models as assets: hourly where the model is a table of hours, without partitions where it is a view."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets

from streaming.hour import Hour
from ticketsim_assets.assets.freshness import HOURS_ARE_LOADED
from ticketsim_assets.assets.partitions import HOURLY, SINGLE_RUN, hours_of_window
from ticketsim_assets.assets.raw import POOL
from ticketsim_assets.checks.dbt_failures import with_failing_rows
from ticketsim_assets.resources.child_process import killed_with_parent
from ticketsim_assets.resources.resources import WarehouseResource
from ticketsim_assets.warehouse.protocol import Reader
from ticketsim_assets.warehouse.row_counts import count_rows

_WINDOW_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"


class HourlyTranslator(DagsterDbtTranslator):
    """Gives models that replace hours the hourly partitions, and groups models by their layer."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The asset spec of one dbt node; see the base class."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] != "model":
            return spec
        layer = node["fqn"][1]
        spec = spec.replace_attributes(
            key=dg.AssetKey([layer, node["name"]]), group_name=layer, owners=["team:analytics"]
        )
        if _is_table(node):
            spec = spec.replace_attributes(freshness_policy=HOURS_ARE_LOADED)
        if _is_hourly(node):
            spec = spec.replace_attributes(partitions_def=HOURLY)
        return spec


def _is_table(node: Mapping[str, Any]) -> bool:
    return node["config"]["materialized"] != "view"


def _is_hourly(node: Mapping[str, Any]) -> bool:
    return _is_table(node) and node["config"].get("incremental_strategy") == "hour_window"


def window_arguments(window: dg.TimeWindow) -> list[str]:
    """The dbt arguments that restrict a build to ``window``; not ``--vars``, which would parse the project anew."""
    return [
        "--event-time-start",
        window.start.strftime(_WINDOW_FORMAT),
        "--event-time-end",
        window.end.strftime(_WINDOW_FORMAT),
    ]


def warehouse_models(project: DbtProject) -> dg.AssetsDefinition:
    """All models of ``project`` as one op, which replaces the run's whole window in one invocation of dbt."""

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        name="warehouse_models",
        dagster_dbt_translator=HourlyTranslator(DagsterDbtTranslatorSettings(enable_code_references=True)),
        backfill_policy=SINGLE_RUN,
        pool=POOL,
    )
    def models(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: WarehouseResource
    ) -> Iterator[object]:
        """Build and test the staging views and the marts for the hours of the run."""
        arguments = ["build", "--exclude-resource-type", "unit_test", *window_arguments(context.partition_time_window)]
        opened = warehouse.open()
        built: list[dg.Output] = []
        passed, not_passed = [], []
        with opened.exclusive() as hold:
            invocation = dbt.cli(arguments, context=context, raise_on_error=False)
            hold.end_on_loss(invocation.process.kill)
            with killed_with_parent(invocation.process):
                for event in invocation.stream():
                    if isinstance(event, dg.Output):
                        built.append(event)
                    elif isinstance(event, dg.AssetCheckResult) and not event.passed:
                        not_passed.append(event)
                    else:
                        passed.append(event)
        # Only now, since nobody can read while dbt has the warehouse; and each model before its checks.
        if built or not_passed:
            with opened.reading() as reader:
                _add_row_counts(context, [invocation.manifest["nodes"][_unique_id(event)] for event in built], reader)
                yield from built
                yield from passed
                results = invocation.get_artifact("run_results.json")["results"]
                compiled = {result["unique_id"]: result["compiled_code"] for result in results}
                yield from with_failing_rows(not_passed, compiled, reader)
        if error := invocation.get_error():
            raise error
        # dagster-dbt leaves a target folder of 1.5 MB per run; of a failed one it is worth keeping.
        shutil.rmtree(invocation.target_path, ignore_errors=True)

    return models


def _unique_id(event: dg.Output) -> str:
    return str(event.metadata["unique_id"].value)


def _table_of(node: Mapping[str, Any]) -> str:
    """Schema and name of a model as this project calls them: the prefix of datasets may have changed since parsing."""
    return f"{node['config']['schema']}.{node['name']}"


def _add_row_counts(context: dg.AssetExecutionContext, nodes: Sequence[Mapping[str, Any]], reader: Reader) -> None:
    """Give each table's materialisation its rows: of each hour of the run, or of the whole if it has no hours."""
    window = context.partition_time_window
    hourly = {_table_of(node) for node in nodes if _is_hourly(node)}
    whole = {_table_of(node) for node in nodes if _is_table(node)} - hourly
    counts = count_rows(reader, window, sorted(hourly), sorted(whole))
    for table in sorted(hourly | whole):
        rows = counts.get(table, {})
        hours: list[Hour | None] = [*hours_of_window(window)] if table in hourly else [None]
        for hour in hours:
            context.add_asset_metadata(
                {"dagster/row_count": rows.get(hour, 0)},
                asset_key=dg.AssetKey(table.split(".")),
                partition_key=hour.key if hour else None,
            )
