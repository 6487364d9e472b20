"""The dbt models as assets: hourly where the model is a table of hours, without partitions where it is a view."""

import shutil
from collections.abc import Iterator, Mapping
from typing import Any, Final

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from ticketsim_assets.dbt_checks import told
from ticketsim_assets.partitions import HOURLY, SINGLE_RUN
from ticketsim_assets.raw_assets import POOL
from ticketsim_assets.resources import WarehouseResource

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
        if node["config"].get("incremental_strategy") == "hour_window" and node["config"]["materialized"] != "view":
            spec = spec.replace_attributes(partitions_def=HOURLY)
        return spec


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
        dagster_dbt_translator=HourlyTranslator(),
        backfill_policy=SINGLE_RUN,
        pool=POOL,
    )
    def models(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: WarehouseResource
    ) -> Iterator[object]:
        """Build and test the staging views and the marts for the hours of the run."""
        arguments = ["build", "--exclude-resource-type", "unit_test", *window_arguments(context.partition_time_window)]
        opened, not_passed = warehouse.open(), []
        with opened.exclusive():
            invocation = dbt.cli(arguments, context=context, raise_on_error=False)
            for event in invocation.stream():
                if isinstance(event, dg.AssetCheckResult) and not event.passed:
                    not_passed.append(event)
                else:
                    yield event
        if not_passed:
            # only now, since nobody can read while dbt has the warehouse
            results = invocation.get_artifact("run_results.json")["results"]
            compiled = {result["unique_id"]: result["compiled_code"] for result in results}
            with opened.reading() as reader:
                yield from told(not_passed, compiled, reader)
        if error := invocation.get_error():
            raise error
        # dagster-dbt leaves a target folder of 1.5 MB per run; of a failed one it is worth keeping.
        shutil.rmtree(invocation.target_path, ignore_errors=True)

    return models
