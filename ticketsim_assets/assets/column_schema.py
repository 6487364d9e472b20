"""Column schemas of topics, lake and raw tables for the Dagster UI, built from the contract."""

from collections.abc import Sequence
from typing import Final

import dagster as dg

from simulator.events import EventType, Field, Kind, fields_of
from streaming.lake.layout import (
    CONTRACT_COLUMNS,
    FILING_COLUMNS,
    KAFKA_COLUMNS,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    Column,
)
from ticketsim_assets.warehouse.reconciliation_view import RECONCILIATION_COLUMNS
from ticketsim_assets.warehouse.schema import DUCKDB_TYPES, FORGOTTEN_RUNS_COLUMNS, RAW_EVENTS, RAW_QUARANTINE

_JSON_TYPES: Final[dict[Kind, str]] = {
    "string": "string",
    "int": "integer",
    "time": "integer, microseconds since the Unix epoch",
    "bool": "boolean",
}

_NEVER_NULL: Final = dg.TableColumnConstraints(nullable=False)


def topic_schema(event_type: EventType) -> dg.TableSchema:
    """Return the fields of a topic's JSON messages."""
    return dg.TableSchema(
        [
            dg.TableColumn(field.name, _JSON_TYPES[field.kind], field.meaning, _constraints(field, event_type))
            for field in fields_of(event_type)
        ]
    )


def lake_schema(name: str) -> dg.TableSchema:
    """Return the columns that rows of event type ``name`` fill, or those of the quarantine, with Delta's types."""
    if name == QUARANTINE:
        return dg.TableSchema([_column(c) for c in (*KAFKA_COLUMNS, *QUARANTINE_COLUMNS, *FILING_COLUMNS)])
    event_type = EventType(name)
    fields = {field.name: field for field in fields_of(event_type)}
    return dg.TableSchema(
        [
            *(
                dg.TableColumn(c.name, c.type, c.meaning, _constraints(fields[c.name], event_type))
                for c in CONTRACT_COLUMNS
                if c.name in fields
            ),
            *(_column(c) for c in (*KAFKA_COLUMNS, *FILING_COLUMNS)),
        ]
    )


def _raw_schema(columns: Sequence[Column]) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(c.name, DUCKDB_TYPES[c.type], c.meaning) for c in columns])


def _column(column: Column) -> dg.TableColumn:
    return dg.TableColumn(column.name, column.type, column.meaning)


def _constraints(field: Field, event_type: EventType) -> dg.TableColumnConstraints | None:
    return _NEVER_NULL if event_type in field.required else None


RAW_EVENTS_SCHEMA: Final = _raw_schema(RAW_EVENTS)

RAW_QUARANTINE_SCHEMA: Final = _raw_schema(RAW_QUARANTINE)

RAW_RECONCILIATION_SCHEMA: Final = _raw_schema(RECONCILIATION_COLUMNS)

RAW_FORGOTTEN_RUNS_SCHEMA: Final = _raw_schema(FORGOTTEN_RUNS_COLUMNS)
