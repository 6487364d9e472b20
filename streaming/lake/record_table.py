"""Small Delta tables beside the events table: what was decided or found about the lake, a dataclass for each row.

They are appended to by Spark, under the lake's lease, and read without a JVM.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from streaming.lake.delta import open_table, table_exists

if TYPE_CHECKING:  # importing Spark takes a second, and who only looks needs none
    from pyspark.sql import SparkSession


def read_records(location: str, schema: pa.Schema) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the table at ``location``, in the columns of ``schema``; nothing if there is no table."""
    if table_exists(location):
        rows = open_table(location).to_pyarrow_table()
        yield from zip(*(rows[name].to_pylist() for name in schema.names), strict=True)


def append_records(spark: "SparkSession", location: str, schema: pa.Schema, records: Iterable[Any]) -> None:
    """Append dataclasses in one commit, their fields in the order of the columns; the first ones create the table.

    Args:
        spark: The session of a process that holds the lake's lease.
        location: The location of the table.
        schema: Its columns.
        records: At least one dataclass.
    """
    columns = zip(*map(astuple, records), strict=True)
    rows = pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema)
    spark.createDataFrame(rows).coalesce(1).write.format("delta").mode("append").save(location)
