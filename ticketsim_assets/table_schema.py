"""The raw tables' columns as the Dagster UI shows them."""

from collections.abc import Sequence

import dagster as dg

from streaming.layout import Column
from ticketsim_assets.warehouse_schema import DUCKDB_TYPES, RAW_EVENTS, RAW_QUARANTINE


def _schema(columns: Sequence[Column]) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(c.name, DUCKDB_TYPES[c.type], description=c.meaning) for c in columns])


RAW_EVENTS_SCHEMA = _schema(RAW_EVENTS)

RAW_QUARANTINE_SCHEMA = _schema(RAW_QUARANTINE)
