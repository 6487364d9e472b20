"""Hours of a copy of the warehouse as an earlier copy has them, while their marts do not follow from raw rows yet."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

import duckdb

from streaming.hour import Hour
from ticketsim_assets.warehouse.reconciliation_view import FILED_HOUR
from ticketsim_assets.warehouse.schema import FILLED_FROM, RAW_SCHEMA

#: What says in which hour a row of a mart counts.
_HOUR_OF_MART: Final = "hour_start"


def keep_hours(connection: duckdb.DuckDBPyConnection, hours: Collection[Hour], earlier: Path | None) -> None:
    """Replace ``hours`` of every hourly table by what an earlier copy has of them, in one transaction.

    Args:
        connection: the copy, open for writing.
        hours: the hours.
        earlier: the earlier copy; None: there is none. Of it, and of a table with other columns in it, the hours are
            left out.
    """
    if earlier is not None:
        quoted = str(earlier).replace("'", "''")
        connection.execute(f"attach '{quoted}' as earlier (read_only)")
    starts = [hour.start.replace(tzinfo=None) for hour in hours]
    dates = sorted({hour.date for hour in hours})
    connection.begin()
    for table, hour in _hourly_tables(connection).items():
        columns = _columns(connection, _main(connection), table)
        if not columns:
            continue
        # event_date is what long histories are pruned by
        theirs = f"event_date between ? and ? and list_contains(?, {hour})"
        parameters = [dates[0], dates[-1], starts]
        connection.execute(f"delete from {table} where {theirs}", parameters)  # noqa: S608 our own names
        if earlier is not None and _columns(connection, "earlier", table) == columns:
            connection.execute(
                f"insert into {table} select * from earlier.{table} where {theirs}",  # noqa: S608 our own names
                parameters,
            )
    connection.commit()
    if earlier is not None:
        connection.execute("detach earlier")


def _hourly_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the tables that follow from the events of an hour, each with the expression of that hour."""
    marts = connection.execute(
        """
        select table_schema || '.' || table_name
        from information_schema.columns
        inner join information_schema.tables using (table_catalog, table_schema, table_name)
        where table_catalog = ? and table_schema = 'marts' and table_type = 'BASE TABLE' and column_name = 'hour_start'
        """,
        [_main(connection)],
    ).fetchall()
    raw = {f"{RAW_SCHEMA}.{table}": FILED_HOUR for table in FILLED_FROM["events"]}
    return {**raw, **{table: _HOUR_OF_MART for (table,) in marts}}


def _main(connection: duckdb.DuckDBPyConnection) -> str:
    return str(connection.execute("select current_database()").fetchall()[0][0])


def _columns(connection: duckdb.DuckDBPyConnection, catalog: str, table: str) -> list[tuple[str, str]]:
    return connection.execute(
        """
        select column_name, data_type from information_schema.columns
        where table_catalog = ? and table_schema || '.' || table_name = ? order by ordinal_position
        """,
        [catalog, table],
    ).fetchall()
