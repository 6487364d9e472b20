"""The warehouse on a real project of Google Cloud: what no emulator tells. Asked for by `make test-gcp` only.

GCP_PROJECT, GCP_LOCATION and GCP_BUCKET say where; credentials are the machine's (`gcloud auth application-default
login`). Datasets and objects are the run's own and are removed. Load jobs and metadata are free; no query may read more
than a gigabyte, and those of this suite read much less.
"""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from google.api_core.exceptions import BadRequest, GoogleAPIError
from google.auth.exceptions import GoogleAuthError

from ticketsim_assets.checks.reconciliation import read_reconciliation
from ticketsim_assets.warehouse.bigquery_client import Datasets
from ticketsim_assets.warehouse.bigquery_warehouse import BigQueryWarehouse
from ticketsim_assets.warehouse.wait_policy import NO_WAIT

from ..ticketsim_assets.conftest import LakeMaker, hour_of, simulated

DBT_DIR = Path(__file__).parents[2] / "dbt"

NEEDED = ("GCP_PROJECT", "GCP_LOCATION", "GCP_BUCKET")


@pytest.fixture(scope="module")
def datasets():
    """Datasets of this run; the whole suite is left out, and says so, if there is no project or no credentials."""
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        pytest.skip(f"no real project was tested: {', '.join(missing)} is not set (make test-gcp GCP_PROJECT=...)")
    made = Datasets(os.environ["GCP_PROJECT"], os.environ["GCP_LOCATION"], f"test_{uuid.uuid4().hex[:8]}_", 10**9)
    try:
        client = made.client()
        list(client.list_datasets(max_results=1))
    except (GoogleAuthError, GoogleAPIError) as error:
        pytest.skip(f"no real project was tested: {error} (gcloud auth application-default login)")
    yield made
    for schema in ("raw", "staging", "marts", "published"):
        client.delete_dataset(made.dataset(schema), delete_contents=True, not_found_ok=True)


@pytest.fixture(scope="module")
def loaded(datasets, tmp_path_factory):
    """The warehouse with all hours of a small run, from files in the bucket."""
    from google.cloud import storage

    maker = LakeMaker(tmp_path_factory.mktemp("lake"))
    messages = simulated()
    maker.append([*messages, *messages[:50]])
    snapshot = maker.lake.snapshot()
    bucket = storage.Client(datasets.project).bucket(os.environ["GCP_BUCKET"])
    files, uploaded = {}, []
    for hour in {hour_of(message) for message in messages}:
        files[hour] = []
        for file in snapshot.files(hour):
            uploaded.append(bucket.blob(f"{datasets.prefix}lake/events/{file.path}"))
            uploaded[-1].upload_from_filename(snapshot.uri(file))
            files[hour].append(f"gs://{bucket.name}/{uploaded[-1].name}")
    warehouse = BigQueryWarehouse(datasets, NO_WAIT)
    assert sum(warehouse.replace_hours("events", files).values()) == len(messages)
    assert sum(warehouse.replace_hours("events", files).values()) == len(messages)
    yield warehouse
    bucket.delete_blobs(uploaded)


def test_a_query_that_names_no_day_is_refused(loaded):
    with loaded.reading() as reader, pytest.raises(BadRequest, match="filter"):
        reader.execute(f"select count(*) from {reader.named('raw.events')}")


def test_a_query_that_would_read_more_than_is_allowed_is_refused(loaded):
    tight = Datasets(loaded.datasets.project, loaded.datasets.location, loaded.datasets.prefix, 1)
    with BigQueryWarehouse(tight, NO_WAIT).reading() as reader, pytest.raises(GoogleAPIError, match="bytes"):
        reader.execute(f"select sum(party_size) from {reader.named('raw.events')} where event_date > '2000-01-01'")


def test_dbt_builds_and_tests_everything_and_all_receipts_are_proved(loaded, tmp_path):
    datasets = loaded.datasets
    environment = os.environ | {
        "TICKETSIM_DBT_TARGET": "bigquery",
        "TICKETSIM_BIGQUERY_PROJECT": datasets.project,
        "TICKETSIM_BIGQUERY_LOCATION": datasets.location,
        "TICKETSIM_BIGQUERY_DATASET_PREFIX": datasets.prefix,
        "TICKETSIM_BIGQUERY_MAXIMUM_BYTES_BILLED": str(datasets.maximum_bytes_billed),
    }
    places = [f"--project-dir={DBT_DIR}", f"--profiles-dir={DBT_DIR}", f"--target-path={tmp_path}"]
    built = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "build", *places], env=environment, capture_output=True, check=False
    )
    assert built.returncode == 0, built.stdout.decode()
    with loaded.reading() as reader:
        assert read_reconciliation(reader).state == "proved"
