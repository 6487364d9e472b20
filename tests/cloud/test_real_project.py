"""`make test-gcp` without a project is left out and says why; on the emulators it fails only where they fall short."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .bigquery_emulator import LOCATION, PROJECT, BigQueryEmulator
from .gcs_emulator import GcsBucket

SUITE = Path(__file__).with_name("real_project.py")


#: No emulator knows what a query would cost.
NOT_EMULATED = "test_a_query_that_would_read_more_than_is_allowed_is_refused"


def run_suite(**project: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GCP_", "GOOGLE_"))}
    own["COLUMNS"] = "300"  # pytest cuts the summary to the terminal's width, but for CI
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", SUITE]
    return subprocess.run(command, env=own | project, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_without_a_project_it_is_left_out_and_says_which_variables_are_missing():
    done = run_suite()
    assert done.returncode == 0, done.stdout
    assert "3 skipped" in done.stdout
    assert "no real project was tested: GCP_PROJECT, GCP_LOCATION, GCP_BUCKET is not set" in done.stdout


# It is where the models' unit tests run on BigQuery's dialect.
@pytest.mark.slow
def test_on_the_emulators_all_of_it_passes_but_the_limit_of_bytes(gcs: GcsBucket, bigquery_emulator: BigQueryEmulator):
    done = run_suite(
        BIGQUERY_EMULATOR_HOST=bigquery_emulator.endpoint,
        GCP_PROJECT=PROJECT,
        GCP_LOCATION=LOCATION,
        GCP_BUCKET=gcs.name,
    )
    assert f"FAILED tests/cloud/real_project.py::{NOT_EMULATED} - Failed: DID NOT RAISE" in done.stdout, done.stdout
    assert "1 failed, 2 passed" in done.stdout, done.stdout
    # it leaves nothing behind
    assert list(bigquery_emulator.client().list_datasets(filter="labels.application:ticketsim")) == []
    assert gcs.names() == []
