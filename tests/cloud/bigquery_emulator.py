"""BigQuery on this machine: local-bigquery, which Google's client and dbt take for the real one.

It runs in a virtual environment of its own (`make bigquery`). Not there: external tables, partition decorators, bytes
billed; ``require_partition_filter`` is asked of every statement that names the table, of a view's as well.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from ticketsim.stack.ports import LOOPBACK, free_port
from ticketsim_assets.warehouse.bigquery_client import Datasets

from .served import wait_until_served

PYTHON = Path(__file__).parents[2] / ".venv-bigquery" / "bin" / "python"

LAUNCHER = Path(__file__).parent / "bigquery" / "launcher.py"

PROJECT = "ticketsim-emulated"
LOCATION = "US"

#: Extensions that the emulator's DuckDB loads; their wheels are copied to where DuckDB looks, below HOME.
EXTENSIONS = ("icu", "ducklake", "httpfs", "spatial")

_IMPORT_EXTENSIONS = "import sys; from duckdb_extensions import import_extension as add; [*map(add, sys.argv[1:])]"


@dataclass(frozen=True)
class BigQueryEmulator:
    """A server that runs."""

    endpoint: str  #: ``http://host:port``; what BIGQUERY_EMULATOR_HOST holds

    def client(self) -> bigquery.Client:
        """Return Google's own client of the emulator."""
        options = {"api_endpoint": self.endpoint}
        return bigquery.Client(PROJECT, AnonymousCredentials(), location=LOCATION, client_options=options)

    def datasets(self, prefix: str) -> Datasets:
        """Create datasets for one test."""
        return Datasets(PROJECT, LOCATION, prefix, maximum_bytes_billed=10**9)

    def settings(self, prefix: str) -> dict[str, str]:
        """Return the environment in which commands and dbt use `datasets`."""
        return {
            "BIGQUERY_EMULATOR_HOST": self.endpoint,
            "TICKETSIM_WAREHOUSE": "bigquery",
            "TICKETSIM_DBT_TARGET": "bigquery",
            "TICKETSIM_BIGQUERY_PROJECT": PROJECT,
            "TICKETSIM_BIGQUERY_LOCATION": LOCATION,
            "TICKETSIM_BIGQUERY_DATASET_PREFIX": prefix,
            "TICKETSIM_BIGQUERY_MAXIMUM_BYTES_BILLED": "1000000000",
        }


@contextmanager
def running_bigquery(gcs_endpoint: str, folder: Path) -> Iterator[BigQueryEmulator]:
    """Run a server on a free port until the block is left; it loads from the emulated storage ``gcs_endpoint``."""
    assert PYTHON.exists(), f"there is no {PYTHON}: run `make bigquery`"
    home, data = folder / "home", folder / "data"
    home.mkdir(parents=True)
    environment = {**os.environ, "HOME": str(home), "STORAGE_EMULATOR_HOST": gcs_endpoint}
    subprocess.run([PYTHON, "-c", _IMPORT_EXTENSIONS, *EXTENSIONS], env=environment, check=True)
    port, grpc_port = free_port(), free_port()
    arguments = [f"--host={LOOPBACK}", f"--port={port}", f"--grpc-port={grpc_port}", f"--data-dir={data}"]
    arguments += [f"--project={PROJECT}", "--dataset=local"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([PYTHON, LAUNCHER, *arguments], env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            endpoint = f"http://{LOOPBACK}:{port}"
            wait_until_served(f"{endpoint}/bigquery/v2/projects/{PROJECT}/datasets", seconds=40)
            yield BigQueryEmulator(endpoint)
        finally:
            server.terminate()
