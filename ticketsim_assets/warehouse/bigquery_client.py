"""The BigQuery client of this project: datasets' names, labels, and a limit on the bytes that a query may bill."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

#: Google's own variable; if it is set, the client talks to an emulator, which needs no credentials.
EMULATOR_VARIABLE: Final = "BIGQUERY_EMULATOR_HOST"

#: On every job, dataset and table, so that the bill can be read.
LABELS: Final = {"application": "ticketsim"}

_PARAMETER_TYPES: Final = ((bool, "BOOL"), (int, "INT64"), (float, "FLOAT64"), (str, "STRING"), (date, "DATE"))


@dataclass(frozen=True, slots=True)
class Datasets:
    """The location of the warehouse's datasets, and the limit on what reading them may cost."""

    project: str
    location: str  #: of the datasets and jobs: the bucket's, ``europe-west1`` or ``EU``
    prefix: str  #: before ``raw``, ``staging``, ``marts`` and ``published``; may be empty
    maximum_bytes_billed: int  #: of one query; one that would read more is refused before it costs anything

    def dataset(self, schema: str) -> str:
        """Return the id of a schema's dataset, ``project.prefix_raw``."""
        return f"{self.project}.{self.prefix}{schema}"

    def table(self, name: str) -> str:
        """Return the id of a table from its schema and name, ``raw.events``."""
        schema, table = name.split(".")
        return f"{self.dataset(schema)}.{table}"

    def client(self) -> bigquery.Client:
        """Create a client whose jobs are labelled and limited; its credentials are the machine's (ADC)."""
        return bigquery.Client(
            project=self.project,
            location=self.location,
            credentials=AnonymousCredentials() if os.environ.get(EMULATOR_VARIABLE) else None,
            default_query_job_config=bigquery.QueryJobConfig(
                maximum_bytes_billed=self.maximum_bytes_billed, labels=LABELS
            ),
            default_load_job_config=bigquery.LoadJobConfig(labels=LABELS),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a query, as in Python's database API (PEP 249)."""

    description: Sequence[tuple[str, ...]]
    rows: list[tuple[Any, ...]]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows, as tuples."""
        return self.rows


class BigQueryReader:
    """A `Reader` that queries BigQuery."""

    def __init__(self, client: bigquery.Client, datasets: Datasets) -> None:
        """Query with ``client``."""
        self._client = client
        self._datasets = datasets

    def execute(self, query: str, parameters: Any = None, /) -> Answer:
        """Run ``query`` as one job, which reads committed data; see `Reader`."""
        asked = bigquery.QueryJobConfig(query_parameters=[parameter(value) for value in parameters or ()])
        found = self._client.query(query, job_config=asked).result()
        return Answer([(field.name,) for field in found.schema], [row.values() for row in found])

    def table_id(self, table: str) -> str:
        """Return the id of ``table``, a schema and a name, with project and dataset."""
        return self._datasets.table(table)

    def named(self, table: str) -> str:
        """Return ``table`` with project and dataset; see `Reader`."""
        return f"`{self.table_id(table)}`"

    def has(self, table: str) -> bool:
        """Return whether ``table`` exists, without a query, which would bill at least 10 MB; see `Reader`."""
        try:
            self._client.get_table(self.table_id(table))
        except NotFound:
            return False
        return True


def parameter(value: Any) -> bigquery.ScalarQueryParameter:
    """Return the parameter for a question mark; a datetime without a zone is UTC."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return bigquery.ScalarQueryParameter(None, "TIMESTAMP", aware)
    for kind, name in _PARAMETER_TYPES:
        if isinstance(value, kind):
            return bigquery.ScalarQueryParameter(None, name, value)
    raise TypeError(f"No BigQuery type for the parameter {value!r}; expected bool, int, float, str, date or datetime.")
