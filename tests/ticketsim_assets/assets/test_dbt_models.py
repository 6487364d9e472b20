"""The models as a run of Dagster builds them, with the real dbt, on both engines."""

import uuid
from pathlib import Path

import dagster as dg
import pytest

from streaming.hour import Hour
from ticketsim_assets.assets.dbt_models import warehouse_models
from ticketsim_assets.assets.partitions import hourly_partitions
from ticketsim_assets.assets.raw import LoadConfig, raw_assets
from ticketsim_assets.keys import RAW_EVENTS
from ticketsim_assets.resources.dbt import dbt_project, dbt_resource
from ticketsim_assets.resources.resources import resources
from ticketsim_assets.resources.warehouse import warehouse_resource
from ticketsim_assets.settings import Settings

from ..conftest import START, LakeMaker, Message

pytestmark = pytest.mark.slow

FIRST = Hour.containing(START)
VENUES = dg.AssetKey(["marts", "agg_venue_hourly"])


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of the engine that the test is parametrised with."""
    if request.param == "duckdb":
        return Settings(home=tmp_path)
    emulator = request.getfixturevalue("bigquery_emulator")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", emulator.endpoint)
    prefix = f"t{uuid.uuid4().hex[:8]}_"
    datasets = emulator.datasets(prefix)
    return Settings(
        home=tmp_path,
        warehouse="bigquery",
        bigquery_project=datasets.project,
        bigquery_location=datasets.location,
        bigquery_dataset_prefix=prefix,
        lake_uri=request.getfixturevalue("gcs").uri("lake"),
    )


@pytest.mark.parametrize(
    ("settings", "lake_place"),
    [("duckdb", "disk"), ("bigquery", "gcs")],
    indirect=["settings"],
    ids=["duckdb", "bigquery"],
)
def test_models_are_reported_with_rows_and_origins_as_they_are_built_where_readers_need_not_wait(
    settings: Settings, maker: LakeMaker, run_messages: list[Message]
):
    maker.append(run_messages)
    assert maker.lake.root == settings.lake
    dbt, hourly = dbt_resource(warehouse_resource(settings)), hourly_partitions(settings.first_hour)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [*raw_assets(hourly, settings.warehouse), warehouse_models(dbt_project(dbt), hourly)],
            selection=dg.AssetSelection.assets(RAW_EVENTS) | dg.AssetSelection.groups("staging", "marts"),
            resources=resources(dbt, settings),
            run_config=dg.RunConfig({"raw__events": LoadConfig(allow_incomplete=True)}),
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": FIRST.key,
                "dagster/asset_partition_range_end": FIRST.next.key,
            },
        )
        types = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
        events = [each.dagster_event for each in instance.all_logs(result.run_id, of_type=types)]
    of_models = [each for each in events if each.step_key == "warehouse_models"]
    reported = [each.step_materialization_data.materialization for each in of_models if each.is_step_materialization]

    venues = {each.partition: each.metadata for each in reported if each.asset_key == VENUES}
    assert venues.keys() == {FIRST.key, FIRST.next.key}
    assert all(metadata["dagster/row_count"].value > 0 for metadata in venues.values())
    with warehouse_resource(settings).open().reading() as reader:
        table, day = reader.named("marts.agg_venue_hourly"), f"{FIRST.start:%Y-%m-%d}"
        arrived, cents = reader.execute(
            f"select sum(visitors_arrived), sum(revenue_cents) from {table} "
            f"where event_date = date '{day}' and hour_start = timestamp '{FIRST.start:%Y-%m-%d %H:%M:%S}'"
        ).fetchall()[0]
    assert (venues[FIRST.key]["visitors_arrived"].value, venues[FIRST.key]["revenue_on_site"].value) == (
        *(arrived, cents / 100),
    )
    assert "dagster/column_lineage" not in venues[FIRST.key]
    newest = venues[FIRST.next.key]["dagster/column_lineage"].column_lineage.deps_by_column
    assert newest["revenue_cents"] == [dg.TableColumnDep(dg.AssetKey(["staging", "stg_buy_tickets"]), "amount_cents")]

    # A model's checks come before the next model only where a model is reported when it is built.
    is_model = [each.is_step_materialization for each in of_models]
    assert not all(is_model)
    assert (True in is_model[is_model.index(False) :]) is (settings.warehouse == "bigquery")
