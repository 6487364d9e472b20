"""Access to the lake's data files with DuckDB, on a disk or in a bucket."""

from typing import Final

import duckdb

from streaming.storage import in_bucket, path_of

#: Types of the partition columns, whose values stand in the files' paths: left to itself DuckDB guesses them.
HIVE_TYPES: Final = "{'event_type': varchar, 'event_date': date, 'event_hour': int}"


def able_to_read(connection: duckdb.DuckDBPyConnection, location: str) -> duckdb.DuckDBPyConnection:
    """Let ``connection`` read files at ``location``: those in a bucket through the client of the lake's readers.

    Args:
        connection: A connection to any database.
        location: The location of a file, or of the whole lake.
    """
    if in_bucket(location) and not connection.filesystem_is_registered("gs"):
        connection.register_filesystem(path_of(location).fs)
    return connection
