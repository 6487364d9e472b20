"""DuckDB over the lake's files."""

import duckdb

from streaming.storage import in_bucket, path_of


def able_to_read(connection: duckdb.DuckDBPyConnection, location: str) -> duckdb.DuckDBPyConnection:
    """``connection``, able to read files at ``location``: those in a bucket through the client of the lake's readers.

    Args:
        connection: to any database.
        location: of a file, or of the whole lake.
    """
    if in_bucket(location) and not connection.filesystem_is_registered("gs"):
        connection.register_filesystem(path_of(location).fs)
    return connection
