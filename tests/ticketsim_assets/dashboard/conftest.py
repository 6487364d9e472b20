"""Marts of a few rows."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pytest

from ticketsim_assets.warehouse.duckdb_connection import DuckDBReader

NOON = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - the marts hold naive UTC
NOON_HOUR = 492_324  #: the same in hours since the epoch


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        yield connection


@pytest.fixture
def reader(connection: duckdb.DuckDBPyConnection) -> DuckDBReader:
    return DuckDBReader(connection)


@pytest.fixture
def fill(connection: duckdb.DuckDBPyConnection) -> Callable[[str, str, Sequence[Sequence[Any]]], None]:
    """Create a table with columns as of DDL and fill it."""

    def fill_it(table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        connection.execute(f"create table {table} ({columns})")
        for row in rows:
            connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", list(row))

    return fill_it
