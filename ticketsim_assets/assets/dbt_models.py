"""The dbt models as assets: hourly where the model is a table of hours, without partitions where it is a view."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)

from streaming.hour import Hour
from ticketsim_assets.assets.column_lineage import column_lineage
from ticketsim_assets.assets.freshness import HOURS_ARE_LOADED
from ticketsim_assets.assets.partitions import SINGLE_RUN, hours_of_window
from ticketsim_assets.assets.raw import POOL
from ticketsim_assets.checks.dbt_failures import with_failing_rows
from ticketsim_assets.exceptions import LineageUnknown
from ticketsim_assets.resources.child_process import killed_with_parent
from ticketsim_assets.resources.warehouse import WarehouseResource
from ticketsim_assets.warehouse.plotted_figures import ROW_COUNT, read_figures
from ticketsim_assets.warehouse.protocol import Reader, Warehouse

_WINDOW_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"

#: What dagster-dbt makes of a line of dbt's log.
Event: TypeAlias = (
    dg.Output | dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckResult | dg.AssetCheckEvaluation
)


class HourlyTranslator(DagsterDbtTranslator):
    """dagster-dbt's translator, which gives models that replace hours their partitions, and tables their freshness.

    Groups and owners are in ``dbt_project.yml``.
    """

    def __init__(self, hourly: dg.HourlyPartitionsDefinition) -> None:
        """Translate with the partitions ``hourly``."""
        super().__init__(DagsterDbtTranslatorSettings(enable_code_references=True))
        self._hourly = hourly

    def get_partitions_def(self, dbt_resource_props: Mapping[str, Any]) -> dg.PartitionsDefinition | None:
        """Return the hours of a model that replaces hours; others have no partitions."""
        is_model = dbt_resource_props["resource_type"] == "model"
        return self._hourly if is_model and _is_hourly(dbt_resource_props) else None

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Return the asset spec of one dbt node; see the base class."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "model" and _is_table(node):
            return spec.replace_attributes(freshness_policy=HOURS_ARE_LOADED)
        return spec


def _is_table(node: Mapping[str, Any]) -> bool:
    return node["config"]["materialized"] != "view"


def _is_hourly(node: Mapping[str, Any]) -> bool:
    return _is_table(node) and node["config"].get("incremental_strategy") == "hour_window"


def window_arguments(window: dg.TimeWindow) -> list[str]:
    """Return the dbt arguments that restrict a build to ``window``; ``--vars`` would make dbt parse again."""
    return [
        "--event-time-start",
        window.start.strftime(_WINDOW_FORMAT),
        "--event-time-end",
        window.end.strftime(_WINDOW_FORMAT),
    ]


def warehouse_models(project: DbtProject, hourly: dg.HourlyPartitionsDefinition) -> dg.AssetsDefinition:
    """Build all models of ``project`` as one op, which replaces the run's whole window in one invocation of dbt."""

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        name="warehouse_models",
        dagster_dbt_translator=HourlyTranslator(hourly),
        backfill_policy=SINGLE_RUN,
        pool=POOL,
    )
    def models(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: WarehouseResource
    ) -> Iterator[object]:
        """Build and test the staging views and the marts for the hours of the run."""
        arguments = ["build", "--exclude-resource-type", "unit_test", *window_arguments(context.partition_time_window)]
        opened = warehouse.open()
        held: list[Event] = []
        not_passed: list[dg.AssetCheckResult] = []
        with opened.exclusive() as hold:
            invocation = dbt.cli(arguments, context=context, raise_on_error=False)
            hold.end_on_loss(invocation.process.kill)
            with killed_with_parent(invocation.process):
                for event in invocation.stream():
                    if isinstance(event, dg.AssetCheckResult) and not event.passed:
                        not_passed.append(event)  # its SQL is in the results, which dbt writes when it ends
                    elif opened.excludes_readers:
                        held.append(event)
                    else:
                        yield from _reported(context, invocation, [event], opened)
        yield from _reported(context, invocation, held, opened)
        if not_passed:
            results = invocation.get_artifact("run_results.json")["results"]
            compiled = {result["unique_id"]: result["compiled_code"] for result in results}
            with opened.reading() as reader:
                yield from with_failing_rows(not_passed, compiled, reader)
        if error := invocation.get_error():
            raise error
        # dagster-dbt leaves a target folder of 1.5 MB per run; of a failed one it is worth keeping.
        shutil.rmtree(invocation.target_path, ignore_errors=True)

    return models


def _reported(
    context: dg.AssetExecutionContext, invocation: DbtCliInvocation, events: Sequence[Event], warehouse: Warehouse
) -> Iterator[Event]:
    """Yield what dbt has reported: models with their figures and the origin of their columns, then what passed."""
    built = [event for event in events if isinstance(event, dg.Output)]
    if built:
        nodes = [invocation.manifest["nodes"][_unique_id(event)] for event in built]
        _add_lineage(context, invocation, nodes)
        with warehouse.reading() as reader:
            _add_figures(context, nodes, reader)
    yield from built
    yield from (event for event in events if not isinstance(event, dg.Output))


def _add_lineage(
    context: dg.AssetExecutionContext, invocation: DbtCliInvocation, nodes: Sequence[Mapping[str, Any]]
) -> None:
    """Say where the columns of each model come from: once a run, with its newest hour, which the UI shows."""
    manifest, translator = invocation.manifest, invocation.dagster_dbt_translator

    def key_of(unique_id: str) -> dg.AssetKey:
        return translator.get_asset_spec(manifest, unique_id, invocation.project).key

    newest = hours_of_window(context.partition_time_window)[-1]
    for node in nodes:
        sql = invocation.target_path / "compiled" / node["package_name"] / node["original_file_path"]
        try:
            lineage = column_lineage(manifest, node["unique_id"], sql.read_text(encoding="utf-8"), key_of)
        except LineageUnknown as unknown:
            context.log.warning(str(unknown))
            continue
        context.add_asset_metadata(
            {"dagster/column_lineage": lineage},
            asset_key=key_of(node["unique_id"]),
            partition_key=newest.key if _is_hourly(node) else None,
        )


def _unique_id(event: dg.Output) -> str:
    return str(event.metadata["unique_id"].value)


def _table_of(node: Mapping[str, Any]) -> str:
    """Return a model's schema and name; the prefix of datasets may have changed since the manifest was parsed."""
    return f"{node['config']['schema']}.{node['name']}"


def _add_figures(context: dg.AssetExecutionContext, nodes: Sequence[Mapping[str, Any]], reader: Reader) -> None:
    """Give each table's materialisation its figures: of each hour of the run, or the rows of a table without hours."""
    window = context.partition_time_window
    hourly = {_table_of(node): node["config"]["meta"].get("plots", {}) for node in nodes if _is_hourly(node)}
    whole = {_table_of(node) for node in nodes if _is_table(node)} - hourly.keys()
    found = read_figures(reader, window, hourly, sorted(whole))
    for table in sorted(hourly.keys() | whole):
        hours: list[Hour | None] = [*hours_of_window(window)] if table in hourly else [None]
        for hour in hours:
            figures = found.get(table, {}).get(hour, {})
            context.add_asset_metadata(
                {**figures, ROW_COUNT: int(figures.get(ROW_COUNT, 0))},
                asset_key=dg.AssetKey(table.split(".")),
                partition_key=hour.key if hour else None,
            )
