"""Creation of the lake's table, and the check that an existing one has the schema of this release."""

from collections.abc import Mapping
from typing import Any, Final

from pyspark.sql import SparkSession

from streaming.exceptions import LakeSchemaDiffers
from streaming.lake.delta import open_table
from streaming.lake.layout import COLUMNS, PARTITION_COLUMNS, Column
from streaming.lake.reader import Lake
from streaming.lake.schema import spark_ddl
from streaming.storage import spark_table

#: Columns with their minimum and maximum per file in the log, which costs Delta a look at every row: those by which
#: ``streaming.lake.reader`` finds an hour's runs, and ``streaming.lake.committed_offsets`` the offsets of a lost
#: checkpoint. Rows of a time range are found by their partition.
STATISTICS_COLUMNS: Final = ("run_id", "topic", "kafka_partition", "kafka_offset", "ingested_at")

TABLE_PROPERTIES: Final[dict[str, str]] = {
    # Readers in Rust and DuckDB read plain Parquet files.
    "delta.enableDeletionVectors": "false",
    # Sensors that were away for a week still find every commit.
    "delta.logRetentionDuration": "interval 7 days",
    # At most this many log entries are read behind a checkpoint: 40 minutes of a stream with its default trigger.
    "delta.checkpointInterval": "20",
    "delta.dataSkippingStatsColumns": ",".join(STATISTICS_COLUMNS),
}

#: Delta's names for the types of ``streaming.lake.layout`` where they differ from Spark SQL's.
_DELTA_TYPES: Final[Mapping[str, str]] = {"bigint": "long", "int": "integer"}


def missing_columns(lake: Lake) -> tuple[Column, ...]:
    """Return the columns of the layout that the table lacks; all of them if there is no table.

    Raises:
        LakeSchemaDiffers: The table has another column, another type or other partitions, which no release adds.
    """
    if not lake.exists():
        return COLUMNS
    table = open_table(lake.table_uri)
    there = {field.name: str(getattr(field.type, "type", field.type)) for field in table.schema().fields}
    wanted = {column.name: _DELTA_TYPES.get(column.type, column.type) for column in COLUMNS}
    problems = [
        f"column {name} is {type_}, not {wanted[name]}"
        for name, type_ in there.items()
        if name in wanted and wanted[name] != type_
    ]
    problems += [f"column {name} is unknown to this release" for name in there if name not in wanted]
    partitions = tuple(table.metadata().partition_columns)
    if partitions != PARTITION_COLUMNS:
        problems.append(
            f"it is partitioned by {', '.join(partitions) or 'nothing'}, not {', '.join(PARTITION_COLUMNS)}"
        )
    if problems:
        raise LakeSchemaDiffers(
            f"the table {lake.table_uri} does not have the schema of this release: {'; '.join(problems)}. "
            "Write into another lake (--lake), or use the release that wrote this one."
        )
    return tuple(column for column in COLUMNS if column.name not in there)


def ensure_table(spark: SparkSession, lake: Lake) -> None:
    """Create the table, or add the columns that it lacks.

    Raises:
        LakeSchemaDiffers: See ``missing_columns``.
    """
    missing = missing_columns(lake)
    table = spark_table(lake.table_uri)
    if not lake.exists():
        _clear_unfinished(spark, lake)
        properties = ", ".join(f"'{name}' = '{value}'" for name, value in TABLE_PROPERTIES.items())
        partitions = ", ".join(PARTITION_COLUMNS)
        spark.sql(
            f"CREATE TABLE {table} ({spark_ddl()}) USING delta PARTITIONED BY ({partitions}) "
            f"TBLPROPERTIES ({properties})"
        )
    elif missing:
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({spark_ddl(missing)})")


def _clear_unfinished(spark: SparkSession, lake: Lake) -> None:
    """Remove what a killed CREATE TABLE leaves: a log without a commit, which the next one would reject."""
    jvm: Any = spark._jvm
    log = jvm.org.apache.hadoop.fs.Path(f"{lake.table_uri}/_delta_log")
    files = log.getFileSystem(spark._jsc.hadoopConfiguration())  # a disk's or a bucket's
    if not files.exists(log):
        return
    names = [status.getPath().getName() for status in files.listStatus(log)]
    if not any(name.endswith((".json", ".parquet")) and not name.startswith(".") for name in names):
        files.delete(log, True)
