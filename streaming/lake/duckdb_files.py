"""Access to the lake's data files with DuckDB, on a disk or in a bucket."""

from collections.abc import Sequence
from typing import Any, Final

import duckdb

from streaming.storage import in_bucket, path_of

#: Types of the partition columns, whose values stand in the files' paths: left to itself DuckDB guesses them.
HIVE_TYPES: Final = "{'event_type': varchar, 'event_date': date, 'event_hour': int}"

#: What to read of files that are the query's first parameter, the columns in their paths included.
FILES: Final = f"read_parquet(?, hive_partitioning = true, hive_types = {HIVE_TYPES})"


def query_files(query: str, locations: Sequence[str], *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query over data files; none if there are no files, which DuckDB would refuse.

    Args:
        query: The query, in which `FILES` stands for the files; further question marks stand for ``values``.
        locations: The locations of the files.
        values: Further parameters.
    """
    if not locations:
        return []
    with able_to_read(duckdb.connect(), locations[0]) as connection:
        return connection.execute(query, [list(locations), *values]).fetchall()


def able_to_read(connection: duckdb.DuckDBPyConnection, location: str) -> duckdb.DuckDBPyConnection:
    """Let ``connection`` read files at ``location``: those in a bucket through the client of the lake's readers.

    Args:
        connection: A connection to any database.
        location: The location of a file, or of the whole lake.
    """
    if in_bucket(location) and not connection.filesystem_is_registered("gs"):
        connection.register_filesystem(path_of(location).fs)
    return connection
