"""The warehouse's raw tables, built from the lake's layout: columns in order and the DDL that creates them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from streaming.lake.forgotten_runs import ForgottenRun
from streaming.lake.layout import CONTRACT_COLUMNS, FILING_COLUMNS, KAFKA_COLUMNS, QUARANTINE_COLUMNS, Column
from ticketsim_assets.warehouse.reconciliation_view import RECONCILIATION, reconciliation_query

RAW_SCHEMA: Final = "raw"

#: Times are naive and UTC: TIMESTAMP WITH TIME ZONE would need DuckDB's ICU extension for every calculation.
DUCKDB_TYPES: Final[dict[str, str]] = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "int": "INTEGER",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
}

BIGQUERY_TYPES: Final[dict[str, str]] = {
    "string": "STRING",
    "bigint": "INTEGER",
    "int": "INTEGER",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "binary": "BYTES",
    "date": "DATE",
}

#: One row per valid message, of all eight event types.
RAW_EVENTS: Final[tuple[Column, ...]] = CONTRACT_COLUMNS + KAFKA_COLUMNS + FILING_COLUMNS

#: One row per message that breaks the contract, filed by its arrival.
RAW_QUARANTINE: Final[tuple[Column, ...]] = KAFKA_COLUMNS + QUARANTINE_COLUMNS + FILING_COLUMNS

RAW_TABLES: Final[dict[str, tuple[Column, ...]]] = {"events": RAW_EVENTS, "quarantine": RAW_QUARANTINE}

#: Copies of an event that are not equal to the first: of each other content the first, with the columns of raw.events.
#: A table of the loader's own, filled with raw.events in one transaction; nearly always empty.
CONFLICTING_COPIES: Final = "conflicting_copies"

#: All tables that a load fills.
LOADED_TABLES: Final[dict[str, tuple[Column, ...]]] = {**RAW_TABLES, CONFLICTING_COPIES: RAW_EVENTS}

#: The runs that were left out of raw.events by the load that was the last one. A table of the loader's own, nearly
#: always empty.
FORGOTTEN_RUNS: Final = "forgotten_runs"

FORGOTTEN_RUNS_COLUMNS: Final = (
    Column("run_id", "string", "One start of the simulator."),
    Column("forgotten_at", "timestamp", "When it was forgotten."),
    Column("hours", "bigint", "Hours of the lake with rows of it at that time."),
    Column("events", "bigint", "Events of the seven activities that the lake had of it."),
    Column("receipts", "bigint", "Receipts that the lake had of it."),
)

_IDENTITY: Final = "event_date, event_hour, run_id, venue_id, event_id"
_CONTENT: Final = ", ".join(dict.fromkeys([*_IDENTITY.split(", "), *(column.name for column in CONTRACT_COLUMNS)]))
_POSITION: Final = f"row_number() over (partition by {_IDENTITY} order by kafka_partition, kafka_offset)"
_POSITION_AMONG_EQUAL: Final = f"row_number() over (partition by {_CONTENT} order by kafka_partition, kafka_offset)"

#: Which of several copies of a row in an hour's files stays: the first that the broker took. Copies are rows with the
#: same run, venue and event_id: an event_id alone may be that of another run. Both engines say it so.
FIRST_COPY: Final = {
    "events": f"qualify {_POSITION} = 1",
    "quarantine": "",
    CONFLICTING_COPIES: f"qualify {_POSITION} > 1 and {_POSITION_AMONG_EQUAL} = 1",
}

#: The tables that are filled together from the same files of the lake.
FILLED_FROM: Final = {"events": ("events", CONFLICTING_COPIES), "quarantine": ("quarantine",)}


def create_statements() -> list[str]:
    """Return the statements that create or upgrade the raw schema and its tables in DuckDB.

    A table of an earlier release gains the columns that it lacks, null in the rows that it has.
    """
    return [
        f"create schema if not exists {RAW_SCHEMA}",
        *(_create_table(table, columns) for table, columns in LOADED_TABLES.items()),
        _create_table(FORGOTTEN_RUNS, FORGOTTEN_RUNS_COLUMNS),
        *(_add_column(table, column) for table, columns in LOADED_TABLES.items() for column in columns),
        f"create or replace view {RECONCILIATION} as "
        + reconciliation_query("duckdb", f"{RAW_SCHEMA}.events", f"{RAW_SCHEMA}.{CONFLICTING_COPIES}"),
    ]


def _create_table(table: str, columns: tuple[Column, ...]) -> str:
    listed = ", ".join(_definition(column) for column in columns)
    return f"create table if not exists {RAW_SCHEMA}.{table} ({listed})"


def _add_column(table: str, column: Column) -> str:
    return f"alter table {RAW_SCHEMA}.{table} add column if not exists {_definition(column)}"


def _definition(column: Column) -> str:
    return f"{column.name} {DUCKDB_TYPES[column.type]}"


def forgotten_rows(runs: Iterable[ForgottenRun]) -> list[tuple[str, datetime, int, int, int]]:
    """Return ``runs`` as rows of ``forgotten_runs``."""
    return [(run.run_id, run.forgotten_at, len(run.hours), run.events, run.receipts) for run in runs]
