"""The lake's schema for Arrow and for Spark SQL, both built from ``streaming.lake.layout``."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from streaming.lake.layout import COLUMNS, Column, ColumnType

_ARROW_TYPES: Final[dict[ColumnType, pa.DataType]] = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
}

#: The output of validation: one nullable Arrow field per column of the lake, in the lake's order.
LAKE_SCHEMA: Final = pa.schema([pa.field(column.name, _ARROW_TYPES[column.type]) for column in COLUMNS])


def spark_ddl(columns: Sequence[Column] = COLUMNS) -> str:
    """Return the columns as Spark SQL spells a schema: ``event_type string, schema_version bigint, ...``."""
    return ", ".join(f"{column.name} {column.type}" for column in columns)
