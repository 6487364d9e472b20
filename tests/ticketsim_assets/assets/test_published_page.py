"""The dashboard's asset publishes its page as an object, in the emulator of Google Cloud Storage."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ticketsim_assets.assets.dashboard import dashboard_asset
from ticketsim_assets.resources.warehouse import DuckDBWarehouseResource
from ticketsim_assets.settings import Settings

from ...cloud.gcs_emulator import GcsBucket


@pytest.fixture
def settings(gcs: GcsBucket, tmp_path: Path) -> Settings:
    duckdb.connect(tmp_path / "warehouse.duckdb").close()
    return Settings(home=tmp_path, page_object=gcs.uri("index.html"))


def materialize(settings: Settings) -> dg.AssetMaterialization:
    asset = dashboard_asset(settings.dashboard_path, settings.plans, settings.page_object, settings.page_link)
    warehouse = DuckDBWarehouseResource(path=str(settings.warehouse_path), readers_path=str(settings.readers_path))
    done = dg.materialize([asset], resources={"warehouse": warehouse})
    [event] = done.get_asset_materialization_events()
    return event.materialization


def test_the_page_is_an_object_that_browsers_show_and_is_replaced_after_each_run(gcs: GcsBucket, settings: Settings):
    bucket = gcs.emulator.client().bucket(gcs.name)
    bucket.blob("index.html").upload_from_string("the page of yesterday")
    told = materialize(settings).metadata["path"].value
    assert told == gcs.uri("index.html")
    blob = bucket.get_blob("index.html")
    assert blob.content_type.startswith("text/html")
    assert blob.download_as_bytes() == settings.dashboard_path.read_bytes()


def test_the_asset_links_to_the_object_at_the_address_where_google_asks_who_you_are(settings: Settings):
    asset = dashboard_asset(settings.dashboard_path, settings.plans, settings.page_object, settings.page_link)
    [metadata] = asset.metadata_by_key.values()
    bucket = settings.page_object.removeprefix("gs://")
    assert metadata["page"] == dg.MetadataValue.url(f"https://storage.cloud.google.com/{bucket}")


def test_an_address_of_the_company_s_takes_precedence():
    settings = Settings(page_object="gs://b/index.html", page_url="https://dashboards.example.com/")
    assert settings.page_link == "https://dashboards.example.com/"
